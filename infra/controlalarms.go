package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// ControlAlarmsProps says of whom the alarms are, and what they watch beside metrics of the stage.
type ControlAlarmsProps struct {
	Operators *Operators
	Signups   []Queue // that signups come by
}

const (
	above, atLeast, below = "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"
	// nearlyFull is the share of a ceiling or quota at which people hear of it, in percent: there is time to
	// ask for more.
	nearlyFull = 80
	// lowBuffer is how little of a pool's buffer is left when people hear of it, in percent.
	lowBuffer = 25
	// longStop is for how long the stop switch may be on until people are reminded of it, in seconds.
	longStop = 4 * 3600
	// auditBehind is how far the copy of the audit may be behind, in seconds: three rounds.
	auditBehind = 45 * 60
	// oldSignup is how long a message of a signup may wait, in seconds: signups take one.
	oldSignup = 60
	// failuresInARow are as many hosts as fail by chance once in a long while.
	failuresInARow = 3
)

// controlAlarm is an alarm on a metric that is written by its stage alone.
type controlAlarm struct {
	id       string
	severity Severity
	what     string // ends its name, and is its runbook's section
	metric   telemetry.Metric
	AlarmProps
}

// controlAlarms are those on what the functions measure, all pools together.
var controlAlarms = []controlAlarm{
	{"QuarantineAlarm", Ticket, "hosts-quarantined", telemetry.HostsQuarantined, AlarmProps{
		Description: "Hosts were given up, and count against the ceiling until somebody looks at them.",
		Statistic:   "Maximum", Periods: 1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}},
	{"SlotQuarantineAlarm", Ticket, "slots-quarantined", telemetry.SlotsQuarantined, AlarmProps{
		Description: "Slots of tenants that left could not be scrubbed, or were not found clean.",
		Statistic:   "Maximum", Periods: 1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}},
	{"PolicyAlarm", Ticket, "policy-invalid", telemetry.PolicyInvalid, AlarmProps{
		Description: "The newest policies are invalid: an older version is in force.",
		Statistic:   "Sum", Periods: 1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}},
	{"PoolCheckAlarm", Page, "no-pool-check", telemetry.PoolChecks, AlarmProps{
		Description: "For five minutes no pool check went through: nothing is ordered, nobody who waits is served.",
		Statistic:   "Sum", Periods: 5, Comparison: below, Threshold: 1, Missing: "breaching",
	}},
	{"RepairsAlarm", Page, "repair-asks", telemetry.RepairsAsking, AlarmProps{
		Description: "A share host does not serve, and its repair goes on with a person's word only: the topic has what is asked.",
		Statistic:   "Sum", Periods: 1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}},
	{"ZonesAlarm", Page, "zone-fails", telemetry.ZonesFailing, AlarmProps{
		Description: "A zone seems to fail: hosts in it went down shortly after one another. The topic has which.",
		Statistic:   "Maximum", Periods: 1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}},
	{"GraveAlarm", Page, "inventory-grave", telemetry.InventoryGrave, AlarmProps{
		Description: "Tenants can't reach what is theirs, or others may: a host is lost or down, or AWS has other things than the ledger says. The topic has which.",
		Statistic:   "Maximum", PeriodSeconds: 1800, Periods: 1, Comparison: above, Threshold: 0, Missing: "notBreaching", // it is measured twice in that time
	}},
	{"RiskAlarm", Ticket, "wait-near", telemetry.WaitRisk, AlarmProps{
		Description: "Somebody must probably wait before hosts come: look at what holds orders back.",
		Statistic:   "Maximum", Periods: 5, Comparison: atLeast, Threshold: pool.RiskRings, Missing: "missing",
	}},
	{"MoneyAlarm", Ticket, "money-near", telemetry.MoneyCapUsed, AlarmProps{
		Description: "Most of the cap on money is spent: at the cap nothing more is ordered.",
		Statistic:   "Maximum", Periods: 5, Comparison: atLeast, Threshold: nearlyFull, Missing: "missing",
	}},
	{"CeilingAlarm", Ticket, "ceiling-near", telemetry.CeilingUsed, AlarmProps{
		Description: "A pool has used most of its ceiling: raise it in the policy, and the quotas behind it.",
		Statistic:   "Maximum", Periods: 5, Comparison: atLeast, Threshold: nearlyFull, Missing: "missing",
	}},
	{"FailuresAlarm", Ticket, "orders-fail", telemetry.FailuresInARow, AlarmProps{
		Description: "Hosts of a pool failed one after the other: orders wait longer each time.",
		Statistic:   "Maximum", Periods: 1, Comparison: atLeast, Threshold: failuresInARow, Missing: "missing",
	}},
	{"StoppedAlarm", Ticket, "stopped-long", telemetry.StopAge, AlarmProps{
		Description: "A level of the stop switch has been on for hours: what it stops waits until somebody resumes it.",
		Statistic:   "Maximum", Periods: 5, Comparison: atLeast, Threshold: longStop, Missing: "missing",
	}},
	{"InventoryAlarm", Ticket, "inventory-differs", telemetry.InventoryDiffers, AlarmProps{
		Description: "AWS has other things than the ledger says, for half an hour or more: the topic has which.",
		Statistic:   "Maximum", PeriodSeconds: 1800, Periods: 1, Comparison: above, Threshold: 0, Missing: "notBreaching", // it is measured twice in that time
	}},
	{"AuditBehindAlarm", Ticket, "audit-behind", telemetry.AuditBehind, AlarmProps{
		Description: "For an hour no new lines of the audit were copied under the lock: whoever can write the table could take them away.",
		Statistic:   "Maximum", PeriodSeconds: 1800, Periods: 2, Comparison: above, Threshold: auditBehind, Missing: "breaching", // it is measured twice in that time
	}},
	{"AuditLostAlarm", Ticket, "audit-lost", telemetry.AuditLost, AlarmProps{
		Description: "Lines of the audit were changed or taken away since they were copied: the copies have them as they were.",
		Statistic:   "Maximum", PeriodSeconds: 1800, Periods: 1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}},
	{"OverdueAlarm", Ticket, "step-overdue", telemetry.StepsOverdue, AlarmProps{
		Description: "Steps of hosts, tenants or repairs are not done by their deadlines, which are several times what they take.",
		Statistic:   "Sum", PeriodSeconds: 300, Periods: 1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}},
}

