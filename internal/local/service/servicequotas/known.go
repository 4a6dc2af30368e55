package servicequotas

// quota is a service quota of the account.
type quota struct {
	service, code, name string
	preset              float64 // AWS's default
	applied             float64 // to the account; 0: only the default is available
	asks                string  // a permission of the caller's that Service Quotas needs to know what applies; empty: none
}

// known are the quotas that hosts take from. Their defaults are AWS's (AWS General Reference, "Service endpoints and quotas" of each
// service), and so is what applies here, but for EC2's vCPUs: a fresh account has 5, of which no two gateways can run.
//
// Which applied values Service Quotas asks other services for, it does not document: these are the permissions that AWS's policy for
// reading it has beside its own (ServiceQuotasReadOnlyAccess).
var known = []quota{
	{"ec2", "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 5, 2000, ""},
	{"ebs", "L-7A658B76", "Storage for General Purpose SSD (gp3) volumes, in TiB", 50, 0, ""},
	{"vpc", "L-DF5E4CA3", "Network interfaces per Region", 5000, 0, ""},
	{"vpc", "L-E79EC296", "VPC security groups per Region", 2500, 0, ""},
	{"cloudformation", "L-0485CB21", "Stack count", 2000, 2000, "cloudformation:DescribeAccountLimits"},
	{"rds", "L-7B6409FD", "DB instances", 40, 40, "rds:DescribeAccountAttributes"},
	{"rds", "L-DE55804A", "Parameter groups", 50, 50, "rds:DescribeAccountAttributes"},
	{"rds", "L-48C6BF61", "DB subnet groups", 50, 50, "rds:DescribeAccountAttributes"},
	{"iam", "L-FE177D64", "Roles per account", 1000, 1000, "iam:GetAccountSummary"},
}

// The codes of quotas, by which other services ask what there may be of theirs.
const (
	VCPUs           = "L-1216C47A"
	Storage         = "L-7A658B76" // of gp3 volumes, in TiB
	Interfaces      = "L-DF5E4CA3"
	SecurityGroups  = "L-E79EC296"
	Stacks          = "L-0485CB21"
	Instances       = "L-7B6409FD" // of RDS
	ParameterGroups = "L-DE55804A"
	SubnetGroups    = "L-48C6BF61"
	Roles           = "L-FE177D64"
)
