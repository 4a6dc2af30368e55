package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// instant is a time, written as seconds since 1970 or in RFC 3339.
type instant struct{ time.Time }

// UnmarshalJSON reads 1764122400, 1.7641224e9 and "2026-11-26T02:00:00Z".
func (i *instant) UnmarshalJSON(data []byte) error {
	var seconds float64
	if err := json.Unmarshal(data, &seconds); err == nil {
		i.Time = time.UnixMilli(int64(seconds * 1000))
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			i.Time = at
			return nil
		}
	}
	return fmt.Errorf("timestamp %q can't be read", text)
}

// metricsPage is how many metrics an answer has at most.
const metricsPage = 500

func (a *Alarms) listMetrics(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		Namespace      string       `json:"Namespace"`
		MetricName     string       `json:"MetricName"`
		Dimensions     []dimension  `json:"Dimensions"` // filters: a name alone takes any value
		RecentlyActive string       `json:"RecentlyActive"`
		NextToken      weakjson.Int `json:"NextToken"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	matches := func(m Metric) bool {
		if input.Namespace != "" && m.Namespace != input.Namespace || input.MetricName != "" && m.Name != input.MetricName {
			return false
		}
		for _, d := range input.Dimensions {
			if value, ok := m.Dimensions[d.Name]; !ok || d.Value != "" && value != string(d.Value) {
				return false
			}
		}
		return true
	}
	list := []any{}
	for _, s := range a.Metrics.all() {
		old := input.RecentlyActive == "PT3H" && a.cfg.Now().Sub(s.added) > 3*time.Hour
		if matches(s.metric) && !old {
			list = append(list, map[string]any{
				"Namespace": s.metric.Namespace, "MetricName": s.metric.Name, "Dimensions": dimensionsOf(s.metric),
			})
		}
	}
	from := min(max(int(input.NextToken), 0), len(list))
	to := min(from+metricsPage, len(list))
	answer := map[string]any{"Metrics": list[from:to]}
	if to < len(list) {
		answer["NextToken"] = strconv.Itoa(to)
	}
	return answer, nil
}

func dimensionsOf(m Metric) []any {
	list := []any{}
	for name, value := range m.Dimensions {
		list = append(list, map[string]any{"Name": name, "Value": value})
	}
	slices.SortFunc(list, func(a, b any) int {
		if a.(map[string]any)["Name"].(string) < b.(map[string]any)["Name"].(string) {
			return -1
		}
		return 1
	})
	return list
}

// clockPeriods are the periods of questions: unlike those of alarms they are the clock's.
func clockPeriods(seconds int) time.Duration { return time.Duration(seconds) * time.Second }

// span checks the times of a question, and gives where its first period begins.
func span(from, to instant, period int) (time.Time, error) {
	switch {
	case from.IsZero() || to.IsZero():
		return time.Time{}, invalid("The parameters StartTime and EndTime must be specified.")
	case !from.Before(to.Time):
		return time.Time{}, &endpoint.Error{Code: "InvalidParameterValue", Message: "The parameter StartTime must be less than the parameter EndTime."}
	case period < 1 || period > 60 && period%60 != 0:
		return time.Time{}, &endpoint.Error{Code: "InvalidParameterValue", Message: "The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60."}
	}
	return from.Truncate(clockPeriods(period)), nil
}

func (a *Alarms) getMetricData(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		MetricDataQueries []query `json:"MetricDataQueries"`
		StartTime         instant `json:"StartTime"`
		EndTime           instant `json:"EndTime"`
		ScanBy            string  `json:"ScanBy"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	longest := 1
	for _, q := range input.MetricDataQueries {
		if err := q.check(input.MetricDataQueries); err != nil {
			return nil, err
		}
		period, err := q.seconds(input.MetricDataQueries)
		if err != nil {
			return nil, invalid("%v", err)
		}
		longest = max(longest, period)
	}
	from, err := span(input.StartTime, input.EndTime, longest)
	if err != nil {
		return nil, err
	}
	answers, err := a.Metrics.answer(input.MetricDataQueries, clockPeriods, from, input.EndTime.Time)
	if err != nil {
		return nil, invalid("%v", err)
	}
	results := []any{}
	for _, q := range input.MetricDataQueries {
		if !q.returns() {
			continue
		}
		series := answers[q.ID]
		labels := q.labels(series)
		for i, one := range series {
			times, values := []any{}, []any{}
			points := one.points
			if input.ScanBy != "TimestampAscending" {
				points = slices.Clone(points)
				slices.Reverse(points)
			}
			for _, p := range points {
				times, values = append(times, p.at), append(values, p.value)
			}
			results = append(results, map[string]any{
				"Id": q.ID, "Label": labels[i], "Timestamps": times, "Values": values, "StatusCode": "Complete",
			})
		}
	}
	return map[string]any{"MetricDataResults": results, "Messages": []any{}}, nil
}

func (a *Alarms) getMetricStatistics(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		Namespace          string         `json:"Namespace"`
		MetricName         string         `json:"MetricName"`
		Dimensions         []dimension    `json:"Dimensions"`
		StartTime          instant        `json:"StartTime"`
		EndTime            instant        `json:"EndTime"`
		Period             weakjson.Int   `json:"Period"`
		Statistics         weakjson.Texts `json:"Statistics"`
		ExtendedStatistics weakjson.Texts `json:"ExtendedStatistics"`
		Unit               string         `json:"Unit"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	from, err := span(input.StartTime, input.EndTime, int(input.Period))
	if err != nil {
		return nil, err
	}
	if len(input.Statistics)+len(input.ExtendedStatistics) == 0 {
		return nil, &endpoint.Error{Code: "InvalidParameterCombination", Message: "At least one of the parameters Statistics and ExtendedStatistics must be specified."}
	}
	metric := metricOf{input.Namespace, input.MetricName, input.Dimensions}.metric()
	points := []any{}
	byTime := map[time.Time]map[string]any{}
	for _, name := range slices.Concat([]string(input.Statistics), []string(input.ExtendedStatistics)) {
		stat, err := parseStatistic(name)
		if err != nil {
			return nil, err
		}
		for _, p := range a.Metrics.points(metric, input.Unit, stat, clockPeriods(int(input.Period)), from, input.EndTime.Time) {
			shown := byTime[p.at]
			if shown == nil {
				shown = map[string]any{"Timestamp": p.at, "Unit": a.Metrics.unit(metric)}
				byTime[p.at] = shown
				points = append(points, shown)
			}
			if slices.Contains(input.ExtendedStatistics, name) {
				extended, _ := shown["ExtendedStatistics"].(map[string]any)
				if extended == nil {
					extended = map[string]any{}
					shown["ExtendedStatistics"] = extended
				}
				extended[name] = p.value
				continue
			}
			shown[name] = p.value
		}
	}
	return map[string]any{"Label": input.MetricName, "Datapoints": points}, nil
}

// dataMost is how many data PutMetricData takes at once.
const dataMost = 1000

func (a *Alarms) putMetricData(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		Namespace  string `json:"Namespace"`
		MetricData []struct {
			MetricName      string           `json:"MetricName"`
			Dimensions      []dimension      `json:"Dimensions"`
			Timestamp       instant          `json:"Timestamp"`
			Value           *weakjson.Float  `json:"Value"`
			Values          []weakjson.Float `json:"Values"`
			Counts          []weakjson.Float `json:"Counts"`
			StatisticValues *struct {
				SampleCount, Sum, Minimum, Maximum weakjson.Float
			} `json:"StatisticValues"`
			Unit string `json:"Unit"`
		} `json:"MetricData"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	if input.Namespace == "" || len(input.MetricData) > dataMost {
		return nil, invalid("The parameter Namespace must be given, and at most %d MetricData.", dataMost)
	}
	for _, datum := range input.MetricData {
		at := datum.Timestamp.Time
		if at.IsZero() {
			at = a.cfg.Now()
		}
		var data []Datum
		switch {
		case datum.Value != nil:
			data = append(data, Datum{At: at, Value: float64(*datum.Value), Unit: datum.Unit})
		case datum.StatisticValues != nil:
			data = statisticSet(at, float64(datum.StatisticValues.SampleCount), float64(datum.StatisticValues.Sum),
				float64(datum.StatisticValues.Minimum), float64(datum.StatisticValues.Maximum), datum.Unit)
		case len(datum.Values) > 0 && (len(datum.Counts) == 0 || len(datum.Counts) == len(datum.Values)):
			for i, value := range datum.Values {
				d := Datum{At: at, Value: float64(value), Unit: datum.Unit}
				if len(datum.Counts) > 0 {
					d.Count = float64(datum.Counts[i])
				}
				data = append(data, d)
			}
		default:
			return nil, &endpoint.Error{Code: "InvalidParameterCombination", Message: "At least one of Value, Values and StatisticValues must be specified, and a count for each value or none."}
		}
		a.Metrics.Put(metricOf{input.Namespace, datum.MetricName, datum.Dimensions}.metric(), data...)
	}
	return nil, nil
}

// statisticSet is what a set of samples comes to of which only this is known: its extremes, and as many
// samples between them as make up its sum.
func statisticSet(at time.Time, count, sum, lowest, highest float64, unit string) []Datum {
	if count <= 2 {
		return []Datum{{At: at, Value: lowest, Unit: unit}, {At: at, Value: highest, Unit: unit}}[:max(1, int(count))]
	}
	return []Datum{
		{At: at, Value: lowest, Unit: unit},
		{At: at, Value: highest, Unit: unit},
		{At: at, Value: (sum - lowest - highest) / (count - 2), Count: count - 2, Unit: unit},
	}
}
