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

// NewControlAlarms makes the alarms on what the functions measure, on gateways, and on quotas of the account.
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
	alarm("CeilingAlarm", "ceiling-near", ofStage(telemetry.CeilingUsed, "Maximum", AlarmProps{
		Description: "A pool has used most of its ceiling: raise it in the policy, and the quotas behind it.",
		Periods:     5, Comparison: atLeast, Threshold: nearlyFull, Missing: "missing",
	}))
	for _, a := range gatewayAlarms {
		alarm(a.id, a.what, a.props())
	}
	for _, u := range usages(p.Stage.Quotas) {
		alarm(u.id, u.what, u.props())
	}
	for _, r := range reckonedQuotas(p.Stage) {
		alarm(r.id, r.what, r.props(p.Stage))
	}
}

// gatewayAlarm is one that AWS recommends for every S3 File Gateway (user guide, "Understanding CloudWatch
// alarms").
type gatewayAlarm struct {
	id, what, metric, description string
	periods                       float64 // of five minutes
	comparison                    string
	threshold                     float64
}

var gatewayAlarms = []gatewayAlarm{
	{"GatewayIoWaitAlarm", "gateway-io-wait", "IoWaitPercent", "A gateway waits for its disks.", 3, atLeast, 20},
	{"GatewayDirtyAlarm", "gateway-cache-dirty", "CachePercentDirty", "A gateway can't upload as fast as is written: from 90 it refuses writes.", 4, above, 80},
	{"GatewayAvailabilityAlarm", "gateway-availability", "AvailabilityNotifications", "A gateway was not available, or started anew.", 1, atLeast, 1},
	{"GatewayHealthAlarm", "gateway-health", "HealthNotifications", "A gateway reports that it is not well.", 1, atLeast, 1},
}

// props are one alarm on all gateways, in which each that breaks the threshold is named. An alarm a gateway
// would have to name the gateway's ID, which there is not yet when its stack is made; and one by name would be
// a query, of which a region has 200: the fiftieth gateway's stack would fail for want of an alarm.
func (a gatewayAlarm) props() AlarmProps {
	return AlarmProps{
		Description: a.description + " The alarm's contributors say which.",
		Expression: "SELECT MAX(" + a.metric + `) FROM SCHEMA("AWS/StorageGateway", GatewayId, GatewayName) ` +
			"GROUP BY GatewayName ORDER BY MAX() DESC",
		PeriodSeconds: 300, Periods: a.periods, Comparison: a.comparison, Threshold: a.threshold, Missing: "missing",
	}
}
