// Package cloudwatch fakes CloudWatch's alarms: they have no metrics to watch, somebody sets their
// state, and what follows is the real event.
package cloudwatch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/clock"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// States of an alarm.
const (
	OK               = "OK"
	Alarming         = "ALARM"
	InsufficientData = "INSUFFICIENT_DATA"
)

// eventTime is how alarm events write times: RFC 3339 parsers refuse it.
const eventTime = "2006-01-02T15:04:05.000-0700"

// Config is what the fake needs.
type Config struct {
	Account string
	Region  string
	Clock   *clock.Clock // nil: the machine's

	// Emit sends an event as the service would.
	Emit func(ctx context.Context, source, detailType string, resources []string, detail any)
}

// Alarms is the fake. Its methods may be called at once.
type Alarms struct {
	cfg Config

	mu     sync.Mutex
	byName map[string]*alarm
}

// alarm is one alarm: what the template says of it, and its state.
type alarm struct {
	name, arn  string
	properties properties
	state      state
}

// state is an alarm's state with its reason.
type state struct {
	value, reason, data string
	at                  time.Time
}

// properties is the part of AWS::CloudWatch::Alarm that events and answers show.
type properties struct {
	AlarmName          string         `json:"AlarmName"`
	AlarmDescription   string         `json:"AlarmDescription"`
	Namespace          string         `json:"Namespace"`
	MetricName         string         `json:"MetricName"`
	Statistic          string         `json:"Statistic"`
	Period             weakjson.Int   `json:"Period"`
	EvaluationPeriods  weakjson.Int   `json:"EvaluationPeriods"`
	ComparisonOperator string         `json:"ComparisonOperator"`
	Threshold          weakjson.Float `json:"Threshold"`
	AlarmActions       weakjson.Texts `json:"AlarmActions"`
	Dimensions         dimensions     `json:"Dimensions"`
	Metrics            []query        `json:"Metrics"` // instead of a metric: an expression, and what it is about
}

// New returns a fake without alarms.
func New(cfg Config) *Alarms {
	if cfg.Emit == nil {
		cfg.Emit = func(context.Context, string, string, []string, any) {}
	}
	return &Alarms{cfg: cfg, byName: map[string]*alarm{}}
}

// Service answers CloudWatch's API. Its signing name is "monitoring".
func (a *Alarms) Service() endpoint.Service {
	return endpoint.Service{Name: "monitoring", Operations: map[string]endpoint.Operation{
		"SetAlarmState":  a.setState,
		"DescribeAlarms": a.describe,
	}}
}

// Types lists the resource types that Create and Delete know.
func Types() []string { return []string{"AWS::CloudWatch::Alarm"} }

// Create makes an alarm. It has too little data to have a state, until somebody sets one.
func (a *Alarms) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	var p properties
	if err := weakjson.Decode(r.Properties, &p); err != nil {
		return resource.Created{}, err
	}
	if p.AlarmName == "" {
		p.AlarmName = r.StackName + "-" + r.LogicalID
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	made := a.byName[p.AlarmName]
	if made == nil {
		made = &alarm{
			name: p.AlarmName,
			arn:  fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", a.cfg.Region, a.cfg.Account, p.AlarmName),
			state: state{
				value: InsufficientData, reason: "Unchecked: Initial alarm creation", at: a.cfg.Clock.Now(),
			},
		}
		a.byName[made.name] = made
	}
	made.properties = p
	return resource.Created{PhysicalID: made.name, Attributes: map[string]any{"Arn": made.arn}}, nil
}

// Delete removes an alarm.
func (a *Alarms) Delete(_ context.Context, r resource.Resource) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byName, r.PhysicalID)
	return nil
}

// Names lists the alarms with a prefix, in order.
func (a *Alarms) Names(prefix string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a.byName)) {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names
}

// SetState puts an alarm into a state. A change is told by an event, the same state again is not.
func (a *Alarms) SetState(ctx context.Context, name, value, reason string) error {
	return a.set(ctx, name, state{value: value, reason: reason, at: a.cfg.Clock.Now()})
}

