package cloudwatch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/endpoint"
)

// States of an alarm.
const (
	OK               = "OK"
	Alarming         = "ALARM"
	InsufficientData = "INSUFFICIENT_DATA"
)

// Alarms are the alarms of an account, beside its metrics and dashboards. Their methods may be called
// at once.
type Alarms struct {
	Metrics *Metrics
	cfg     Config

	mu         sync.Mutex
	byName     map[string]*alarm
	dashboards map[string]dashboard
}

// alarm is an alarm on metrics, or on other alarms.
type alarm struct {
	name, arn string
	settings  settings
	metric    *properties // nil: it is a composite one
	rule      rule        // of a composite one
	state     state
	held      bool      // it is not evaluated
	updated   time.Time // its configuration
	history   []change  // the newest is last
}

// settings are what alarms of both kinds have.
type settings struct {
	description string
	enabled     bool                // its actions
	actions     map[string][]string // ARNs, by state
}

// state is an alarm's state with its reason.
type state struct {
	value, reason, data string
	at                  time.Time // when the reason was updated
	since               time.Time // when the value changed
}

// New returns a CloudWatch without metrics, alarms and dashboards. Watch makes its alarms evaluate.
func New(cfg Config) *Alarms {
	cfg.complete()
	return &Alarms{Metrics: NewMetrics(), cfg: cfg, byName: map[string]*alarm{}, dashboards: map[string]dashboard{}}
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

// State is the state of an alarm; empty: there is none of that name.
func (a *Alarms) State(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if found := a.byName[name]; found != nil {
		return found.state.value
	}
	return ""
}

// put makes an alarm, or configures it anew: then its state stays as it is.
func (a *Alarms) put(ctx context.Context, configured alarm) *alarm {
	now := a.cfg.Now()
	a.mu.Lock()
	made, operation := a.byName[configured.name], "update"
	var before map[string]any
	if made == nil {
		operation = "create"
		made = &alarm{
			name:  configured.name,
			arn:   fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", a.cfg.Region, a.cfg.Account, configured.name),
			state: state{value: InsufficientData, reason: "Unchecked: Initial alarm creation", at: now, since: now},
		}
		a.byName[made.name] = made
	} else {
		before = made.configuration()
	}
	made.settings, made.metric, made.rule, made.updated = configured.settings, configured.metric, configured.rule, now
	made.note(now, "ConfigurationUpdate", fmt.Sprintf("Alarm %q %sd", made.name, operation))
	detail := made.changed(operation, before)
	a.mu.Unlock()
	a.tell(ctx, made, configurationChange, detail)
	return made
}

// remove deletes an alarm, and says so: it will never be OK again.
func (a *Alarms) remove(ctx context.Context, name string) {
	a.mu.Lock()
	found := a.byName[name]
	if found == nil {
		a.mu.Unlock()
		return
	}
	delete(a.byName, name)
	detail := found.changed("delete", nil)
	a.mu.Unlock()
	a.tell(ctx, found, configurationChange, detail)
}

// SetState puts an alarm into a state, until it is next evaluated. A change is told by an event and by the
// actions of the state; the same state again is not.
func (a *Alarms) SetState(ctx context.Context, name, value, reason string) error {
	return a.set(ctx, name, state{value: value, reason: reason}, false)
}

// Hold is SetState for a drill: the alarm stays in the state, whatever its metrics are, until SetState.
func (a *Alarms) Hold(ctx context.Context, name, value, reason string) error {
	return a.set(ctx, name, state{value: value, reason: reason}, true)
}

func (a *Alarms) set(ctx context.Context, name string, next state, held bool) error {
	if next.value != OK && next.value != Alarming && next.value != InsufficientData {
		return invalid("1 validation error detected: Value '%s' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]", next.value)
	}
	a.mu.Lock()
	found := a.byName[name]
	if found == nil {
		a.mu.Unlock()
		return &endpoint.Error{Code: "ResourceNotFound", Message: "Unknown alarm", Status: 404}
	}
	found.held = held
	a.moveLocked(ctx, found, next)
	return nil
}

// moveLocked gives an alarm its next state, and tells of it if it is another one. The caller holds the
// lock, which is given up here: who is told may call back.
func (a *Alarms) moveLocked(ctx context.Context, moved *alarm, next state) {
	previous := moved.state
	next.at, next.since = a.cfg.Now(), previous.since
	if next.value == previous.value {
		moved.state = next
		a.mu.Unlock()
		return
	}
	next.since = next.at
	moved.state = next
	moved.note(next.at, "StateUpdate", fmt.Sprintf("Alarm updated from %s to %s", previous.value, next.value))
	detail := moved.event(previous)
	actions := moved.settings.actions[next.value]
	if !moved.settings.enabled {
		actions = nil
	}
	notice := a.notice(moved, previous)
	a.mu.Unlock()

	a.tell(ctx, moved, stateChange, detail)
	for _, action := range actions {
		a.act(ctx, moved, action, notice)
	}
	a.evaluateComposites(ctx)
}

// act does one action of an alarm that changed its state.
func (a *Alarms) act(ctx context.Context, moved *alarm, action string, notice notice) {
	result := "Successfully executed action " + action
	err := fmt.Errorf("the local CloudWatch notifies topics only, not %s", action)
	if strings.HasPrefix(action, "arn:aws:sns:") {
		err = a.cfg.Notify(ctx, moved.arn, action, notice.subject, notice.message)
	}
	if err != nil {
		result = fmt.Sprintf("Failed to execute action %s. Received error: %q", action, err)
	}
	if err != nil && ctx.Err() == nil {
		a.cfg.Log.Error("alarm's action failed", "alarm", moved.name, "action", action, "error", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	moved.note(a.cfg.Now(), "Action", result)
}

// change is a line of an alarm's history.
type change struct {
	at         time.Time
	kind, text string
}

// historyMost is how much of an alarm's history is remembered.
const historyMost = 100

// note adds to an alarm's history; the caller holds the lock.
func (x *alarm) note(at time.Time, kind, text string) {
	x.history = append(x.history, change{at, kind, text})
	x.history = x.history[max(0, len(x.history)-historyMost):]
}
