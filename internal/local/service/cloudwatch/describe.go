package cloudwatch

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

func (a *Alarms) setState(ctx context.Context, call endpoint.Call) (any, error) {
	var input struct {
		AlarmName       string `json:"AlarmName"`
		StateValue      string `json:"StateValue"`
		StateReason     string `json:"StateReason"`
		StateReasonData string `json:"StateReasonData"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	return nil, a.set(ctx, input.AlarmName, state{value: input.StateValue, reason: input.StateReason, data: input.StateReasonData}, false)
}

// alarmNames is the input of the operations that take nothing but a list of names.
type alarmNames struct {
	AlarmNames weakjson.Texts `json:"AlarmNames"`
}

func (a *Alarms) deleteAlarms(ctx context.Context, call endpoint.Call) (any, error) {
	var input alarmNames
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	a.mu.Lock()
	for _, name := range input.AlarmNames {
		if a.byName[name] == nil {
			a.mu.Unlock() // all of them or none
			return nil, &endpoint.Error{Code: "ResourceNotFound", Message: "Unknown alarm: " + name, Status: 404}
		}
	}
	a.mu.Unlock()
	for _, name := range input.AlarmNames {
		a.remove(ctx, name)
	}
	return nil, nil
}

func (a *Alarms) enableActions(_ context.Context, call endpoint.Call) (any, error) {
	return nil, a.enable(call, true)
}

func (a *Alarms) disableActions(_ context.Context, call endpoint.Call) (any, error) {
	return nil, a.enable(call, false)
}

func (a *Alarms) enable(call endpoint.Call, enabled bool) error {
	var input alarmNames
	if err := decode(call, &input); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range input.AlarmNames {
		if found := a.byName[name]; found != nil { // CloudWatch passes over names that it does not know
			found.settings.enabled = enabled
		}
	}
	return nil
}

// alarmsPage is how many alarms an answer has unless the caller says otherwise.
const alarmsPage = 50

func (a *Alarms) describe(_ context.Context, call endpoint.Call) (any, error) {
	input := struct {
		AlarmNames      weakjson.Texts `json:"AlarmNames"`
		AlarmNamePrefix string         `json:"AlarmNamePrefix"`
		AlarmTypes      weakjson.Texts `json:"AlarmTypes"`
		ActionPrefix    string         `json:"ActionPrefix"`
		StateValue      string         `json:"StateValue"`
		MaxRecords      weakjson.Int   `json:"MaxRecords"`
		NextToken       string         `json:"NextToken"`
	}{AlarmTypes: weakjson.Texts{"MetricAlarm"}, MaxRecords: alarmsPage}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	metric, composite := []any{}, []any{}
	taken := 0
	for _, name := range slices.Sorted(maps.Keys(a.byName)) {
		x := a.byName[name]
		kind := "MetricAlarm"
		if x.metric == nil {
			kind = "CompositeAlarm"
		}
		switch {
		case name <= input.NextToken: // the token is the last name of the page before
		case len(input.AlarmNames) > 0 && !slices.Contains(input.AlarmNames, name):
		case !strings.HasPrefix(name, input.AlarmNamePrefix):
		case !slices.Contains(input.AlarmTypes, kind):
		case input.StateValue != "" && x.state.value != input.StateValue:
		case !x.settings.acts(input.ActionPrefix):
		case taken == int(input.MaxRecords):
			return map[string]any{"MetricAlarms": metric, "CompositeAlarms": composite, "NextToken": last(metric, composite)}, nil
		case x.metric == nil:
			composite = append(composite, x.shown())
			taken++
		default:
			metric = append(metric, x.shown())
			taken++
		}
	}
	return map[string]any{"MetricAlarms": metric, "CompositeAlarms": composite}, nil
}

// last is the last name in either list.
func last(lists ...[]any) string {
	name := ""
	for _, list := range lists {
		if len(list) > 0 {
			name = max(name, list[len(list)-1].(map[string]any)["AlarmName"].(string))
		}
	}
	return name
}

// acts reports whether an action begins with a prefix.
func (s settings) acts(prefix string) bool {
	if prefix == "" {
		return true
	}
	for _, actions := range s.actions {
		if slices.ContainsFunc(actions, func(arn string) bool { return strings.HasPrefix(arn, prefix) }) {
			return true
		}
	}
	return false
}

// shown is an alarm as DescribeAlarms answers it; the caller holds the lock.
func (x *alarm) shown() map[string]any {
	shown := map[string]any{
		"AlarmName": x.name, "AlarmArn": x.arn, "ActionsEnabled": x.settings.enabled,
		"OKActions": listed(x.settings.actions[OK]), "AlarmActions": listed(x.settings.actions[Alarming]),
		"InsufficientDataActions":            listed(x.settings.actions[InsufficientData]),
		"AlarmConfigurationUpdatedTimestamp": x.updated, "StateValue": x.state.value, "StateReason": x.state.reason,
		"StateUpdatedTimestamp": x.state.at, "StateTransitionedTimestamp": x.state.since,
	}
	if x.settings.description != "" {
		shown["AlarmDescription"] = x.settings.description
	}
	if x.state.data != "" {
		shown["StateReasonData"] = x.state.data
	}
	if x.metric != nil {
		x.metric.describe(shown)
	} else {
		shown["AlarmRule"] = x.rule.text
	}
	return shown
}

func (a *Alarms) describeForMetric(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		Namespace  string      `json:"Namespace"`
		MetricName string      `json:"MetricName"`
		Dimensions []dimension `json:"Dimensions"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	wanted := metricOf{input.Namespace, input.MetricName, input.Dimensions}.metric().key()
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(a.byName)) {
		x := a.byName[name]
		if x.metric != nil && slices.ContainsFunc(x.metric.queries(), func(q query) bool {
			return q.MetricStat != nil && q.MetricStat.Metric.metric().key() == wanted
		}) {
			list = append(list, x.shown())
		}
	}
	return map[string]any{"MetricAlarms": list}, nil
}

func (a *Alarms) describeHistory(_ context.Context, call endpoint.Call) (any, error) {
	input := struct {
		AlarmName       string       `json:"AlarmName"`
		HistoryItemType string       `json:"HistoryItemType"`
		MaxRecords      weakjson.Int `json:"MaxRecords"`
		NextToken       weakjson.Int `json:"NextToken"`
	}{MaxRecords: 100}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	type item struct {
		change
		of *alarm
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var items []item
	for name, x := range a.byName {
		if input.AlarmName != "" && input.AlarmName != name {
			continue
		}
		for _, c := range x.history {
			if input.HistoryItemType == "" || input.HistoryItemType == c.kind {
				items = append(items, item{c, x})
			}
		}
	}
	slices.SortStableFunc(items, func(a, b item) int { return b.at.Compare(a.at) }) // the newest first
	from := min(max(int(input.NextToken), 0), len(items))
	to := min(from+max(int(input.MaxRecords), 1), len(items))
	list := []any{}
	for _, i := range items[from:to] {
		kind := "MetricAlarm"
		if i.of.metric == nil {
			kind = "CompositeAlarm"
		}
		list = append(list, map[string]any{
			"AlarmName": i.of.name, "AlarmType": kind, "Timestamp": i.at, "HistoryItemType": i.kind, "HistorySummary": i.text,
		})
	}
	answer := map[string]any{"AlarmHistoryItems": list}
	if to < len(items) {
		answer["NextToken"] = strconv.Itoa(to)
	}
	return answer, nil
}
