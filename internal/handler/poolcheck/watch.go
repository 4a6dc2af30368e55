package poolcheck

import (
	"context"
	"fmt"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// alarms knows what alarms there are: the state of each that is there, by its name.
type alarms interface {
	States(ctx context.Context, names []string) (map[string]pool.AlarmMark, error)
}

// watch looks after a host that is cordoned: whether the alarms that keep it so are there and on, and, when it is
// in doubt, it has the function that reaches hosts look whether it answers. Where a repair may mend what keeps it so, that
// is asked for each time: the function that repairs makes one repair of it.
func (h *Handler) watch(ctx context.Context, host pool.Host) error {
	if names := host.Alarmed(); len(names) > 0 {
		states, err := h.Alarms.States(ctx, names)
		if err != nil {
			return fmt.Errorf("look at the alarms of host %s: %w", host.ID, err)
		}
		now := h.Now()
		// Commit point: what its alarms say by now stands in the host's record.
		_, host, err = ledger.UpdateHost(ctx, h.Ledger, host.ID, now, func(host pool.Host) (pool.Host, pool.Outcome, error) {
			after, changed, err := pool.Recheck(host, states, now)
			if err == nil && !changed {
				err = ledger.ErrUnchanged
			}
			return after, pool.Neutral, err
		})
		if err != nil {
			return fmt.Errorf("record the alarms of host %s: %w", host.ID, err)
		}
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
	if host.Step == pool.StepWatch && host.Doubt == "" {
		return nil
	}
	if err := h.HostEvents.Send(ctx, events.NewHostStep(string(host.ID), string(host.Step), host.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of %s done: %w", host.Step, host.ID, err)
	}
	return nil
}

// goRound has the share host looked at whose turn it is.
func (h *Handler) goRound(ctx context.Context, r pool.Record) error {
	id, ok := pool.Round(r, h.Now())
	if r.Key.Kind != pool.Share || !ok {
		return nil
	}
	if err := h.Repairs.Send(ctx, events.NewHostRound(string(id), 1), 0); err != nil {
		return fmt.Errorf("have %s looked at: %w", id, err)
	}
	return nil
}
