package alarms_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"headroom/internal/adapter/alarms"
)

var rang = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// cloud is CloudWatch, with metric alarms by name and one composite alarm.
type cloud struct {
	metric    map[string]types.StateValue
	composite map[string]types.StateValue
	fail      error
}

func (c cloud) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	if c.fail != nil {
		return nil, c.fail
	}
	if len(in.AlarmNames) > 100 || len(in.AlarmNames) == 0 {
		return nil, fmt.Errorf("ValidationError: %d names", len(in.AlarmNames))
	}
	out := &cloudwatch.DescribeAlarmsOutput{}
	for _, name := range in.AlarmNames {
		if value, ok := c.metric[name]; ok && slices.Contains(in.AlarmTypes, types.AlarmTypeMetricAlarm) {
			out.MetricAlarms = append(out.MetricAlarms, types.MetricAlarm{AlarmName: &name, StateValue: value, StateUpdatedTimestamp: &rang})
		}
		// Without AlarmTypes only metric alarms are described.
		if value, ok := c.composite[name]; ok && slices.Contains(in.AlarmTypes, types.AlarmTypeCompositeAlarm) {
			out.CompositeAlarms = append(out.CompositeAlarms, types.CompositeAlarm{AlarmName: &name, StateValue: value, StateUpdatedTimestamp: &rang})
		}
	}
	return out, nil
}

func TestStatesAreThoseOfTheAlarmsThatAreThere(t *testing.T) {
	a := &alarms.Alarms{Client: cloud{
		metric:    map[string]types.StateValue{"cpu": types.StateValueAlarm, "disk": types.StateValueOk, "memory": types.StateValueInsufficientData},
		composite: map[string]types.StateValue{"any": types.StateValueAlarm},
	}}
	names := []string{"cpu", "disk", "memory", "any"}
	for i := range 200 {
		names = append(names, fmt.Sprintf("gone-%d", i))
	}
	states, err := a.States(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	for name, on := range map[string]bool{"cpu": true, "disk": false, "memory": true, "any": true} {
		if state, there := states[name]; !there || state.On != on || !state.At.Equal(rang) {
			t.Errorf("%s: %+v, there %v", name, state, there)
		}
	}
	if len(states) != 4 {
		t.Errorf("%d alarms are there", len(states))
	}
}

func TestARefusalIsAnError(t *testing.T) {
	refused := errors.New("Throttling")
	if _, err := (&alarms.Alarms{Client: cloud{fail: refused}}).States(t.Context(), []string{"cpu"}); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
}
