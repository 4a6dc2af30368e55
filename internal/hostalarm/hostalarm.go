// Package hostalarm hears the alarms of hosts: a host with an alarm that is on takes no more tenants, and goes back
// into service when all of its alarms have been OK for a while, which the pool check sees. Which host an alarm is of, the
// functions for each kind of host know.
//
// Events come late, twice and out of order. Of each alarm the newest news is kept, by the alarm's own
// clock, and what becomes of the host follows from all of its alarms.
package hostalarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

type store interface {
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
}

// shelves takes the slots of hosts that are not in service back from a tier's shelf.
type shelves interface {
	Reconcile(ctx context.Context, tier pool.Tier) error
}

type announcer interface {
	Host(ctx context.Context, h pool.Host) error
}

// Config is what a Handler is built from. All fields are required, but for Metrics. A function's own package sets Hosts.
type Config struct {
	Ledger   store
	Shelf    shelves
	Announce announcer
	Hosts    func(alarm string, watched events.AlarmConfiguration) []pool.HostID // that an alarm is of; none: it is no concern of ours
	Metrics  telemetry.Recorder
	Log      *slog.Logger
	Now      func() time.Time
}

// Handler handles the messages of a queue of alarms.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Shelf == nil || c.Announce == nil || c.Hosts == nil || c.Log == nil || c.Now == nil {
		return nil, errors.New("hostalarm: every field of Config is required")
	}
	return &Handler{c}, nil
}

// NoPolicies are policies that have nothing set out: with them, reconciling a shelf takes slots back and
// leaves refilling it to the pool check, which is asked for anyway.
type NoPolicies struct{}

// Load returns no policies.
func (NoPolicies) Load(context.Context) (pool.Policies, error) { return nil, nil }

// Message handles one message; several may be handled at once. One that fails is to be delivered again.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	switch kind := events.TypeOf([]byte(d.Body)); kind {
	case events.TypeAlarmStateChange:
		var event events.Envelope[events.AlarmStateChange]
		if err := events.Decode([]byte(d.Body), &event); err != nil {
			return fmt.Errorf("read a %s event: %w", kind, err)
		}
		alarm := event.Detail
		if alarm.State.Value != events.AlarmALARM && alarm.State.Value != events.AlarmOK {
			// An alarm without data means nothing: a host that was cordoned stays so, and that an instance which is
			// down sends none is for an alarm of its own to say.
			h.Log.InfoContext(ctx, "alarm says nothing", "alarm", alarm.AlarmName, "state", alarm.State.Value)
			return nil
		}
		return h.hearAll(ctx, alarm.Configuration, stateNews(alarm), d.Redelivered)
	case events.TypeAlarmConfigurationChange:
		var event events.Envelope[events.AlarmConfigurationChange]
		if err := events.Decode([]byte(d.Body), &event); err != nil {
			return fmt.Errorf("read a %s event: %w", kind, err)
		}
		if event.Detail.Operation != events.AlarmDelete {
			return nil // what it says from now on, it says itself
		}
		return h.hearAll(ctx, event.Detail.Configuration, deletionNews(event.Detail, event.Time.Time), d.Redelivered)
	default:
		h.ignore(ctx, "message of a type that is not handled", "messageId", d.ID, "type", kind)
		return nil
	}
}

// hearAll takes news of an alarm for every host that it watches. One that fails keeps no other from hearing it.
func (h *Handler) hearAll(ctx context.Context, watched events.AlarmConfiguration, alarm news, redelivered bool) error {
	hosts := h.Hosts(alarm.alarm, watched)
	if len(hosts) == 0 {
		h.ignore(ctx, "alarm of what is no host", "alarm", alarm.alarm)
	}
	var failures []error
	for _, id := range hosts {
		failures = append(failures, h.hear(ctx, id, alarm, redelivered))
	}
	return errors.Join(failures...)
}

// hear records news of an alarm, and does what follows from it.
func (h *Handler) hear(ctx context.Context, id pool.HostID, alarm news, redelivered bool) error {
	// Commit point: the host is out of service, or back, for everybody who reads its record.
	// Killed after this, the message's next delivery, or the step's deadline, tells of it.
	before, host, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		after, news, err := Judge(host, alarm, h.Now())
		if err == nil && !news {
			err = ledger.ErrUnchanged
		}
		return after, pool.Neutral, err
	})
	switch {
	case errors.Is(err, pool.ErrNotFound):
		h.ignore(ctx, "alarm of an unknown host", "alarm", alarm.alarm, "host", id)
		return nil
	case err != nil:
		return fmt.Errorf("record alarm %s of host %s: %w", alarm.alarm, id, err)
	case host.Version == before.Version:
		if !redelivered {
			return nil
		}
		return h.tell(ctx, host) // the first delivery may have been killed after the record
	}
	h.Log.InfoContext(ctx, "alarm heard", "host", id, "alarm", alarm.alarm, "news", alarm.why, "from", before.State, "to", host.State)
	if host.State == before.State {
		return nil
	}
	return h.tell(ctx, host)
}

// tell takes back from the shelf what a host has there that is not in service, then announces the
// host; it does nothing for a host that was announced.
func (h *Handler) tell(ctx context.Context, host pool.Host) error {
	if host.Step != pool.StepAnnounce || host.State != pool.HostCordoned && host.State != pool.HostInService {
		return nil
	}
	if host.State == pool.HostCordoned {
		if err := h.Shelf.Reconcile(ctx, host.Tier); err != nil {
			return fmt.Errorf("take back the slots of host %s: %w", host.ID, err)
		}
	}
	return h.Announce.Host(ctx, host)
}

// ignore logs and counts what is no concern of ours.
func (h *Handler) ignore(ctx context.Context, message string, args ...any) {
	h.Log.InfoContext(ctx, message, args...)
	h.Metrics.Count(telemetry.EventsIgnored, 1)
}
