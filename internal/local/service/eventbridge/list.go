package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// listing is what the operations take that list or describe something.
type listing struct {
	Name, Rule, EventBusName string
	NamePrefix, NextToken    string
	ScheduleGroup            string // how the Scheduler calls a group in a query
	GroupName                string
	State                    string
	Limit, MaxResults        weakjson.Int
}

func decode(call endpoint.Call) (listing, error) {
	var input listing
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, &endpoint.Error{Code: "ValidationException", Message: err.Error()}
	}
	return input, nil
}

// most is how many elements an answer has: a hundred unless the caller asks for fewer.
func (l listing) most() int {
	for _, n := range []weakjson.Int{l.Limit, l.MaxResults} {
		if n > 0 && n < 100 {
			return int(n)
		}
	}
	return 100
}

// page takes the elements after the token that have a prefix; by is what they are named by, and ordered.
func page[E any](l listing, all map[string]E) (names []string, next string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name <= l.NextToken || !strings.HasPrefix(name, l.NamePrefix) {
			continue
		}
		if len(names) == l.most() {
			return names, names[len(names)-1]
		}
		names = append(names, name)
	}
	return names, ""
}

func listed(key string, list []any, next string) map[string]any {
	answer := map[string]any{key: list}
	if next != "" {
		answer["NextToken"] = next
	}
	return answer
}

func (b *Bridge) listBuses(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	there := maps.Clone(b.buses)
	maps.DeleteFunc(there, func(_ string, on *bus) bool { return !on.exists })
	names, next := page(input, there)
	list := []any{}
	for _, name := range names {
		list = append(list, map[string]any{"Name": name, "Arn": b.arn("events", "event-bus/"+name)})
	}
	return listed("EventBuses", list, next), nil
}

// rulesOf finds the rules of a bus, by their names; the caller holds the lock.
func (b *Bridge) rulesOf(nameOrARN string) (map[string]*rule, error) {
	name := busName(nameOrARN)
	if on := b.buses[name]; on == nil || !on.exists {
		return nil, &endpoint.Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf("Event bus %s does not exist.", name)}
	}
	rules := map[string]*rule{}
	for _, r := range b.rules {
		if r.bus == name {
			rules[r.shown.Name] = r
		}
	}
	return rules, nil
}

func (b *Bridge) listRules(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	rules, err := b.rulesOf(input.EventBusName)
	if err != nil {
		return nil, err
	}
	names, next := page(input, rules)
	list := []any{}
	for _, name := range names {
		list = append(list, rules[name].describe())
	}
	return listed("Rules", list, next), nil
}

// describe is a rule as EventBridge describes it.
func (r *rule) describe() map[string]any {
	described := map[string]any{"Name": r.shown.Name, "Arn": r.arn, "EventBusName": r.bus, "State": "ENABLED"}
	if !r.enabled {
		described["State"] = "DISABLED"
	}
	if r.shown.Description != "" {
		described["Description"] = r.shown.Description
	}
	switch pattern := r.shown.EventPattern.(type) {
	case string:
		described["EventPattern"] = pattern
	default:
		if text, err := json.Marshal(pattern); err == nil {
			described["EventPattern"] = string(text)
		}
	}
	return described
}

// ruleNamed finds a rule; the caller holds the lock.
func (b *Bridge) ruleNamed(name, bus string) (*rule, error) {
	rules, err := b.rulesOf(bus)
	if err != nil {
		return nil, err
	}
	r := rules[name]
	if r == nil {
		return nil, &endpoint.Error{
			Code: "ResourceNotFoundException", Message: fmt.Sprintf("Rule %s does not exist on EventBus %s.", name, busName(bus)),
		}
	}
	return r, nil
}

func (b *Bridge) describeRule(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r, err := b.ruleNamed(input.Name, input.EventBusName)
	if err != nil {
		return nil, err
	}
	return r.describe(), nil
}

