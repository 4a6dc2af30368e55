package cloudwatch

import "headroom/internal/local/weakjson"

// query is one of the things that an alarm is made of: a metric, or an expression about others or about
// all metrics that there are.
type query struct {
	ID         string        `json:"Id"`
	Expression string        `json:"Expression"`
	Period     weakjson.Int  `json:"Period"` // of an expression that is a query
	ReturnData weakjson.Bool `json:"ReturnData"`
	MetricStat *metricStat   `json:"MetricStat"`
}

type metricStat struct {
	Metric struct {
		Namespace  string     `json:"Namespace"`
		MetricName string     `json:"MetricName"`
		Dimensions dimensions `json:"Dimensions"`
	} `json:"Metric"`
	Period weakjson.Int `json:"Period"`
	Stat   string       `json:"Stat"`
}

type dimensions []struct {
	Name  string        `json:"Name"`
	Value weakjson.Text `json:"Value"`
}

// queries are what the alarm watches: an alarm on one metric is one query.
func (p properties) queries() []query {
	if len(p.Metrics) > 0 {
		return p.Metrics
	}
	m := &metricStat{Period: p.Period, Stat: p.Statistic}
	m.Metric.Namespace, m.Metric.MetricName, m.Metric.Dimensions = p.Namespace, p.MetricName, p.Dimensions
	return []query{{ID: "m1", ReturnData: true, MetricStat: m}}
}

// event is the query as alarm events have it.
func (q query) event() map[string]any {
	event := map[string]any{"id": q.ID, "returnData": bool(q.ReturnData)}
	if q.Expression != "" {
		event["expression"] = q.Expression
	}
	if q.Period != 0 {
		event["period"] = int(q.Period)
	}
	if m := q.MetricStat; m != nil {
		named := map[string]any{}
		for _, d := range m.Metric.Dimensions {
			named[d.Name] = string(d.Value)
		}
		event["metricStat"] = map[string]any{
			"metric": map[string]any{"namespace": m.Metric.Namespace, "name": m.Metric.MetricName, "dimensions": named},
			"period": int(m.Period), "stat": m.Stat,
		}
	}
	return event
}

// shown is the query as DescribeAlarms answers it.
func (q query) shown() map[string]any {
	shown := map[string]any{"Id": q.ID, "ReturnData": bool(q.ReturnData)}
	if q.Expression != "" {
		shown["Expression"] = q.Expression
	}
	if q.Period != 0 {
		shown["Period"] = int(q.Period)
	}
	if m := q.MetricStat; m != nil {
		shown["MetricStat"] = map[string]any{
			"Metric": map[string]any{
				"Namespace": m.Metric.Namespace, "MetricName": m.Metric.MetricName, "Dimensions": m.Metric.Dimensions.shown(),
			},
			"Period": int(m.Period), "Stat": m.Stat,
		}
	}
	return shown
}

func (d dimensions) shown() []any {
	shown := []any{}
	for _, one := range d {
		shown = append(shown, map[string]any{"Name": one.Name, "Value": string(one.Value)})
	}
	return shown
}
