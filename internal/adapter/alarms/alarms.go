// Package alarms knows which alarms CloudWatch has, and what they say.
package alarms

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"headroom/internal/pool"
)

// namesMost is DescribeAlarms' limit of names, and of the alarms that one page has.
const namesMost = 100

type client interface {
	DescribeAlarms(ctx context.Context, in *cloudwatch.DescribeAlarmsInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

// Alarms asks CloudWatch.
type Alarms struct{ Client client }

// States returns what each of the alarms says that are there, by name, with when it came to say so. One that has
// too little data is on when it was before: that an alarm lost its data is no good news.
func (a *Alarms) States(ctx context.Context, names []string) (map[string]pool.AlarmMark, error) {
	states := map[string]pool.AlarmMark{}
	for some := range slices.Chunk(names, namesMost) {
		out, err := a.Client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
			AlarmNames: some, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}, MaxRecords: aws.Int32(namesMost),
		})
		if err != nil {
			return nil, fmt.Errorf("describe %d alarms: %w", len(some), err)
		}
		for _, alarm := range out.MetricAlarms {
			states[aws.ToString(alarm.AlarmName)] = pool.AlarmMark{On: alarm.StateValue != types.StateValueOk, At: aws.ToTime(alarm.StateUpdatedTimestamp)}
		}
		for _, alarm := range out.CompositeAlarms {
			states[aws.ToString(alarm.AlarmName)] = pool.AlarmMark{On: alarm.StateValue != types.StateValueOk, At: aws.ToTime(alarm.StateUpdatedTimestamp)}
		}
	}
	return states, nil
}