func (a *Alarms) set(ctx context.Context, name string, next state) error {
	if next.value != OK && next.value != Alarming && next.value != InsufficientData {
		return &endpoint.Error{Code: "ValidationError", Message: fmt.Sprintf(
			"1 validation error detected: Value '%s' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]", next.value)}
	}
	a.mu.Lock()
	found := a.byName[name]
	if found == nil {
		a.mu.Unlock()
		return &endpoint.Error{Code: "ResourceNotFound", Message: "Unknown alarm", Status: 404}
	}
	previous := found.state
	found.state = next
	detail := found.event(previous)
	a.mu.Unlock()
	if previous.value != next.value {
		a.cfg.Emit(ctx, "aws.cloudwatch", "CloudWatch Alarm State Change", []string{found.arn}, detail)
	}
	return nil
}

// event is the detail of the alarm's event; the caller holds the lock.
func (x *alarm) event(previous state) map[string]any {
	metrics := []any{}
	for _, q := range x.properties.queries() {
		metrics = append(metrics, q.event())
	}
	return map[string]any{
		"alarmName":     x.name,
		"state":         x.state.event(),
		"previousState": previous.event(),
		"configuration": map[string]any{"description": x.properties.AlarmDescription, "metrics": metrics},
	}
}

func (s state) event() map[string]any {
	event := map[string]any{
		"value": s.value, "reason": s.reason, "timestamp": s.at.UTC().Format(eventTime),
	}
	if s.data != "" {
		event["reasonData"] = s.data
	}
	return event
}

func (a *Alarms) setState(ctx context.Context, call endpoint.Call) (any, error) {
	var input struct {
		AlarmName       string `json:"AlarmName"`
		StateValue      string `json:"StateValue"`
		StateReason     string `json:"StateReason"`
		StateReasonData string `json:"StateReasonData"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "ValidationError", Message: err.Error()}
	}
	next := state{value: input.StateValue, reason: input.StateReason, data: input.StateReasonData, at: a.cfg.Clock.Now()}
	if err := a.set(ctx, input.AlarmName, next); err != nil {
		return nil, err
	}
	return map[string]any{}, nil
}

func (a *Alarms) describe(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		AlarmNames      weakjson.Texts `json:"AlarmNames"`
		AlarmNamePrefix string         `json:"AlarmNamePrefix"`
		StateValue      string         `json:"StateValue"`
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "ValidationError", Message: err.Error()}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(a.byName)) {
		x := a.byName[name]
		switch {
		case len(input.AlarmNames) > 0 && !slices.Contains(input.AlarmNames, name):
		case !strings.HasPrefix(name, input.AlarmNamePrefix):
		case input.StateValue != "" && x.state.value != input.StateValue:
		default:
			list = append(list, x.shown())
		}
	}
	return map[string]any{"MetricAlarms": list, "CompositeAlarms": []any{}}, nil
}

// shown is an alarm as DescribeAlarms answers it.
func (x *alarm) shown() map[string]any {
	shown := map[string]any{
		"AlarmName": x.name, "AlarmArn": x.arn, "AlarmDescription": x.properties.AlarmDescription,
		"StateValue": x.state.value, "StateReason": x.state.reason,
		"StateUpdatedTimestamp": x.state.at,
		"EvaluationPeriods":     int(x.properties.EvaluationPeriods), "Threshold": float64(x.properties.Threshold),
		"ComparisonOperator": x.properties.ComparisonOperator,
		"AlarmActions":       []string(x.properties.AlarmActions), "ActionsEnabled": true,
	}
	if len(x.properties.Metrics) == 0 {
		shown["Namespace"], shown["MetricName"] = x.properties.Namespace, x.properties.MetricName
		shown["Statistic"], shown["Period"] = x.properties.Statistic, int(x.properties.Period)
		shown["Dimensions"] = x.properties.Dimensions.shown()
		return shown
	}
	metrics := []any{}
	for _, q := range x.properties.Metrics {
		metrics = append(metrics, q.shown())
	}
	shown["Metrics"] = metrics
	return shown
}
