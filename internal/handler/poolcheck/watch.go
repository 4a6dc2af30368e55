package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// alarms knows what alarms there are: the state of each that is there, by its name, and which of those that are called so ring.
type alarms interface {
	States(ctx context.Context, names []string) (map[string]pool.AlarmLook, error)
	Ringing(ctx context.Context, prefix string) (map[string]pool.AlarmLook, error)
}

// watch looks after a host that is cordoned: whether the alarms that keep it so are there and on, or over for long enough, and, when it is
// in doubt, it has the function that reaches hosts look whether it answers. Where a repair may mend what keeps it so, that
// is asked for each time: the function that repairs makes one repair of it.
func (h *Handler) watch(ctx context.Context, host pool.Host) error {
	if host.Drained == "" {
		return h.watchAilment(ctx, host)
	}
	if back, err := h.ungather(ctx, host); back || err != nil {
		return err
	}
	if gone, err := h.drained(ctx, host); gone || err != nil {
		return err
	}
	return errors.Join(h.empty(ctx, host), h.watchAilment(ctx, host))
}

// watchAilment looks after what keeps a host cordoned that may pass.
func (h *Handler) watchAilment(ctx context.Context, host pool.Host) error {
	host, err := h.recheck(ctx, host)
	if err != nil {
		return err
	}
	if host.OutOfReach(h.Now()) {
		h.Metrics.Gauge(telemetry.InventoryGrave, 1)
	}
	if host.Trouble != "" {
		status, err := h.Instances.Status(ctx, host.Stack.Name)
		if err == nil {
			err = h.noteStatus(ctx, host.ID, status)
		}
		if err != nil {
			return fmt.Errorf("look at the instance of host %s: %w", host.ID, err)
		}
	}
	if cause, ailing := pool.Ailing(host); ailing {
		if err := h.Repairs.Send(ctx, events.NewHostAiling(string(host.ID), cause), 0); err != nil {
			return fmt.Errorf("have %s repaired: %w", host.ID, err)
		}
	}
	if host.Step == pool.StepWatch && host.Doubt == "" && !host.Closes(h.Now()) {
		return nil
	}
	if err := h.HostEvents.Send(ctx, events.NewHostStep(string(host.ID), string(host.Step), host.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of %s done: %w", host.Step, host.ID, err)
	}
	return nil
}

// recheck looks at the alarms of a host that are on, and lets one in again whose alarms were over for long enough, if they
// are at this moment.
func (h *Handler) recheck(ctx context.Context, host pool.Host) (pool.Host, error) {
	if len(host.Alarmed()) == 0 && host.Calm.IsZero() {
		return host, nil
	}
	doc, err := h.Policies.Document(ctx)
	if err != nil {
		return host, fmt.Errorf("load the terms for host %s: %w", host.ID, err)
	}
	now, term := h.Now(), time.Duration(doc.Terms.Steady)
	names := pool.Rechecks(host, term, now)
	steady, looks := host.Steady(term, now), map[string]pool.AlarmLook{}
	if len(names) == 0 && !steady {
		return host, nil
	}
	if len(names) > 0 { // one that was in doubt may have had none
		looks, err = h.Alarms.States(ctx, names)
	}
	if err == nil && steady {
		var ringing map[string]pool.AlarmLook
		ringing, err = h.Alarms.Ringing(ctx, host.Stack.Name+"-")
		maps.Copy(looks, ringing)
	}
	if err != nil {
		return host, fmt.Errorf("look at the alarms of host %s: %w", host.ID, err)
	}
	// Commit point: what its alarms say by now stands in the host's record.
	_, host, err = ledger.UpdateHost(ctx, h.Ledger, host.ID, now, func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if !slices.Equal(pool.Rechecks(host, term, now), names) {
			return host, pool.Neutral, ledger.ErrUnchanged // news came meanwhile, and others are to be looked at
		}
		after, changed, err := pool.Recheck(host, looks, term, now)
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return after, pool.Neutral, err
	})
	if err != nil {
		return host, fmt.Errorf("record the alarms of host %s: %w", host.ID, err)
	}
	return host, nil
}

// goRound has those share hosts of a pool looked at whose turn it is. Which those are finds out who looks: sending a message for
// each would hold up the check.
func (h *Handler) goRound(ctx context.Context, r pool.Record) error {
	if r.Key.Kind != pool.Share || r.Seq == 0 {
		return nil
	}
	if err := h.Repairs.Send(ctx, events.NewPoolRound(string(r.Key.Tier)), 0); err != nil {
		return fmt.Errorf("have hosts of %s looked at: %w", r.Key, err)
	}
	return nil
}
