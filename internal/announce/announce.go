// Package announce says what state a host has come to: in service, cordoned, or failed. A host whose
// step is pool.StepAnnounce has not been announced yet; the step is ended only once it has been, so
// that an announcement which is cut short is made again, and comes at least once.
package announce

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

type ledger interface {
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
}

type publisher interface {
	Publish(ctx context.Context, out ...events.Event) error
}

type notifier interface {
	Notify(ctx context.Context, subject, message string) error
}

type sender interface {
	Send(ctx context.Context, body any, delay time.Duration) error
}

// Config is what an Announcer is built from. All fields are required, but for Metrics.
type Config struct {
	Ledger     ledger
	Events     publisher
	Notify     notifier
	PoolChecks sender
	Metrics    telemetry.Recorder
	Now        func() time.Time
	Stage      string
	Region     string // for the links to consoles
}

// Announcer announces hosts.
type Announcer struct{ Config }

// New checks the configuration.
func New(c Config) (*Announcer, error) {
	if c.Ledger == nil || c.Events == nil || c.Notify == nil || c.PoolChecks == nil || c.Now == nil || c.Stage == "" || c.Region == "" {
		return nil, errors.New("announce: every field of Config is required")
	}
	return &Announcer{c}, nil
}

// Host announces a host that is in service or cordoned, asks for a pool check, and ends the host's
// announcement step.
func (a *Announcer) Host(ctx context.Context, h pool.Host) error {
	switch h.State {
	case pool.InService:
		if err := a.inService(ctx, h); err != nil {
			return err
		}
	case pool.Cordoned:
		if err := a.cordoned(ctx, h); err != nil {
			return err
		}
	default:
		return fmt.Errorf("announce host %s: it is %s", h.ID, h.State)
	}
	if err := a.PoolChecks.Send(ctx, events.NewPoolCheck(fmt.Sprintf("host %s is %s", h.ID, h.State)), 0); err != nil {
		return fmt.Errorf("ask for a pool check: %w", err)
	}
	// Commit point: everybody knows, so nobody has to be told again.
	return a.end(ctx, h)
}

func (a *Announcer) inService(ctx context.Context, h pool.Host) error {
	out := events.HostInService{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Slots: len(h.Slots), Reason: h.Why,
	}
	if first(h) {
		lead := h.Since.Sub(h.OrderedAt)
		out.LeadTimeSeconds = int(lead.Seconds())
		a.Metrics.Pool(string(h.Kind), string(h.Tier)).Duration(telemetry.LeadTime, lead)
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that host %s is in service: %w", h.ID, err)
	}
	return nil
}

// first says whether the state that a host is in is the first after its making.
func first(h pool.Host) bool {
	n := 0
	for _, entry := range h.History {
		if entry.What == string(pool.InService) || entry.What == string(pool.Cordoned) {
			n++
		}
	}
	return n <= 1
}

func (a *Announcer) cordoned(ctx context.Context, h pool.Host) error {
	alarm := ""
	if on := h.Alarmed(); len(on) > 0 {
		alarm = on[0]
	}
	err := a.Events.Publish(ctx, events.HostCordoned{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Alarm: alarm, Reason: h.Why, Since: events.At(h.Since),
	})
	if err != nil {
		return fmt.Errorf("publish that host %s is cordoned: %w", h.ID, err)
	}
	subject := fmt.Sprintf("Headroom %s: host %s is cordoned", a.Stage, h.ID)
	if err := a.Notify.Notify(ctx, subject, a.cordonNotice(h)); err != nil {
		return fmt.Errorf("notify that host %s is cordoned: %w", h.ID, err)
	}
	return nil
}

// Failed announces a host whose making failed, with its pool's record after the failure was counted.
func (a *Announcer) Failed(ctx context.Context, h pool.Host, r pool.Record) error {
	a.Metrics.Pool(string(h.Kind), string(h.Tier)).Count(telemetry.HostsFailed, 1)
	err := a.Events.Publish(ctx, events.HostFailed{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Reason: h.Why, Failures: r.Failures, NextOrderAfter: events.At(r.BackoffUntil),
	})
	if err != nil {
		return fmt.Errorf("publish that host %s failed: %w", h.ID, err)
	}
	subject := fmt.Sprintf("Headroom %s: host %s could not be made", a.Stage, h.ID)
	if err := a.Notify.Notify(ctx, subject, a.failureNotice(h, r)); err != nil {
		return fmt.Errorf("notify that host %s failed: %w", h.ID, err)
	}
	return nil
}

// attempts bounds how often the end of the step is written when others write the host too.
const attempts = 5

// end ends the announcement step, unless the host has come to another state meanwhile.
func (a *Announcer) end(ctx context.Context, announced pool.Host) error {
	for range attempts {
		before, err := a.Ledger.Host(ctx, announced.ID)
		if err != nil {
			return fmt.Errorf("read host %s: %w", announced.ID, err)
		}
		if before.Step != pool.StepAnnounce || before.State != announced.State || !before.Since.Equal(announced.Since) {
			return nil
		}
		err = a.Ledger.SaveHost(ctx, before, pool.Rest(before), pool.Neutral, a.Now())
		if err == nil {
			return nil
		}
		if !errors.Is(err, pool.ErrConflict) {
			return fmt.Errorf("save host %s: %w", announced.ID, err)
		}
	}
	return fmt.Errorf("save host %s: %w", announced.ID, pool.ErrConflict)
}
