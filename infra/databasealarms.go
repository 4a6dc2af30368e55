package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// addDatabaseAlarms makes the alarms of a database host. They have no actions: their changes of state
// go by EventBridge to the function that takes the host out of service and back. They name the
// instance rather than refer to it, so that they are there before it: nothing is left to fail, and to
// be rolled back, once an instance that is protected from deletion has been made.
func addDatabaseAlarms(stack awscdk.Stack, instance *string, sizes DatabaseHosts) {
	alarm := func(id, what, metric, description, comparison string, threshold float64) {
		NewAlarm(stack, id, AlarmProps{
			Name:        awscdk.Fn_Sub(jsii.String(databaseName+"-"+what), nil),
			Description: description,
			Namespace:   "AWS/RDS",
			Metric:      metric,
			Statistic:   "Average",
			Dimensions:  map[string]*string{"DBInstanceIdentifier": instance},
			// Three bad spells of five minutes in a row: a busy minute is no reason to turn tenants away.
			PeriodSeconds: 300,
			Periods:       3,
			Comparison:    comparison,
			Threshold:     threshold,
			Missing:       "missing",
		})
	}
	const above, below = "GreaterThanOrEqualToThreshold", "LessThanOrEqualToThreshold"
	alarm("CpuAlarm", "cpu", "CPUUtilization", "The processor is busy all the time.", above, 90)
	// RDS grows the storage at a tenth free; that it is below half of that says that it does not.
	alarm("StorageAlarm", "storage", "FreeStorageSpace", "The storage is nearly full.", below,
		float64(sizes.StorageGiB)*(1<<30)/20)
	alarm("ConnectionsAlarm", "connections", "DatabaseConnections", "Nearly all connections are in use.", above,
		float64(sizes.MaxConnections)*8/10)
	alarm("MemoryAlarm", "memory", "FreeableMemory", "Memory is nearly used up.", below,
		float64(sizes.LowMemoryMiB)*(1<<20))
}
