package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// databaseAlarms is how many alarms a database host has.
const databaseAlarms = 5

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
	alarm := func(id, what, metric, description, comparison string, threshold float64) {
		add(id, what, AlarmProps{
			Description: description, Metric: metric, Statistic: "Average",
			// Three bad spells of five minutes in a row: a busy minute is no reason to turn tenants away.
			PeriodSeconds: 300, Periods: 3, Comparison: comparison, Threshold: threshold, Missing: "missing",
		})
	}
	const atMost = "LessThanOrEqualToThreshold"
	alarm("CpuAlarm", "cpu", "CPUUtilization", "The processor is busy all the time.", atLeast, 90)
	alarm("StorageAlarm", "storage", "FreeStorageSpace", "The storage is nearly full, and RDS does not grow it.", atMost,
		storageAlarmBytes(sizes))
	alarm("ConnectionsAlarm", "connections", "DatabaseConnections", "Nearly all connections are in use.", atLeast,
		float64(sizes.MaxConnections)*8/10)
	alarm("MemoryAlarm", "memory", "FreeableMemory", "Memory is nearly used up.", atMost,
		float64(sizes.LowMemoryMiB)*(1<<20))
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
