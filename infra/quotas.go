package main

import (
	"fmt"

	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// Quotas are what AWS lets an account have, as it granted it to this one: of those that grow with the hosts and that
// CloudWatch can't be asked for. People are warned before they are used up, and write here what they were given.
type Quotas struct {
	Instances      int // RDS DB instances of the region
	InstanceGroups int // RDS DB parameter groups, and as many DB subnet groups
	StorageTiB     int // EBS gp3 storage of the region
	Roles          int // IAM roles of the account, 5,000 at most
	Stacks         int // CloudFormation stacks of the region
	Interfaces     int // network interfaces of the region
	SecurityGroups int // of the region
	Alarms         int // CloudWatch alarms of the region
}

// newAccount are AWS's defaults, as in docs/operations.md.
var newAccount = Quotas{
	Instances: 40, InstanceGroups: 50, StorageTiB: 50, Roles: 1000, Stacks: 2000, Interfaces: 5000, SecurityGroups: 2500, Alarms: 5000,
}

// usage is a quota of which AWS tells how much is used, by whomever (metric ResourceCount in AWS/Usage). CloudWatch
// knows the quota as well (SERVICE_QUOTA) for only some of them, and AWS has no list of which. Those of EC2's vCPUs
// it does (EC2 user guide, "Amazon EC2 usage metrics"). Those that RDS publishes (RDS user guide, "Amazon CloudWatch
// usage metrics for Amazon RDS") it does not, but for three that don't matter here: so found those who tried each,
// github.com/deliveryhero/terraform-aws-service-quota-alarms. With an unknown quota an alarm would never ring.
type usage struct {
	id, what, description    string
	service, resource, class string
	quota                    int // 0: CloudWatch knows it
}

func usages(q Quotas) []usage {
	return []usage{
		{"InstancesQuotaAlarm", "quota-rds-instances", "RDS instances", "RDS", "DBInstances", "None", q.Instances},
		{"ParameterGroupsQuotaAlarm", "quota-rds-parameter-groups", "RDS parameter groups", "RDS", "DBParameterGroups", "None", q.InstanceGroups},
		{"SubnetGroupsQuotaAlarm", "quota-rds-subnet-groups", "RDS subnet groups", "RDS", "DBSubnetGroups", "None", q.InstanceGroups},
		{"MachinesQuotaAlarm", "quota-ec2-vcpus", "vCPUs of standard on-demand machines", "EC2", "vCPU", "Standard/OnDemand", 0},
		// ECS developer guide, "AWS Fargate usage metrics".
		{"TasksQuotaAlarm", "quota-fargate-vcpus", "vCPUs of Fargate on demand", "Fargate", "vCPU", "Standard/OnDemand", 0},
	}
}

func (u usage) props() AlarmProps {
	limit, known := "SERVICE_QUOTA(m)", ""
	if u.quota > 0 {
		limit, known = fmt.Sprint(u.quota), thenSay
	}
	return AlarmProps{
		Description: "Most of the account's quota of " + u.description + " is used: ask AWS for more before hosts can't be made" + known + ".",
		Namespace:   "AWS/Usage", Metric: "ResourceCount", Statistic: "Maximum",
		Dimensions: map[string]*string{
			"Service": jsii.String(u.service), "Type": jsii.String("Resource"),
			"Resource": jsii.String(u.resource), "Class": jsii.String(u.class),
		},
		Expression:    "100 * m / " + limit,
		PeriodSeconds: 300, Periods: 1, Comparison: atLeast, Threshold: nearlyFull, Missing: "missing",
	}
}

const thenSay = ", then say so in the stage's Quotas"

// reckoned is a quota of which AWS tells no usage in CloudWatch: it is reckoned from the hosts that there are, and
// what each takes. What others of the account use is not in it.
type reckoned struct {
	id, what, description string
	stage                 int // what the control plane takes, at most
	database, share       int // what a host of each kind takes, at most
	quota                 int
}

func reckonedQuotas(s Stage) []reckoned {
	q := s.Quotas
	zones := 1 // in which an instance has an interface
	if s.Databases.MultiZone {
		zones = 2
	}
	return []reckoned{
		{"RolesQuotaAlarm", "quota-iam-roles", "IAM roles", 30, 0, maxShares, q.Roles},
		{"StorageQuotaAlarm", "quota-ebs-storage", "EBS gp3 storage (GiB)", 0, 0, s.Shares.RootGiB + s.Shares.CacheGiB, q.StorageTiB << 10},
		{"StacksQuotaAlarm", "quota-stacks", "CloudFormation stacks", 2, 1, 1, q.Stacks},
		{"InterfacesQuotaAlarm", "quota-interfaces", "network interfaces", 40, zones, 1, q.Interfaces},
		{"SecurityGroupsQuotaAlarm", "quota-security-groups", "security groups", 6, 1, 1, q.SecurityGroups},
		{"AlarmsQuotaAlarm", "quota-alarms", "CloudWatch alarms", 60, databaseAlarms, shareAlarms, q.Alarms},
	}
}

func (r reckoned) props(s Stage) AlarmProps {
	hosts := func(kind pool.Kind) map[string]*string {
		return map[string]*string{telemetry.Stage: jsii.String(s.Name), telemetry.Kind: jsii.String(string(kind))}
	}
	return AlarmProps{
		Description: "This stage's hosts take most of the account's quota of " + r.description + ": ask AWS for more before hosts can't be made" + thenSay + ".",
		Namespace:   telemetry.Namespace, Metric: telemetry.HostsOfKind.Name, Statistic: "Maximum",
		Dimensions: hosts(pool.Database), More: map[string]map[string]*string{"s": hosts(pool.Share)},
		Expression:    fmt.Sprintf("100 * (%d + %d * m + %d * s) / %d", r.stage, r.database, r.share, r.quota),
		PeriodSeconds: 60, Periods: 5, Comparison: atLeast, Threshold: nearlyFull, Missing: "missing",
	}
}
