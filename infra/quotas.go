package main

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// alarmsMost is how many CloudWatch alarms of a region are assumed to be allowed: AWS names no quota of them any more, and
// CloudWatch refuses beyond one still (API Reference, PutMetricAlarm: LimitExceeded). It was 5,000 while AWS named one.
const alarmsMost = 5000

// gatewayVCPUs are those of a gateway's machine, of whichever family: an xlarge.
const gatewayVCPUs = 4

// hostQuotas are the service quotas that bound what is ordered, and what a host of each kind takes of them, at most. How large they
// are, and what all of the account takes, AWS is asked (internal/adapter/quotas).
func hostQuotas(s Stage) []pool.Quota {
	zones := 1 // in which an instance has an interface
	if s.Databases.MultiZone {
		zones = 2
	}
	return []pool.Quota{
		{Name: "rds-instances", Database: 1},
		{Name: "rds-parameter-groups", Database: 1},
		{Name: "rds-subnet-groups", Database: 1},
		{Name: "ec2-vcpus", Share: gatewayVCPUs},
		{Name: "ebs-storage", Share: s.Shares.RootGiB + s.Shares.CacheGiB}, // in GiB
		{Name: "iam-roles", Share: maxShares},
		{Name: "stacks", Database: 1, Share: 1},
		{Name: "interfaces", Database: zones, Share: 1},
		{Name: "security-groups", Database: 1, Share: 1},
		{Name: "alarms", Most: alarmsMost, Database: databaseAlarms, Share: shareAlarms},
	}
}

// readQuotas is what reading quotas takes, and all that is used of them. Service Quotas asks RDS and CloudFormation for what applies,
// as who asks it (its API Reference, "ErrorReason", and AWS's policy ServiceQuotasReadOnlyAccess).
func readQuotas() Grant {
	return Grant{
		Actions: []string{
			"servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota", "rds:DescribeAccountAttributes",
			"cloudformation:DescribeAccountLimits", "iam:GetAccountSummary", "ec2:DescribeNetworkInterfaces",
			"cloudwatch:DescribeAlarms", // composite ones are described to those only who may describe all
		},
		Resources: *everything(),
	}
}

// newQuotaAlarms make the alarms on quotas: one each, because one that is nearly used up may be so for long, and must not keep people from
// hearing of another.
func newQuotaAlarms(scope constructs.Construct, o *Operators) {
	const section = "quota-near"
	for _, name := range pool.QuotaNames {
		o.call(scope, "Quota-"+name, Ticket, section+"-"+name, section, AlarmProps{
			Description: "Most of the account's quota " + name + " is used: ask AWS for more before hosts are held back.",
			Namespace:   telemetry.Namespace, Metric: telemetry.QuotaUsed.Name, Statistic: "Maximum",
			Dimensions:    map[string]*string{telemetry.Stage: jsii.String(o.Stage.Name), telemetry.Of: jsii.String(name)},
			PeriodSeconds: 60, Periods: 5, Comparison: atLeast, Threshold: nearlyFull, Missing: "missing",
		})
	}
	// Tasks take of this one, which hosts don't, and CloudWatch knows it (ECS developer guide, "AWS Fargate usage metrics").
	o.call(scope, "TasksQuotaAlarm", Ticket, section+"-fargate-vcpus", section, AlarmProps{
		Description: "Most of the account's quota of vCPUs of Fargate on demand is used: ask AWS for more before tenants' data can't be copied.",
		Namespace:   "AWS/Usage", Metric: "ResourceCount", Statistic: "Maximum",
		Dimensions: map[string]*string{
			"Service": jsii.String("Fargate"), "Type": jsii.String("Resource"), "Resource": jsii.String("vCPU"), "Class": jsii.String("Standard/OnDemand"),
		},
		Expression:    "100 * m / SERVICE_QUOTA(m)",
		PeriodSeconds: 300, Periods: 1, Comparison: atLeast, Threshold: nearlyFull, Missing: "missing",
	})
	o.call(scope, "QuotasUnknownAlarm", Ticket, "quotas-unknown", "quotas-unknown", measuredBy(o.Stage, telemetry.QuotasUnknown, AlarmProps{
		Description: "Some of the account's quotas could not be read for a day: nothing is held back by them.",
		Statistic:   "Maximum", Periods: 5, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}))
}

// quotasItem is the key of the item in which quotas are put on record (internal/ledger/dynamo).
const quotasItem = "QUOTAS"
