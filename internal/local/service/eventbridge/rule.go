package eventbridge

import (
	"encoding/json"
	"fmt"
	"strings"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// ruleProperties are the properties of AWS::Events::Rule. What is not in use is refused.
type ruleProperties struct {
	Name, EventBusName, State string
	Description               string
	EventPattern              any
	ScheduleExpression        string
	Targets                   []target
}

// target is where a rule or a schedule sends to.
type target struct {
	ID               string `json:"Id"`
	Arn              string
	RoleArn          string // of schedules
	Input            string // sent in place of the event
	InputPath        string
	InputTransformer map[string]any
	DeadLetterConfig struct{ Arn string }
	RetryPolicy      struct{ MaximumRetryAttempts *weakjson.Int }
}

// maxRetries is how often EventBridge tries again unless a target says otherwise.
const maxRetries = 185

func (t target) retries() int {
	if t.RetryPolicy.MaximumRetryAttempts != nil {
		return int(*t.RetryPolicy.MaximumRetryAttempts)
	}
	return maxRetries
}

// body is what the target receives of an event.
func (t target) body(event []byte) string {
	if t.Input != "" {
		return t.Input
	}
	return string(event)
}

// supported refuses targets that this bridge would not serve as EventBridge does.
func (t target) supported(services ...string) error {
	for _, service := range services {
		if serviceOf(t.Arn) == service {
			if t.InputPath != "" || t.InputTransformer != nil {
				return fmt.Errorf("the local EventBridge does not transform input: target %s", t.ID)
			}
			return nil
		}
	}
	return fmt.Errorf("the local EventBridge does not send to %q", t.Arn)
}

// serviceOf is the service in an ARN.
func serviceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

// rule sends the events of a bus that match its pattern to its targets.
type rule struct {
	arn     string
	shown   ruleProperties // as it was declared, with its name
	bus     string
	enabled bool
	matches matcher
	targets []target
}

func (b *Bridge) createRule(r resource.Resource) (resource.Created, error) {
	var properties ruleProperties
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	if properties.ScheduleExpression != "" {
		return resource.Created{}, fmt.Errorf("the local EventBridge runs no scheduled rules: use EventBridge Scheduler for %s", r.LogicalID)
	}
	matches, err := compile(properties.EventPattern)
	if err != nil {
		return resource.Created{}, err
	}
	for _, t := range properties.Targets {
		if err := t.supported("sqs", "sns"); err != nil {
			return resource.Created{}, err
		}
	}
	name := properties.Name
	if name == "" {
		name = r.GeneratedName()
	}
	on := busName(properties.EventBusName)
	id, arn := name, b.arn("events", "rule/"+name)
	if on != DefaultBus {
		id, arn = on+"|"+name, b.arn("events", "rule/"+on+"/"+name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.busLocked(on).exists {
		return resource.Created{}, fmt.Errorf("event bus %s does not exist", on)
	}
	properties.Name = name
	b.rules[id] = &rule{arn: arn, shown: properties, bus: on, enabled: properties.State != "DISABLED", matches: matches, targets: properties.Targets}
	return resource.Created{PhysicalID: id, Attributes: map[string]any{"Arn": arn}}, nil
}

func (b *Bridge) deleteRule(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.rules, id)
}

// route starts the deliveries of an event to the targets of the rules that match it.
func (b *Bridge) route(event Event, rules []*rule) {
	encoded, err := json.Marshal(event)
	if err != nil {
		b.cfg.Log.Error("event could not be encoded", "source", event.Source, "error", err)
		return
	}
	var asMap map[string]any
	if err := json.Unmarshal(encoded, &asMap); err != nil {
		b.cfg.Log.Error("event could not be decoded", "source", event.Source, "error", err)
		return
	}
	for _, r := range rules {
		if !r.matches(asMap) {
			continue
		}
		for _, t := range r.targets {
			for _, delay := range b.cfg.Disorder.Copies() {
				b.background(func() { b.deliver(r, t, encoded, delay) })
			}
		}
	}
}

// background runs f unless the bridge is closed, and has Close wait for it.
func (b *Bridge) background(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() == nil {
		b.work.Go(f)
	}
}
