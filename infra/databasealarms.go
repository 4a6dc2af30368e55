package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// databaseAlarm is an alarm on an instance's own metrics.
type databaseAlarm struct {
	id, what, metric, description, comparison string
	threshold                                 float64
}

const atMost = "LessThanOrEqualToThreshold"

// busyAlarms are those of hosts that are overworked. Instances of the classes in use have a balance of I/O that they may
// burst by (RDS user guide, "Amazon CloudWatch instance-level metrics"); of one that has none, the alarm has no data.
func busyAlarms(sizes DatabaseHosts) []databaseAlarm {
	return []databaseAlarm{
		{"CpuAlarm", "cpu", "CPUUtilization", "The processor is busy all the time.", atLeast, 90},
		{"StorageAlarm", "storage", "FreeStorageSpace", "The storage is nearly full, and RDS does not grow it.", atMost, storageAlarmBytes(sizes)},
		{"ConnectionsAlarm", "connections", "DatabaseConnections", "Nearly all connections are in use.", atLeast, float64(sizes.MaxConnections) * 8 / 10},
		{"MemoryAlarm", "memory", "FreeableMemory", "Memory is nearly used up.", atMost, float64(sizes.LowMemoryMiB) * (1 << 20)},
		{"QueueAlarm", "queue", "DiskQueueDepth", "Reads and writes queue up before the disk.", atLeast, 64},
		{"BurstAlarm", "burst", "EBSIOBalance%", "The disk may burst no longer: it is slow from here on.", atMost, 10},
	}
}

// databaseAlarms is how many alarms a database host has.
var databaseAlarms = len(busyAlarms(DatabaseHosts{})) + 1

// addDatabaseAlarms makes the alarms of a database host. They have no actions: their changes of state
// go by EventBridge to the function that takes the host out of service and back. They name the
// instance rather than refer to it, so that they are there before it: nothing is left to fail, and to
// be rolled back, once an instance that is protected from deletion has been made.
func addDatabaseAlarms(stack awscdk.Stack, instance *string, sizes DatabaseHosts) {
	add := func(id, what string, a AlarmProps) {
		a.Name, a.Namespace = awscdk.Fn_Sub(jsii.String(databaseName+"-"+what), nil), "AWS/RDS"
		a.Dimensions = map[string]*string{"DBInstanceIdentifier": instance}
		NewAlarm(stack, id, a)
	}
	for _, a := range busyAlarms(sizes) {
		add(a.id, a.what, AlarmProps{
			Description: a.description, Metric: a.metric, Statistic: "Average",
			// Three bad spells of five minutes in a row: a busy minute is no reason to turn tenants away.
			PeriodSeconds: 300, Periods: 3, Comparison: a.comparison, Threshold: a.threshold, Missing: "missing",
		})
	}
	add("SilenceAlarm", "silence", silence)
}

// silence rings when an instance sends nothing: one that is down sends no metrics, so its other alarms have no data
// and say nothing. What is waited for are the engine's connections, which it counts once a minute, and which are 0
// when nobody is there; the processor's load would be known of a machine whose PostgreSQL is dead.
//
// A minute in which they were counted ends it; five without, and as many more as CloudWatch looks back for, begin
// it: longer than metrics are late, or a failover takes. While an instance is made it sends nothing either, so a new
// host waits for this to be over before it goes into service (pool.StepSettle).
var silence = AlarmProps{
	Description: "The instance sends no metrics: it is down, or out of reach.",
	Metric:      "DatabaseConnections", Statistic: "SampleCount",
	PeriodSeconds: 60, Periods: 5, Comparison: below, Threshold: 1, Missing: "breaching",
}

// storageAlarmBytes is how little free storage is too little: a twentieth of the most that there will be.
// RDS has no metric of the storage that an instance has, and grows it when a tenth is free. While the most is
// twice what there is at first, or less, a twentieth of it is a tenth of what there is at first, or less: so
// it is reached only if RDS does not grow the storage, and is between a twentieth and a tenth of what the
// host has, however far it has grown.
func storageAlarmBytes(sizes DatabaseHosts) float64 {
	return float64(sizes.MaxStorageGiB) * (1 << 30) / 20
}
