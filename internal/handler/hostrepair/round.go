package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

const (
	// roundLooks is how many bad looks put a host in doubt that nobody complained of.
	roundLooks = 2
	// roundWait is the time between them.
	roundWait = time.Minute
)

// poolRound has each share host of a tier looked at whose turn it was at a time, and that is in service. Sent twice, a message
// makes one look more.
func (h *Handler) poolRound(ctx context.Context, tier pool.Tier, at time.Time) error {
	record, err := h.Ledger.Pool(ctx, pool.Key{Kind: pool.Share, Tier: tier})
	if err != nil {
		return fmt.Errorf("look whose turn of tier %s it is: %w", tier, err)
	}
	ids := pool.Round(record, at)
	hosts, err := h.Ledger.Hosts(ctx, ids)
	if err != nil {
		return fmt.Errorf("read the hosts of tier %s whose turn it is: %w", tier, err)
	}
	for _, id := range ids {
		if hosts[id].State != pool.HostInService {
			continue
		}
		if err := h.Steps.Send(ctx, events.NewHostRound(string(id), 1), 0); err != nil {
			return fmt.Errorf("have %s looked at: %w", id, err)
		}
	}
	return nil
}

// round looks at a host in service whose turn it is. Its alarms say nothing of a gateway that hangs on a machine that is well,
// and signups only what they need: this is for what nobody else would see.
// The message for another look is sent at one that was bad: sentAt is when that was.
func (h *Handler) round(ctx context.Context, q events.HostRound, sentAt time.Time) error {
	host, err := h.Ledger.Host(ctx, pool.HostID(q.HostID))
	if errors.Is(err, pool.ErrNotFound) {
		return nil // its number was passed over
	}
	if err != nil {
		return err
	}
	if host.Kind != pool.Share || host.State != pool.HostInService {
		return nil
	}
	f, err := h.look(ctx, host, host.Access.Machine)
	if err != nil {
		return fmt.Errorf("look at host %s: %w", host.ID, err)
	}
	d := pool.Diagnose(f)
	if d.Well {
		return h.noteCache(ctx, host)
	}
	if q.Look < roundLooks {
		return h.Steps.Send(ctx, events.NewHostRound(q.HostID, q.Look+1), roundWait)
	}
	// Commit point: the host is in doubt, takes no more tenants, and is watched. Killed after this, the step's deadline tells.
	before, after, err := ledger.UpdateHost(ctx, h.Ledger, host.ID, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if host.State != pool.HostInService {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		since := h.Now()
		if !sentAt.IsZero() && sentAt.Before(since) {
			since = sentAt
		}
		host, err := pool.SuspectSince(host, d.What, since, h.Now())
		return host, pool.Neutral, err
	})
	if err != nil {
		return fmt.Errorf("put host %s in doubt: %w", host.ID, err)
	}
	return h.haveTold(ctx, before, after)
}