// NewControlAlarms makes the alarms on what the functions measure, and on quotas of the account.
func NewControlAlarms(scope constructs.Construct, id string, p ControlAlarmsProps) {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	o := p.Operators
	made := map[string]awscloudwatch.CfnAlarm{}
	for _, a := range controlAlarms {
		made[a.what] = o.call(scope, a.id, a.severity, a.what, a.what, measuredBy(o.Stage, a.metric, a.AlarmProps))
	}
	newWaitingAlarms(scope, p, made["wait-near"])
	newGivenUpAlarms(scope, o)
	newQuotaAlarms(scope, o)
}

// measuredBy is an alarm on a metric as it is written by its stage alone.
func measuredBy(s Stage, m telemetry.Metric, a AlarmProps) AlarmProps {
	a.Namespace, a.Metric = telemetry.Namespace, m.Name
	a.Dimensions = map[string]*string{telemetry.Stage: jsii.String(s.Name)}
	if a.PeriodSeconds == 0 {
		a.PeriodSeconds = 60
	}
	return a
}

// newWaitingAlarms make the page that customers wait, of what tells that: tenants on a waiting list, and messages of
// signups that nobody handles; or a pool that is low while near, the alarm on the chance that somebody must wait before a host
// can come, rings: then it is too late for the next working day. Each of the two by itself calls by day.
func newWaitingAlarms(scope constructs.Construct, p ControlAlarmsProps, near awscloudwatch.CfnAlarm) {
	o := p.Operators
	waiting := o.call(scope, "WaitingAlarm", Page, "tenants-waiting", "customers-waiting", measuredBy(o.Stage, telemetry.TenantsWaiting, AlarmProps{
		Description: "Tenants are on a waiting list.",
		Statistic:   "Maximum", Periods: 5, Comparison: above, Threshold: 0, Missing: "notBreaching", Silent: true,
	}))
	ageing := AlarmProps{
		Description: "Signups are not handled.",
		Namespace:   "AWS/SQS", Metric: "ApproximateAgeOfOldestMessage", Statistic: "Maximum", Expression: "MAX([m, s])",
		Dimensions:    map[string]*string{"QueueName": p.Signups[0].QueueName()},
		More:          map[string]map[string]*string{"s": {"QueueName": p.Signups[1].QueueName()}},
		PeriodSeconds: 60, Periods: 5, Comparison: atLeast, Threshold: oldSignup, Missing: "notBreaching", Silent: true,
	}
	old := o.call(scope, "AgeingAlarm", Page, "signups-ageing", "customers-waiting", ageing)
	low := o.call(scope, "LowAlarm", Ticket, "pool-low", "pool-low", measuredBy(o.Stage, telemetry.BufferFree, AlarmProps{
		Description: "Little is left of a pool's buffer: look at its orders, ceiling and failures.",
		Statistic:   "Minimum", Periods: 5, Comparison: below, Threshold: lowBuffer, Missing: "missing",
	}))
	o.callOn(scope, "CustomersAlarm", Page, "customers-waiting", "customers-waiting",
		"Customers are waiting for storage, or will before a host can come: look at the pools' orders, ceilings and failures, and at the signup queues.",
		fmt.Sprintf(`ALARM("%s") OR ALARM("%s") OR (ALARM("%s") AND ALARM("%s"))`, *waiting.AlarmName(), *old.AlarmName(), *low.AlarmName(), *near.AlarmName()),
		waiting, old, low, near)
}

// newGivenUpAlarms make the alarms on steps that were tried too often, by whose they are.
func newGivenUpAlarms(scope constructs.Construct, o *Operators) {
	by := func(of string) map[string]*string {
		return map[string]*string{telemetry.Stage: jsii.String(o.Stage.Name), telemetry.Of: jsii.String(of)}
	}
	for _, a := range []struct{ id, what, description, of, more string }{
		{"StuckSignupAlarm", "signup-stuck", "A step of a tenant's signup, or of a change of its addresses, was given up.", "tenant", ""},
		{"StuckArchiveAlarm", "archive-stuck", "A step of a tenant's way out was given up. Nothing is lost by that.", "departure", "clearance"},
		{"StuckRepairAlarm", "repair-stuck", "A step of a share host's repair was given up, and another way is tried.", "repair", ""},
	} {
		p := atZero(AlarmProps{
			Description: a.description, Namespace: telemetry.Namespace, Metric: telemetry.StepsGivenUp.Name, Statistic: "Sum", Dimensions: by(a.of),
		})
		if a.more != "" {
			p.Expression, p.More = "SUM([m, c])", map[string]map[string]*string{"c": by(a.more)}
		}
		o.call(scope, a.id, Ticket, a.what, a.what, p)
	}
}
