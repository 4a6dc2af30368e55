package main

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/telemetry"
)

// ControlAlarmsProps says of whom the alarms are, and who hears of them.
type ControlAlarmsProps struct {
	Stage  Stage
	Notify *string // ARN of the topic
}

const (
	above, atLeast, below = "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"
	// nearlyFull is the share of a ceiling or quota at which people hear of it, in percent: there is time to
	// ask for more.
	nearlyFull = 80
)

// NewControlAlarms makes the alarms on what the functions measure, and on quotas of the account.
func NewControlAlarms(scope constructs.Construct, id string, p ControlAlarmsProps) {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	alarm := func(id, what string, a AlarmProps) {
		a.Name, a.Notify = jsii.String("headroom-"+p.Stage.Name+"-control-"+what), p.Notify
		NewAlarm(scope, id, a)
	}
	ofStage := func(m telemetry.Metric, statistic string, a AlarmProps) AlarmProps {
		a.Namespace, a.Metric, a.Statistic = telemetry.Namespace, m.Name, statistic
		a.Dimensions = map[string]*string{telemetry.Stage: jsii.String(p.Stage.Name)}
		a.PeriodSeconds = 60
		return a
	}
	alarm("WaitingAlarm", "tenants-waiting", ofStage(telemetry.TenantsWaiting, "Maximum", AlarmProps{
		Description: "Customers wait for storage: look at the pools' orders, ceilings and failures.",
		Periods:     5, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}))
	alarm("QuarantineAlarm", "hosts-quarantined", ofStage(telemetry.HostsQuarantined, "Maximum", AlarmProps{
		Description: "Hosts were given up, and count against the ceiling until somebody looks at them.",
		Periods:     1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}))
	alarm("PolicyAlarm", "policy-invalid", ofStage(telemetry.PolicyInvalid, "Sum", AlarmProps{
		Description: "The newest policies are invalid: an older version is in force. The functions' logs say what is wrong.",
		Periods:     1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}))
	alarm("PoolCheckAlarm", "no-pool-check", ofStage(telemetry.PoolChecks, "Sum", AlarmProps{
		Description: "For five minutes no pool check went through: nothing is ordered, nobody who waits is served.",
		Periods:     5, Comparison: below, Threshold: 1, Missing: "breaching",
	}))
	alarm("RepairsAlarm", "repair-asks", ofStage(telemetry.RepairsAsking, "Sum", AlarmProps{
		Description: "A share host does not serve, and its repair goes on with a person's word only: the topic has what is asked.",
		Periods:     1, Comparison: above, Threshold: 0, Missing: "notBreaching",
	}))
	alarm("CeilingAlarm", "ceiling-near", ofStage(telemetry.CeilingUsed, "Maximum", AlarmProps{
		Description: "A pool has used most of its ceiling: raise it in the policy, and the quotas behind it.",
		Periods:     5, Comparison: atLeast, Threshold: nearlyFull, Missing: "missing",
	}))
	for _, u := range usages(p.Stage.Quotas) {
		alarm(u.id, u.what, u.props())
	}
	for _, r := range reckonedQuotas(p.Stage) {
		alarm(r.id, r.what, r.props(p.Stage))
	}
}