func (b *Bridge) listTargets(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r, err := b.ruleNamed(input.Rule, input.EventBusName)
	if err != nil {
		return nil, err
	}
	byID := map[string]target{}
	for _, t := range r.targets {
		byID[t.ID] = t
	}
	ids, next := page(input, byID)
	list := []any{}
	for _, id := range ids {
		shown := byID[id].describe()
		shown["Id"] = id
		list = append(list, shown)
	}
	return listed("Targets", list, next), nil
}

// describe is a target as EventBridge and its Scheduler describe it.
func (t target) describe() map[string]any {
	described := map[string]any{"Arn": t.Arn}
	for name, value := range map[string]string{"RoleArn": t.RoleArn, "Input": t.Input} {
		if value != "" {
			described[name] = value
		}
	}
	if t.DeadLetterConfig.Arn != "" {
		described["DeadLetterConfig"] = map[string]any{"Arn": t.DeadLetterConfig.Arn}
	}
	if retries := t.RetryPolicy.MaximumRetryAttempts; retries != nil {
		described["RetryPolicy"] = map[string]any{"MaximumRetryAttempts": int(*retries)}
	}
	return described
}

// Schedules is the API of EventBridge Scheduler.
func (b *Bridge) Schedules() endpoint.Service {
	return endpoint.Service{Name: "scheduler", Operations: map[string]endpoint.Operation{
		"ListSchedules": b.listSchedules, "GetSchedule": b.getSchedule, "ListScheduleGroups": b.listScheduleGroups,
	}}
}

func (b *Bridge) listSchedules(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	wanted := maps.Clone(b.schedules)
	maps.DeleteFunc(wanted, func(_ string, s *schedule) bool {
		return input.ScheduleGroup != "" && s.shown.GroupName != input.ScheduleGroup || input.State != "" && s.state() != input.State
	})
	names, next := page(input, wanted)
	list := []any{}
	for _, name := range names {
		s := wanted[name]
		list = append(list, map[string]any{
			"Name": name, "Arn": s.arn, "GroupName": s.shown.GroupName, "State": s.state(), "CreationDate": s.made,
			"LastModificationDate": s.made, "Target": map[string]any{"Arn": s.target.Arn},
		})
	}
	return listed("Schedules", list, next), nil
}

func (s *schedule) state() string {
	if s.shown.State == "" {
		return "ENABLED"
	}
	return s.shown.State
}

func (b *Bridge) getSchedule(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	group := call.Request.URL.Query().Get("groupName")
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.schedules[input.Name]
	if s == nil || group != "" && group != s.shown.GroupName {
		message := fmt.Sprintf("Schedule %s does not exist.", input.Name)
		return nil, &endpoint.Error{
			Code: "ResourceNotFoundException", Message: message, Status: http.StatusNotFound, Fields: map[string]any{"Message": message},
		}
	}
	target := s.target.describe()
	described := map[string]any{
		"Name": s.shown.Name, "Arn": s.arn, "GroupName": s.shown.GroupName, "State": s.state(), "CreationDate": s.made,
		"LastModificationDate": s.made, "ScheduleExpression": s.shown.ScheduleExpression, "ScheduleExpressionTimezone": "UTC",
		"FlexibleTimeWindow": map[string]any{"Mode": s.shown.FlexibleTimeWindow.Mode}, "Target": target,
		"ActionAfterCompletion": "NONE",
	}
	if s.shown.Description != "" {
		described["Description"] = s.shown.Description
	}
	return described, nil
}

func (b *Bridge) listScheduleGroups(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	names, next := page(input, b.groups)
	list := []any{}
	for _, name := range names {
		list = append(list, map[string]any{
			"Name": name, "Arn": b.arn("scheduler", "schedule-group/"+name), "State": "ACTIVE",
			"CreationDate": b.groups[name], "LastModificationDate": b.groups[name],
		})
	}
	return listed("ScheduleGroups", list, next), nil
}
