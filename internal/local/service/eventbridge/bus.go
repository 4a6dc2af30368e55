package eventbridge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

func (b *Bridge) createBus(r resource.Resource) (resource.Created, error) {
	var properties struct{ Name string }
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	b.addBus(properties.Name)
	return resource.Created{PhysicalID: properties.Name, Attributes: map[string]any{
		"Arn": b.arn("events", "event-bus/"+properties.Name), "Name": properties.Name,
	}}, nil
}

func (b *Bridge) addBus(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busLocked(name).exists = true
}

// busLocked finds a bus, or keeps a place for one that is subscribed to before it exists.
func (b *Bridge) busLocked(name string) *bus {
	if _, ok := b.buses[name]; !ok {
		b.buses[name] = &bus{subscribers: map[int]func(Event){}}
	}
	return b.buses[name]
}

func (b *Bridge) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, b.cfg.Region, b.cfg.Account, resource)
}

// busName is the name in a bus's name or ARN.
func busName(nameOrARN string) string {
	if nameOrARN == "" {
		return DefaultBus
	}
	return nameOrARN[strings.LastIndex(nameOrARN, "/")+1:]
}

// Emit puts an event of one of AWS's own services on the default bus.
func (b *Bridge) Emit(_ context.Context, source, detailType string, resources []string, detail any) {
	encoded, err := json.Marshal(detail)
	if err != nil {
		b.cfg.Log.Error("event could not be encoded", "source", source, "error", err)
		return
	}
	b.put(DefaultBus, Event{Source: source, DetailType: detailType, Resources: resources, Detail: encoded})
}

// put completes an event, shows it to the bus's subscribers, and starts its deliveries.
func (b *Bridge) put(busName string, event Event) (id string) {
	event.Version, event.ID = "0", uuid()
	event.Account, event.Region = b.cfg.Account, b.cfg.Region
	if event.Time.IsZero() {
		event.Time = b.cfg.Clock.Now()
	}
	event.Time = event.Time.UTC().Truncate(time.Second)
	if event.Resources == nil {
		event.Resources = []string{}
	}
	b.mu.Lock()
	var receivers []func(Event)
	for _, receive := range b.busLocked(busName).subscribers {
		receivers = append(receivers, receive)
	}
	var rules []*rule
	for _, r := range b.rules {
		if r.bus == busName && r.enabled {
			rules = append(rules, r)
		}
	}
	b.mu.Unlock()

	for _, receive := range receivers {
		receive(event)
	}
	b.route(event, rules)
	return event.ID
}

// Service is EventBridge's API.
func (b *Bridge) Service() endpoint.Service {
	return endpoint.Service{Name: "events", Operations: map[string]endpoint.Operation{
		"PutEvents": b.putEvents, "ListEventBuses": b.listBuses, "ListRules": b.listRules, "DescribeRule": b.describeRule,
		"ListTargetsByRule": b.listTargets,
	}}
}

// entry is one event of a PutEvents call.
type entry struct {
	Source, DetailType, Detail, EventBusName string
	Resources                                []string
	Time                                     float64 // seconds since the epoch
}

// form is the entry as its form is checked.
func (e entry) form() constraint.Entry {
	return constraint.Entry{Source: e.Source, DetailType: e.DetailType, Detail: e.Detail, Resources: e.Resources, Timed: e.Time > 0}
}

func (b *Bridge) putEvents(_ context.Context, call endpoint.Call) (any, error) {
	var input struct{ Entries []entry }
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "SerializationException", Message: err.Error()}
	}
	forms := make([]constraint.Entry, len(input.Entries))
	for i, e := range input.Entries {
		forms[i] = e.form()
	}
	if r := constraint.Entries(forms); r != nil {
		return nil, endpoint.Refused(r)
	}
	failed := 0
	results := make([]any, len(input.Entries))
	for i, e := range input.Entries {
		id, err := b.putEntry(e)
		if err != nil {
			failed++
			results[i] = map[string]any{"ErrorCode": err.Code, "ErrorMessage": err.Message}
			continue
		}
		results[i] = map[string]any{"EventId": id}
	}
	return map[string]any{"FailedEntryCount": failed, "Entries": results}, nil
}

func (b *Bridge) putEntry(e entry) (id string, _ *endpoint.Error) {
	if r := e.form().Refusal(); r != nil {
		return "", &endpoint.Error{Code: r.Code, Message: r.Message}
	}
	name := busName(e.EventBusName)
	b.mu.Lock()
	exists := b.busLocked(name).exists
	b.mu.Unlock()
	if !exists {
		return "", &endpoint.Error{Code: "ResourceNotFoundException", Message: "Event bus " + name + " does not exist.", Status: http.StatusBadRequest}
	}
	event := Event{Source: e.Source, DetailType: e.DetailType, Resources: e.Resources, Detail: json.RawMessage(e.Detail)}
	if e.Time > 0 {
		event.Time = time.UnixMilli(int64(e.Time * 1000))
	}
	return b.put(name, event), nil
}

// uuid makes a random identifier in the form that AWS uses.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
