// Package eventbridge is the local EventBridge and its Scheduler: buses, rules that send what
// matches their pattern to queues and topics, and schedules that send to queues.
package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local/clock"
	"headroom/internal/local/disorder"
	"headroom/internal/local/resource"
)

// Config is what a Bridge needs. Account, Region, Endpoint, Keys and Log are required.
type Config struct {
	Account  string // twelve digits
	Region   string
	Endpoint string // the local cloud's address, where queues and topics are

	Keys       issuer                                       // learns whose the credentials of schedules are
	Assume     func(service, role string) error             // may the service assume the role? nil: yes
	Permit     func(action, resource, ruleARN string) error // may EventBridge do it for the rule? nil: yes
	Disorder   *disorder.Source                             // how untidily rules deliver; nil: not at all
	Clock      *clock.Clock                                 // of schedules, tries and events; nil: the machine's
	RetryDelay time.Duration                                // between tries of a delivery; default: as AWS, ever longer by Clock
	Log        *slog.Logger
}

// issuer makes an access key the given role session's.
type issuer interface {
	Issue(accessKeyID, principal string)
}

// Event is an event as rules' targets receive it.
type Event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"` // whole seconds, UTC
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// DefaultBus is the bus that AWS's own services send to.
const DefaultBus = "default"

// Bridge holds buses, rules and schedules. Its methods may be called concurrently.
type Bridge struct {
	cfg    Config
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	work   sync.WaitGroup // deliveries and schedules
	queues *sqs.Client    // of the service itself, whose permissions Config.Permit decides
	topics *sns.Client

	mu        sync.Mutex
	buses     map[string]*bus      // by name
	rules     map[string]*rule     // by ARN
	schedules map[string]*schedule // by physical id
	groups    map[string]time.Time // of schedules: when they were made
}

// bus is one event bus.
type bus struct {
	exists      bool // or is only subscribed to so far
	subscribers map[int]func(Event)
	next        int
}

// New makes a bridge that has the default bus.
func New(cfg Config) *Bridge {
	if cfg.Assume == nil {
		cfg.Assume = func(string, string) error { return nil }
	}
	if cfg.Permit == nil {
		cfg.Permit = func(string, string, string) error { return nil }
	}
	if cfg.Disorder == nil {
		cfg.Disorder = disorder.New(0, disorder.Options{})
	}
	b := &Bridge{cfg: cfg, buses: map[string]*bus{}, rules: map[string]*rule{}, schedules: map[string]*schedule{}, groups: map[string]time.Time{defaultGroup: cfg.Clock.Now()}}
	b.queues = b.queueClient("events")
	b.topics = sns.New(sns.Options{BaseEndpoint: &cfg.Endpoint, Region: cfg.Region, Credentials: static("events")})
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.addBus(DefaultBus)
	return b
}

// Close stops all schedules and gives up deliveries under way.
func (b *Bridge) Close() error {
	b.cancel()
	b.work.Wait()
	return nil
}

// Types are the resource types that the bridge provides.
func (b *Bridge) Types() []string {
	return []string{typeBus, typeRule, typeSchedule, typeScheduleGroup}
}

const (
	typeBus           = "AWS::Events::EventBus"
	typeRule          = "AWS::Events::Rule"
	typeSchedule      = "AWS::Scheduler::Schedule"
	typeScheduleGroup = "AWS::Scheduler::ScheduleGroup"
)

// Create makes a bus, a rule or a schedule.
func (b *Bridge) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	switch r.Type {
	case typeBus:
		return b.createBus(r)
	case typeRule:
		return b.createRule(r)
	case typeSchedule:
		return b.createSchedule(r)
	case typeScheduleGroup:
		return b.createScheduleGroup(r)
	}
	return resource.Created{}, fmt.Errorf("the local EventBridge does not make %s", r.Type)
}

// Delete removes a bus, a rule or a schedule.
func (b *Bridge) Delete(_ context.Context, r resource.Resource) error {
	switch r.Type {
	case typeBus:
		b.mu.Lock()
		defer b.mu.Unlock()
		b.busLocked(r.PhysicalID).exists = false
	case typeRule:
		b.deleteRule(r.PhysicalID)
	case typeSchedule:
		b.deleteSchedule(r.PhysicalID)
	case typeScheduleGroup:
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.groups, r.PhysicalID)
	}
	return nil
}

// Subscribe calls receive with each event that is put on a bus, at once and once, whatever becomes
// of it in rules. The bus need not exist yet. Receive must not block.
func (b *Bridge) Subscribe(busName string, receive func(Event)) (cancel func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	on := b.busLocked(busName)
	id := on.next
	on.next++
	on.subscribers[id] = receive
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(on.subscribers, id)
	}
}
