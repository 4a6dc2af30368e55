package cloudwatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// notice is what a topic hears of an alarm.
type notice struct{ subject, message string }

// subjectMost is the longest subject that SNS takes.
const subjectMost = 100

// notice words a change of state for a topic, as CloudWatch does; the caller holds the lock.
func (a *Alarms) notice(x *alarm, previous state) notice {
	subject := fmt.Sprintf("%s: %q in %s", x.state.value, x.name, regionName(a.cfg.Region))
	if len(subject) > subjectMost {
		subject = subject[:subjectMost-3] + "..."
	}
	message := map[string]any{
		"AlarmName": x.name, "AlarmDescription": x.settings.description, "AWSAccountId": a.cfg.Account,
		"AlarmConfigurationUpdatedTimestamp": stamp(x.updated), "NewStateValue": x.state.value, "NewStateReason": x.state.reason,
		"StateChangeTime": stamp(x.state.since), "Region": regionName(a.cfg.Region), "AlarmArn": x.arn, "OldStateValue": previous.value,
		"OKActions": listed(x.settings.actions[OK]), "AlarmActions": listed(x.settings.actions[Alarming]),
		"InsufficientDataActions": listed(x.settings.actions[InsufficientData]),
	}
	if x.metric != nil {
		message["Trigger"] = x.metric.trigger()
	} else {
		message["AlarmRule"] = x.rule.text
	}
	text, err := json.Marshal(message)
	if err != nil {
		text = []byte(x.state.reason) // maps of strings and numbers can be written
	}
	return notice{subject, string(text)}
}

// trigger is what a notice says of an alarm's metric.
func (p *properties) trigger() map[string]any {
	trigger := map[string]any{
		"Period": int(p.Period), "EvaluationPeriods": int(p.EvaluationPeriods), "DatapointsToAlarm": p.rules().needed,
		"ComparisonOperator": p.ComparisonOperator, "Threshold": float64(p.Threshold), "TreatMissingData": p.rules().missing,
		"EvaluateLowSampleCountPercentile": p.EvaluateLowSampleCountPercentile,
	}
	if len(p.Metrics) > 0 {
		trigger["Metrics"] = p.Metrics
		return trigger
	}
	trigger["MetricName"], trigger["Namespace"] = p.MetricName, p.Namespace
	trigger["StatisticType"], trigger["Statistic"] = "Statistic", strings.ToUpper(p.Statistic)
	if p.ExtendedStatistic != "" {
		trigger["StatisticType"], trigger["Statistic"] = "ExtendedStatistic", p.ExtendedStatistic
	}
	dimensions := []map[string]string{}
	of := metricOf{Dimensions: p.Dimensions}.dimensions()
	for _, name := range slices.Sorted(maps.Keys(of)) {
		dimensions = append(dimensions, map[string]string{"name": name, "value": of[name]})
	}
	trigger["Dimensions"] = dimensions
	return trigger
}

// regionName is what notices call a region: CloudWatch writes it out.
func regionName(region string) string {
	switch region {
	case "eu-west-1":
		return "EU (Ireland)"
	case "eu-central-1":
		return "EU (Frankfurt)"
	case "us-east-1":
		return "US East (N. Virginia)"
	}
	return region
}
