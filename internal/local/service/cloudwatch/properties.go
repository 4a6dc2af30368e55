package cloudwatch

import (
	"context"
	"fmt"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// properties are those of AWS::CloudWatch::Alarm, which PutMetricAlarm has too.
type properties struct {
	AlarmName                        string         `json:"AlarmName"`
	AlarmDescription                 string         `json:"AlarmDescription"`
	ActionsEnabled                   *weakjson.Bool `json:"ActionsEnabled"`
	OKActions                        weakjson.Texts `json:"OKActions"`
	AlarmActions                     weakjson.Texts `json:"AlarmActions"`
	InsufficientDataActions          weakjson.Texts `json:"InsufficientDataActions"`
	Namespace                        string         `json:"Namespace"`
	MetricName                       string         `json:"MetricName"`
	Dimensions                       []dimension    `json:"Dimensions"`
	Statistic                        string         `json:"Statistic"`
	ExtendedStatistic                string         `json:"ExtendedStatistic"`
	Unit                             string         `json:"Unit"`
	Metrics                          []query        `json:"Metrics"`
	Period                           weakjson.Int   `json:"Period"` // seconds
	EvaluationPeriods                weakjson.Int   `json:"EvaluationPeriods"`
	DatapointsToAlarm                weakjson.Int   `json:"DatapointsToAlarm"`
	ComparisonOperator               string         `json:"ComparisonOperator"`
	Threshold                        weakjson.Float `json:"Threshold"`
	ThresholdMetricID                string         `json:"ThresholdMetricId"`
	TreatMissingData                 string         `json:"TreatMissingData"`
	EvaluateLowSampleCountPercentile string         `json:"EvaluateLowSampleCountPercentile"`
}

type dimension struct {
	Name  string        `json:"Name"`
	Value weakjson.Text `json:"Value"`
}

// query is one of the metrics of an alarm, or of a question: a metric's statistic, or an expression over
// others.
type query struct {
	ID         string         `json:"Id"`
	Label      string         `json:"Label,omitempty"`
	Expression string         `json:"Expression,omitempty"`
	Period     weakjson.Int   `json:"Period,omitempty"`
	ReturnData *weakjson.Bool `json:"ReturnData,omitempty"`
	MetricStat *metricStat    `json:"MetricStat,omitempty"`
}

type metricStat struct {
	Metric metricOf     `json:"Metric"`
	Period weakjson.Int `json:"Period"`
	Stat   string       `json:"Stat"`
	Unit   string       `json:"Unit,omitempty"`
}

type metricOf struct {
	Namespace  string      `json:"Namespace"`
	MetricName string      `json:"MetricName"`
	Dimensions []dimension `json:"Dimensions"`
}

func (m metricOf) dimensions() map[string]string {
	dimensions := map[string]string{}
	for _, d := range m.Dimensions {
		dimensions[d.Name] = string(d.Value)
	}
	return dimensions
}

func (m metricOf) metric() Metric {
	return Metric{Namespace: m.Namespace, Name: m.MetricName, Dimensions: m.dimensions()}
}

// returns reports whether a query's values are answered, or only serve expressions.
func (q query) returns() bool { return q.ReturnData == nil || bool(*q.ReturnData) }

// breaches are the comparisons of a value with a threshold, by their names.
var breaches = map[string]func(value, threshold float64) bool{
	"GreaterThanThreshold":          func(v, t float64) bool { return v > t },
	"GreaterThanOrEqualToThreshold": func(v, t float64) bool { return v >= t },
	"LessThanThreshold":             func(v, t float64) bool { return v < t },
	"LessThanOrEqualToThreshold":    func(v, t float64) bool { return v <= t },
}

// stat is the statistic of an alarm without expressions.
func (p *properties) stat() string {
	if p.ExtendedStatistic != "" {
		return p.ExtendedStatistic
	}
	return p.Statistic
}

// queries are what the alarm watches. One that names a metric by itself is one with a single query.
func (p *properties) queries() []query {
	if len(p.Metrics) > 0 {
		return p.Metrics
	}
	return []query{{ID: "m1", MetricStat: &metricStat{
		Metric: metricOf{p.Namespace, p.MetricName, p.Dimensions}, Period: p.Period, Stat: p.stat(), Unit: p.Unit,
	}}}
}

// period is how many seconds each of the values has that the alarm compares.
func (p *properties) period() int {
	longest := 0
	for _, q := range p.queries() {
		longest = max(longest, int(q.Period))
		if q.MetricStat != nil {
			longest = max(longest, int(q.MetricStat.Period))
		}
	}
	return longest
}

// rules are what the alarm's state is decided by.
func (p *properties) rules() rules {
	r := rules{periods: int(p.EvaluationPeriods), needed: int(p.DatapointsToAlarm), missing: p.TreatMissingData}
	if r.needed == 0 {
		r.needed = r.periods
	}
	if r.missing == "" {
		r.missing = missingIsMissing
		if p.Namespace == "AWS/DynamoDB" {
			r.missing = missingIsIgnored
		}
	}
	compare := breaches[p.ComparisonOperator]
	r.breaches = func(value float64) bool { return compare(value, float64(p.Threshold)) }
	return r
}

// check refuses what CloudWatch refuses, and what this one would evaluate otherwise.
func (p *properties) check() error {
	switch p.TreatMissingData {
	case "", missingIsMissing, missingIsIgnored, missingIsBreaching, missingIsNotBreaching:
	default:
		return invalid("The value %s is not supported for TreatMissingData parameter. Supported values are [breaching, notBreaching, ignore, missing]", p.TreatMissingData)
	}
	switch {
	case p.AlarmName == "" || len(p.AlarmName) > 255:
		return invalid("1 validation error detected: Value at 'alarmName' failed to satisfy constraint: Member must have length from 1 to 255")
	case breaches[p.ComparisonOperator] == nil:
		return invalid("the local CloudWatch does not compare by %q", p.ComparisonOperator)
	case p.ThresholdMetricID != "":
		return invalid("the local CloudWatch has no anomaly detection: alarm %s", p.AlarmName)
	case p.EvaluationPeriods < 1:
		return invalid("1 validation error detected: Value '%d' at 'evaluationPeriods' failed to satisfy constraint: Member must have value greater than or equal to 1", p.EvaluationPeriods)
	case p.DatapointsToAlarm < 0 || p.DatapointsToAlarm > p.EvaluationPeriods:
		return invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
	case len(p.Metrics) > 0 && (p.MetricName != "" || p.Statistic != "" || p.ExtendedStatistic != ""):
		return invalid("Metrics list cannot be specified with MetricName, Statistic or ExtendedStatistic")
	case len(p.Metrics) == 0 && (p.MetricName == "" || p.Namespace == ""):
		return invalid("At least one of MetricName or Metrics must be specified, and the namespace of the metric")
	case p.Statistic != "" && p.ExtendedStatistic != "":
		return invalid("Exactly one of Statistic and ExtendedStatistic must be specified")
	}
	if _, err := returned(p.queries()); err != nil {
		return err
	}
	if period := p.period(); period != 10 && period != 20 && period != 30 && (period < 60 || period%60 != 0) {
		return invalid("The period must be 10, 20, 30, or a multiple of 60 seconds: %d", period)
	}
	return nil
}

// returned finds the one query whose values an alarm compares, and checks them all.
func returned(queries []query) (query, error) {
	var found []query
	for _, q := range queries {
		if err := q.check(queries); err != nil {
			return query{}, err
		}
		if searches(q.Expression) {
			return query{}, invalid("SEARCH is not supported on Metric Alarms.")
		}
		if q.returns() {
			found = append(found, q)
		}
	}
	if len(found) != 1 {
		return query{}, invalid("Exactly one element of the metrics list should return data.")
	}
	return found[0], nil
}

func (q query) check(among []query) error {
	switch {
	case (q.Expression == "") == (q.MetricStat == nil):
		return invalid("Exactly one of MetricStat and Expression must be specified: %s", q.ID)
	case q.Expression != "":
		if _, err := parseExpression(q.Expression, among); err != nil {
			return invalid("Error in expression '%s': %v", q.ID, err)
		}
	default:
		if _, err := parseStatistic(q.MetricStat.Stat); err != nil {
			return err
		}
	}
	return nil
}

func (a *Alarms) putMetric(ctx context.Context, p properties) (*alarm, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	return a.put(ctx, alarm{name: p.AlarmName, metric: &p, settings: settings{
		description: p.AlarmDescription, enabled: p.ActionsEnabled == nil || bool(*p.ActionsEnabled),
		actions: map[string][]string{OK: p.OKActions, Alarming: p.AlarmActions, InsufficientData: p.InsufficientDataActions},
	}}), nil
}

func (a *Alarms) putMetricAlarm(ctx context.Context, call endpoint.Call) (any, error) {
	var p properties
	if err := decode(call, &p); err != nil {
		return nil, err
	}
	a.mu.Lock()
	there := a.byName[p.AlarmName]
	a.mu.Unlock()
	if there != nil && there.metric == nil {
		return nil, invalid("Alarm %s is a composite alarm", p.AlarmName)
	}
	_, err := a.putMetric(ctx, p)
	return nil, err
}

// describe is the alarm as DescribeAlarms answers it; the caller holds the lock.
func (p *properties) describe(into map[string]any) {
	into["EvaluationPeriods"], into["ComparisonOperator"] = int(p.EvaluationPeriods), p.ComparisonOperator
	into["Threshold"] = float64(p.Threshold)
	if p.DatapointsToAlarm != 0 {
		into["DatapointsToAlarm"] = int(p.DatapointsToAlarm)
	}
	for name, value := range map[string]string{
		"TreatMissingData": p.TreatMissingData, "EvaluateLowSampleCountPercentile": p.EvaluateLowSampleCountPercentile,
		"Namespace": p.Namespace, "MetricName": p.MetricName, "Statistic": p.Statistic,
		"ExtendedStatistic": p.ExtendedStatistic, "Unit": p.Unit,
	} {
		if value != "" {
			into[name] = value
		}
	}
	if len(p.Metrics) > 0 {
		into["Metrics"] = described(p.Metrics)
		return
	}
	into["Period"], into["Dimensions"] = int(p.Period), describedDimensions(p.Dimensions)
}

func described(queries []query) []any {
	list := []any{}
	for _, q := range queries {
		shown := map[string]any{"Id": q.ID, "ReturnData": q.returns()}
		if q.Label != "" {
			shown["Label"] = q.Label
		}
		if q.Expression != "" {
			shown["Expression"] = q.Expression
		}
		if q.Period != 0 {
			shown["Period"] = int(q.Period)
		}
		if stat := q.MetricStat; stat != nil {
			shown["MetricStat"] = map[string]any{
				"Metric": map[string]any{
					"Namespace": stat.Metric.Namespace, "MetricName": stat.Metric.MetricName,
					"Dimensions": describedDimensions(stat.Metric.Dimensions),
				},
				"Period": int(stat.Period), "Stat": stat.Stat,
			}
		}
		list = append(list, shown)
	}
	return list
}

func describedDimensions(dimensions []dimension) []any {
	list := []any{}
	for _, d := range dimensions {
		list = append(list, map[string]any{"Name": d.Name, "Value": string(d.Value)})
	}
	return list
}

// comparison words a comparison as an alarm's reason does.
func comparison(operator string) string {
	return map[string]string{
		"GreaterThanThreshold": "greater than", "GreaterThanOrEqualToThreshold": "greater than or equal to",
		"LessThanThreshold": "less than", "LessThanOrEqualToThreshold": "less than or equal to",
	}[operator]
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
