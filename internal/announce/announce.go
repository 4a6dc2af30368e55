// Package announce words and publishes all that a host or a tenant comes to: as an event for
// everybody, and as a notice for a person where one has to act. Handlers decide when.
//
// With the announcement step of a host's record (pool.StepAnnounce) it is a transactional outbox:
// that a state is to be announced is written together with the state, and the step is ended only once
// it has been. So nothing is said that has not become so, and an announcement that is cut short is
// made again past the step's deadline: it comes at least once. A tenant's outbox is the deadline in
// its record.
package announce

import (
	"context"
	"errors"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

type store interface {
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
	Storm(ctx context.Context) (pool.Storm, error)
	SaveStorm(ctx context.Context, before, after pool.Storm) error
}

type publisher interface {
	Publish(ctx context.Context, out ...events.Event) error
}

type notifier interface {
	Notify(ctx context.Context, subject, message string, data events.Notice) error
}

// usages read what the tenants of a database host use now.
type usages interface {
	Usage(ctx context.Context, h pool.Host) ([]events.TenantUse, error)
}

type sender interface {
	Send(ctx context.Context, body any, delay time.Duration) error
}

// Config is what an Announcer is built from. Events, Now and Stage are required. A function leaves out
// what its announcements do not need; one that needs it all the same is ErrUnequipped.
type Config struct {
	Events     publisher
	Notify     notifier // tells a person; wants Region
	Ledger     store    // ends announcement steps, and knows which hosts fell lately
	PoolChecks sender   // asks for a pool check when a host goes into or out of service
	Metrics    telemetry.Recorder
	Now        func() time.Time
	Stage      string
	Region     string // for the links to consoles
	Runbooks   string // address of docs/runbooks.md; empty: notices lead nowhere
	Usage      usages // nil: notices of database hosts do not say what their tenants use
}

// Announcer announces hosts and tenants: one method an event, each of them named like it, but for the
// states that hosts come to rest in, which are all announced by Host.
type Announcer struct{ Config }

// New checks the configuration.
func New(c Config) (*Announcer, error) {
	if c.Events == nil || c.Now == nil || c.Stage == "" {
		return nil, errors.New("announce: Events, Now and Stage are required")
	}
	if c.Notify != nil && c.Region == "" {
		return nil, errors.New("announce: Notify wants Region")
	}
	if c.Notify == nil {
		c.Notify = unequipped{}
	}
	if c.Ledger == nil {
		c.Ledger = unequipped{}
	}
	if c.PoolChecks == nil {
		c.PoolChecks = unequipped{}
	}
	return &Announcer{c}, nil
}

// ErrUnequipped means that an Announcer was built without what an announcement needs.
var ErrUnequipped = errors.New("the announcer was built without it")

// unequipped stands in for what an Announcer was built without.
type unequipped struct{}

func (unequipped) Notify(context.Context, string, string, events.Notice) error { return ErrUnequipped }

func (unequipped) Send(context.Context, any, time.Duration) error { return ErrUnequipped }

func (unequipped) Host(context.Context, pool.HostID) (pool.Host, error) {
	return pool.Host{}, ErrUnequipped
}

func (unequipped) SaveHost(context.Context, pool.Host, pool.Host, pool.Outcome, time.Time) error {
	return ErrUnequipped
}

func (unequipped) Storm(context.Context) (pool.Storm, error) { return pool.Storm{}, ErrUnequipped }

func (unequipped) SaveStorm(context.Context, pool.Storm, pool.Storm) error { return ErrUnequipped }
