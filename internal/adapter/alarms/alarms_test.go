package alarms_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"headroom/internal/adapter/alarms"
	"headroom/internal/pool"
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
	if prefix := in.AlarmNamePrefix; prefix != nil {
		if len(in.AlarmNames) > 0 {
			return nil, errors.New("ValidationError: names and a prefix")
		}
		out := &cloudwatch.DescribeAlarmsOutput{}
		for name, value := range c.metric {
			if strings.HasPrefix(name, *prefix) && value == in.StateValue {
				out.MetricAlarms = append(out.MetricAlarms, types.MetricAlarm{AlarmName: &name, StateValue: value, StateUpdatedTimestamp: &rang})
			}
		}
		return out, nil
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
	for name, want := range map[string]pool.AlarmLook{"cpu": {On: true}, "disk": {OK: true}, "memory": {}, "any": {On: true}} {
		want.At = rang
		if state, there := states[name]; !there || state != want {
			t.Errorf("%s: %+v, there %v", name, state, there)
		}
	}
	if len(states) != 4 {
		t.Errorf("%d alarms are there", len(states))
	}
}

func TestOfAlarmsThatAreCalledSoThoseThatRingAreFound(t *testing.T) {
	a := &alarms.Alarms{Client: cloud{metric: map[string]types.StateValue{
		"db-1-cpu": types.StateValueAlarm, "db-1-disk": types.StateValueOk, "db-1-burst": types.StateValueInsufficientData, "db-10-cpu": types.StateValueAlarm,
	}}}
	states, err := a.Ringing(t.Context(), "db-1-")
	if want := (pool.AlarmLook{On: true, At: rang}); err != nil || len(states) != 1 || states["db-1-cpu"] != want {
		t.Errorf("%+v, %v", states, err)
	}
}

func TestARefusalIsAnError(t *testing.T) {
	refused := errors.New("Throttling")
	if _, err := (&alarms.Alarms{Client: cloud{fail: refused}}).States(t.Context(), []string{"cpu"}); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
}
