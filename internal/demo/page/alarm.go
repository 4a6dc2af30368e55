package page

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// alarm is an alarm as it stands.
type alarm struct {
	Name      string   `json:"name"`
	State     string   `json:"state"` // OK, ALARM, INSUFFICIENT_DATA
	Reason    string   `json:"reason"`
	About     string   `json:"about"` // its description
	Since     int64    `json:"since"` // of the state, Unix milliseconds
	Rule      string   `json:"rule"`  // what it rings at, in a line
	Threshold *float64 `json:"threshold,omitempty"`
	Composite bool     `json:"composite,omitempty"`
	Making    bool     `json:"making,omitempty"` // its host is being made: that it rings is no trouble

	watched []line // what it watches
}

// describedAtOnce is how many alarms DescribeAlarms takes by their names.
const describedAtOnce = 100

// alarmsOf describes some alarms, in their order; those that are not there are left out. With no ARN there are none.
func (m monitoring) alarmsOf(ctx context.Context, arns []string) ([]alarm, error) {
	byName := map[string]alarm{}
	for some := range slices.Chunk(arns, describedAtOnce) {
		var names []string
		for _, arn := range some {
			names = append(names, nameOf(arn))
		}
		found, err := m.describe(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: names})
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			byName[a.Name] = a
		}
	}
	var list []alarm
	for _, arn := range arns {
		if a, ok := byName[nameOf(arn)]; ok {
			list = append(list, a)
		}
	}
	return list, nil
}

// alarms describes all alarms: those that ring first, then those of hosts last, each by name.
func (m monitoring) alarms(ctx context.Context) ([]alarm, error) {
	list, err := m.describe(ctx, &cloudwatch.DescribeAlarmsInput{})
	slices.SortStableFunc(list, func(a, b alarm) int {
		if rings := b.rings() - a.rings(); rings != 0 {
			return rings
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list, err
}

func (a alarm) rings() int {
	if a.State == string(types.StateValueAlarm) {
		return 1
	}
	return 0
}

func (m monitoring) describe(ctx context.Context, in *cloudwatch.DescribeAlarmsInput) ([]alarm, error) {
	in.AlarmTypes = []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}
	list := []alarm{}
	for pages := cloudwatch.NewDescribeAlarmsPaginator(m.client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return list, fmt.Errorf("describe alarms: %w", err)
		}
		for _, a := range page.MetricAlarms {
			list = append(list, metricAlarm(a))
		}
		for _, a := range page.CompositeAlarms {
			list = append(list, alarm{
				Name: aws.ToString(a.AlarmName), State: string(a.StateValue), Reason: aws.ToString(a.StateReason),
				About: aws.ToString(a.AlarmDescription), Since: aws.ToTime(a.StateTransitionedTimestamp).UnixMilli(),
				Rule: aws.ToString(a.AlarmRule), Composite: true,
			})
		}
	}
	return list, nil
}

func metricAlarm(a types.MetricAlarm) alarm {
	made := alarm{
		Name: aws.ToString(a.AlarmName), State: string(a.StateValue), Reason: aws.ToString(a.StateReason),
		About: aws.ToString(a.AlarmDescription), Since: aws.ToTime(a.StateTransitionedTimestamp).UnixMilli(), Threshold: a.Threshold,
	}
	what := aws.ToString(a.MetricName)
	if a.MetricName != nil {
		l := line{
			ID: "watched", Namespace: aws.ToString(a.Namespace), Name: what, Stat: string(a.Statistic),
			Period: int(aws.ToInt32(a.Period)), Axis: "left", Visible: true,
		}
		if a.ExtendedStatistic != nil {
			l.Stat = *a.ExtendedStatistic
		}
		for _, d := range a.Dimensions {
			l.Dimensions = append(l.Dimensions, [2]string{aws.ToString(d.Name), aws.ToString(d.Value)})
		}
		made.watched = []line{l}
	}
	for _, q := range a.Metrics {
		l := line{ID: aws.ToString(q.Id), Label: aws.ToString(q.Label), Expression: aws.ToString(q.Expression), Period: int(aws.ToInt32(q.Period)), Axis: "left", Visible: q.ReturnData == nil || *q.ReturnData}
		if s := q.MetricStat; s != nil {
			l.Stat, l.Period = aws.ToString(s.Stat), int(aws.ToInt32(s.Period))
			l.Namespace, l.Name = aws.ToString(s.Metric.Namespace), aws.ToString(s.Metric.MetricName)
			for _, d := range s.Metric.Dimensions {
				l.Dimensions = append(l.Dimensions, [2]string{aws.ToString(d.Name), aws.ToString(d.Value)})
			}
		}
		if l.Visible {
			what = l.Label
			if what == "" {
				what = l.Expression
			}
		}
		made.watched = append(made.watched, l)
	}
	signs := map[types.ComparisonOperator]string{
		types.ComparisonOperatorGreaterThanThreshold: ">", types.ComparisonOperatorGreaterThanOrEqualToThreshold: "≥",
		types.ComparisonOperatorLessThanThreshold: "<", types.ComparisonOperatorLessThanOrEqualToThreshold: "≤",
	}
	if made.Threshold != nil {
		made.Rule = fmt.Sprintf("%s %s %g", what, signs[a.ComparisonOperator], *made.Threshold)
	}
	return made
}
