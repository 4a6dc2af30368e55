// Package quotas reads the service quotas that hosts take from, and what the account uses of them, by whomever.
package quotas

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// quotas is what is used of Service Quotas.
type quotas interface {
	GetServiceQuota(ctx context.Context, in *servicequotas.GetServiceQuotaInput, opts ...func(*servicequotas.Options)) (*servicequotas.GetServiceQuotaOutput, error)
	GetAWSDefaultServiceQuota(ctx context.Context, in *servicequotas.GetAWSDefaultServiceQuotaInput, opts ...func(*servicequotas.Options)) (*servicequotas.GetAWSDefaultServiceQuotaOutput, error)
}

type databases interface {
	DescribeAccountAttributes(ctx context.Context, in *rds.DescribeAccountAttributesInput, opts ...func(*rds.Options)) (*rds.DescribeAccountAttributesOutput, error)
}

type roles interface {
	GetAccountSummary(ctx context.Context, in *iam.GetAccountSummaryInput, opts ...func(*iam.Options)) (*iam.GetAccountSummaryOutput, error)
}

type machines interface {
	ec2.DescribeInstancesAPIClient
	ec2.DescribeVolumesAPIClient
	ec2.DescribeNetworkInterfacesAPIClient
	ec2.DescribeSecurityGroupsAPIClient
}

// Account is the account that a stage is in, in the stage's region. All fields are required. Deadlines and retries of requests are the
// clients' own.
type Account struct {
	Stage     string
	Quotas    quotas
	Databases databases
	Roles     roles
	Machines  machines
	Stacks    cloudformation.ListStacksAPIClient
	Alarms    cloudwatch.DescribeAlarmsAPIClient
}

// New makes the account of a stage.
func New(cfg aws.Config, stage string) *Account {
	return &Account{
		Stage: stage, Quotas: servicequotas.NewFromConfig(cfg), Databases: rds.NewFromConfig(cfg), Roles: iam.NewFromConfig(cfg),
		Machines: ec2.NewFromConfig(cfg), Stacks: cloudformation.NewFromConfig(cfg), Alarms: cloudwatch.NewFromConfig(cfg),
	}
}

// known is a quota as Service Quotas knows it, and who says what is used of it.
type known struct {
	service, code string
	units         int // of ours in one of Service Quotas'; 0: one
	used          func(*Account, context.Context) (int, error)
}

// quotasKnown are the quotas that Service Quotas knows, by pool's names (AWS General Reference, "Service endpoints and quotas" of
// each service, where each quota's name links to its code). Those of roles and alarms are read otherwise: see Read.
var quotasKnown = map[string]known{
	"ec2-vcpus":            {service: "ec2", code: "L-1216C47A", used: (*Account).processors},           // Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances
	"ebs-storage":          {service: "ebs", code: "L-7A658B76", units: 1024, used: (*Account).storage}, // Storage for General Purpose SSD (gp3) volumes, in TiB
	"interfaces":           {service: "vpc", code: "L-DF5E4CA3", used: (*Account).interfaces},
	"security-groups":      {service: "vpc", code: "L-E79EC296", used: (*Account).groups},
	"stacks":               {service: "cloudformation", code: "L-0485CB21"}, // used: all that are listed
	"rds-instances":        {service: "rds", code: "L-7B6409FD"},            // used: RDS says so, of these three at once
	"rds-parameter-groups": {service: "rds", code: "L-DE55804A"},
	"rds-subnet-groups":    {service: "rds", code: "L-48C6BF61"},
}

// byRDS are the quotas of which RDS itself says how much is used, by its names for them (Amazon RDS API Reference, "AccountQuota").
var byRDS = map[string]string{
	"rds-instances": "DBInstances", "rds-parameter-groups": "DBParameterGroups", "rds-subnet-groups": "DBSubnetGroups",
}

// Read reads all quotas that hosts take from. One that can't be read says why; only the end of the context's time is an error.
//
// IAM's quotas are known to Service Quotas in one region only, and IAM says itself what they are and how much is used. Of alarms AWS
// names no quota (CloudWatch refuses beyond some number with LimitExceeded, and documents none).
func (a *Account) Read(ctx context.Context) (pool.QuotaReading, error) {
	r := pool.QuotaReading{Said: map[string]pool.QuotaSaid{}}
	all, err := a.stacks(ctx)
	if err != nil { // which of what is used is the stage's own is not known
		for _, name := range pool.QuotaNames {
			r.Said[name] = pool.QuotaSaid{Why: awsclient.Reason(err)}
		}
		return r, ctx.Err()
	}
	r.Made, r.Moving = all.made, all.moving
	ofRDS, rdsErr := a.usedOfRDS(ctx)
	for _, name := range pool.QuotaNames {
		var said pool.QuotaSaid
		switch known, ok := quotasKnown[name]; {
		case name == "iam-roles":
			said.Most, said.Used, err = a.roles(ctx)
		case name == "alarms":
			said.Used, err = a.alarms(ctx)
		case !ok:
			err = fmt.Errorf("nobody knows how to read quota %s", name)
		default:
			said.Most, err = a.most(ctx, known)
			switch counted, of := byRDS[name]; {
			case err != nil:
			case name == "stacks":
				said.Used = all.standing
			case of:
				said.Used, err = ofRDS[counted], rdsErr
			default:
				said.Used, err = known.used(a, ctx)
			}
		}
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		if err != nil {
			said = pool.QuotaSaid{Why: awsclient.Reason(err)}
		}
		r.Said[name] = said
	}
	return r, nil
}

// errNoValue means that Service Quotas answered without saying what a quota is.
var errNoValue = errors.New("the answer of Service Quotas has no value")

// most is what a quota is: what applies to the account, or where that is not available, AWS's default (Service Quotas API Reference,
// GetServiceQuota: "For some quotas, only the default values are available"); 0 where Service Quotas knows neither, as there is of some
// in the newest regions.
func (a *Account) most(ctx context.Context, k known) (int, error) {
	value, err := a.applied(ctx, k)
	if awsclient.IsNotFound(err) {
		if value, err = a.preset(ctx, k); awsclient.IsNotFound(err) {
			return 0, nil
		}
	}
	if err != nil {
		return 0, fmt.Errorf("read quota %s of %s: %w", k.code, k.service, err)
	}
	return int(value * float64(max(1, k.units))), nil
}

func (a *Account) applied(ctx context.Context, k known) (float64, error) {
	out, err := a.Quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &k.service, QuotaCode: &k.code})
	if err != nil {
		return 0, err
	}
	return valueOf(out.Quota)
}

func (a *Account) preset(ctx context.Context, k known) (float64, error) {
	out, err := a.Quotas.GetAWSDefaultServiceQuota(ctx, &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: &k.service, QuotaCode: &k.code})
	if err != nil {
		return 0, err
	}
	return valueOf(out.Quota)
}
