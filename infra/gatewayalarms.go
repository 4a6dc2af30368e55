package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"
)

// gatewayName names a share host's gateway, which is called like its stack, and begins its alarms' names.
const gatewayName = "headroom-${Stage}-${HostId}"

// gatewayAlarm is an alarm on a gateway's own metrics: four that AWS recommends for every S3 File Gateway (user guide,
// "Understanding CloudWatch alarms"), and one on files that stay on the cache disk.
type gatewayAlarm struct {
	id, what, metric, statistic, description string
	periods                                  float64 // of five minutes
	comparison                               string
	threshold                                float64
}

var gatewayAlarms = []gatewayAlarm{
	{"AvailabilityAlarm", "availability", "AvailabilityNotifications", "Sum", "The gateway was not available, or started anew.", 1, atLeast, 1},
	{"HealthAlarm", "health", "HealthNotifications", "Sum", "The gateway reports that it is not well.", 1, atLeast, 1},
	{"DirtyAlarm", "dirty", "CachePercentDirty", "Maximum", "The gateway can't upload as fast as is written: from 90 it refuses writes.", 4, above, 80},
	{"IoWaitAlarm", "iowait", "IoWaitPercent", "Average", "The gateway waits for its disks.", 3, atLeast, 20},
	{"UploadsAlarm", "uploads", "FilesFailingUpload", "Maximum", "Files can't be uploaded, and are on the gateway's cache disk alone.", 1, atLeast, 1},
}

// missing is what an alarm takes missing data for. Notifications are counted, and where there are none nothing may be sent: an
// alarm on them would ring for ever once it rang. What else a gateway measures it sends while it runs.
func (a gatewayAlarm) missing() string {
	if a.metric == "AvailabilityNotifications" || a.metric == "HealthNotifications" {
		return "notBreaching"
	}
	return "missing"
}

// shareAlarms is how many alarms a share host has.
var shareAlarms = len(gatewayAlarms) + 1

// machineSilence rings when a machine fails a status check of EC2's, or sends none at all: one that is stopped, or gone by a
// foreign hand, has no metrics. EC2 counts once a minute. Five minutes are longer than a boot takes, and than EC2's own
// recovery mostly does; while the machine is replaced there is no such alarm.
var machineSilence = AlarmProps{
	Description: "The gateway's machine fails a status check, or sends no metrics.",
	Namespace:   "AWS/EC2", Metric: "StatusCheckFailed", Statistic: "Maximum",
	PeriodSeconds: 60, Periods: 5, Comparison: atLeast, Threshold: 1, Missing: "breaching",
}

type gatewayAlarmsProps struct {
	Machine     awsec2.CfnInstance
	WithMachine awscdk.CfnCondition
	Gateway     *string // ID of the gateway; empty while there is none
}

// addGatewayAlarms makes the alarms of a share host. They have no actions: their changes of state go by EventBridge to the
// function that takes the host out of service and back, which knows the host by the alarms' names. CloudWatch tells
// gateways apart by an ID, which there is none of when the stack is made: the stack is updated with it once the gateway is
// activated (pool.StepAlarms). That a gateway is silent is for its machine's alarm, signups and rounds to tell.
func addGatewayAlarms(stack awscdk.Stack, p gatewayAlarmsProps) {
	name := func(what string) *string { return awscdk.Fn_Sub(jsii.String(gatewayName+"-"+what), nil) }
	status := machineSilence
	status.Name, status.Dimensions = name("status"), map[string]*string{"InstanceId": p.Machine.Ref()}
	NewAlarm(stack, "StatusAlarm", status).CfnOptions().SetCondition(p.WithMachine)

	withGateway := awscdk.NewCfnCondition(stack, jsii.String("WithGateway"), &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(p.Gateway, jsii.String(""))),
	})
	for _, a := range gatewayAlarms {
		alarm := NewAlarm(stack, a.id, AlarmProps{
			Name: name(a.what), Description: a.description,
			Namespace: "AWS/StorageGateway", Metric: a.metric, Statistic: a.statistic,
			Dimensions: map[string]*string{
				"GatewayId": p.Gateway, "GatewayName": awscdk.Fn_Sub(jsii.String(gatewayName), nil),
			},
			PeriodSeconds: 300, Periods: a.periods, Comparison: a.comparison, Threshold: a.threshold, Missing: a.missing(),
		})
		alarm.CfnOptions().SetCondition(withGateway)
		acknowledge(alarm, "W1030", "The alarm is made only once the parameter has a value.")
	}
}
