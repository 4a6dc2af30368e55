// Package alarms knows which alarms CloudWatch has, and what they say.
package alarms

import (
	"context"
	"fmt"
	"slices"
	"time"

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

// States returns what each of the alarms says that are there, by name, with when it came to say so.
func (a *Alarms) States(ctx context.Context, names []string) (map[string]pool.AlarmLook, error) {
	states := map[string]pool.AlarmLook{}
	for some := range slices.Chunk(names, namesMost) {
		out, err := a.Client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
			AlarmNames: some, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}, MaxRecords: aws.Int32(namesMost),
		})
		if err != nil {
			return nil, fmt.Errorf("describe %d alarms: %w", len(some), err)
		}
		for _, alarm := range out.MetricAlarms {
			states[aws.ToString(alarm.AlarmName)] = look(alarm.StateValue, alarm.StateUpdatedTimestamp)
		}
		for _, alarm := range out.CompositeAlarms {
			states[aws.ToString(alarm.AlarmName)] = look(alarm.StateValue, alarm.StateUpdatedTimestamp)
		}
	}
	return states, nil
}

// Ringing returns what each alarm says that is called by a prefix and on: the first 100 of them.
func (a *Alarms) Ringing(ctx context.Context, prefix string) (map[string]pool.AlarmLook, error) {
	states := map[string]pool.AlarmLook{}
	out, err := a.Client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: &prefix, StateValue: types.StateValueAlarm, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}, MaxRecords: aws.Int32(namesMost),
	})
	if err != nil {
		return nil, fmt.Errorf("describe which alarms %s… ring: %w", prefix, err)
	}
	for _, alarm := range out.MetricAlarms {
		states[aws.ToString(alarm.AlarmName)] = look(alarm.StateValue, alarm.StateUpdatedTimestamp)
	}
	return states, nil
}

func look(state types.StateValue, since *time.Time) pool.AlarmLook {
	return pool.AlarmLook{On: state == types.StateValueAlarm, OK: state == types.StateValueOk, At: aws.ToTime(since)}
}
