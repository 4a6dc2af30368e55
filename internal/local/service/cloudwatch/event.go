package cloudwatch

import (
	"context"
	"time"
)

// The events that tell of an alarm.
const (
	stateChange         = "CloudWatch Alarm State Change"
	configurationChange = "CloudWatch Alarm Configuration Change"
)

// eventTime is how alarm events write times: RFC 3339 parsers refuse it.
const eventTime = "2006-01-02T15:04:05.000-0700"

func (a *Alarms) tell(ctx context.Context, of *alarm, detailType string, detail map[string]any) {
	a.cfg.Emit(ctx, "aws.cloudwatch", detailType, []string{of.arn}, detail)
}

// event is the detail of a change of state; the caller holds the lock.
func (x *alarm) event(previous state) map[string]any {
	configuration := map[string]any{"description": x.settings.description}
	if x.metric != nil {
		configuration["metrics"] = x.metric.eventMetrics()
	} else {
		configuration["alarmRule"] = x.rule.text
	}
	return map[string]any{
		"alarmName": x.name, "state": x.state.event(), "previousState": previous.event(), "configuration": configuration,
	}
}

// changed is the detail of a change of an alarm's configuration; the caller holds the lock, if others
// know the alarm.
func (x *alarm) changed(operation string, before map[string]any) map[string]any {
	detail := map[string]any{
		"alarmName": x.name, "operation": operation, "state": x.state.event(), "configuration": x.configuration(),
	}
	if before != nil {
		detail["previousConfiguration"] = before
	}
	return detail
}

// configuration is an alarm as events about its configuration show it.
func (x *alarm) configuration() map[string]any {
	c := map[string]any{
		"alarmName": x.name, "description": x.settings.description, "actionsEnabled": x.settings.enabled,
		"timestamp": x.updated.UTC().Format(eventTime),
		"okActions": listed(x.settings.actions[OK]), "alarmActions": listed(x.settings.actions[Alarming]),
		"insufficientDataActions": listed(x.settings.actions[InsufficientData]),
	}
	if x.metric == nil {
		c["alarmRule"] = x.rule.text
		return c
	}
	p := x.metric
	c["metrics"] = p.eventMetrics()
	c["evaluationPeriods"], c["threshold"] = int(p.EvaluationPeriods), float64(p.Threshold)
	c["comparisonOperator"], c["treatMissingData"] = p.ComparisonOperator, p.rules().missing
	if p.DatapointsToAlarm != 0 {
		c["datapointsToAlarm"] = int(p.DatapointsToAlarm)
	}
	return c
}

// eventMetrics are the metrics of an alarm as events show them: one without an expression has one, with
// an id that CloudWatch draws.
func (p *properties) eventMetrics() []any {
	var list []any
	for _, q := range p.queries() {
		shown := map[string]any{"id": q.ID, "returnData": q.returns()}
		if q.Label != "" {
			shown["label"] = q.Label
		}
		if q.Expression != "" {
			shown["expression"] = q.Expression
		} else {
			shown["metricStat"] = map[string]any{
				"metric": map[string]any{
					"namespace": q.MetricStat.Metric.Namespace, "name": q.MetricStat.Metric.MetricName,
					"dimensions": q.MetricStat.Metric.dimensions(),
				},
				"period": int(q.MetricStat.Period), "stat": q.MetricStat.Stat,
			}
		}
		list = append(list, shown)
	}
	return list
}

func (s state) event() map[string]any {
	event := map[string]any{"value": s.value, "reason": s.reason, "timestamp": s.at.UTC().Format(eventTime)}
	if s.data != "" {
		event["reasonData"] = s.data
	}
	return event
}

func listed(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

// stamp is a time as CloudWatch's answers and notices have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }
