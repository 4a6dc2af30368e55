package signup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

// hostFailure is a failure of what a signup wanted done at a host. Whether it speaks against the host, or may be a
// service's that refuses everybody, is another question.
type hostFailure struct {
	host    pool.HostID
	err     error
	against bool
}

func (f *hostFailure) Error() string { return f.err.Error() }
func (f *hostFailure) Unwrap() error { return f.err }

// at says of a failure at which gateway it was; it speaks against one that is not connected.
func at(gateway pool.HostID, err error) error {
	return &hostFailure{gateway, err, errors.Is(err, pool.ErrUnreachable)}
}

// otherSlots does what a failure at a host asks for: the host is struck if it speaks against it, and one that is out
// of service by that, or was before, is no host to wait for: the tenant is given other slots. done is false when
// it stays with what it holds.
func (h *Handler) otherSlots(ctx context.Context, t pool.Tenant, failure error) (done bool, err error) {
	var failed *hostFailure
	if !errors.As(failure, &failed) {
		return false, nil
	}
	ctx, cancel := lifecycle.Afterwards(ctx) // a host that does not answer takes all the time there is
	defer cancel()
	var host pool.Host
	if failed.against {
		host, err = h.strike(ctx, failed, t.ID)
	} else {
		host, err = h.Ledger.Host(ctx, failed.host)
	}
	if err != nil || host.State == pool.HostInService {
		return false, err
	}
	// Before it claims anew: else it would be given slots of the same host again.
	if err := h.Shelf.TakeBack(ctx, t.Tier); err != nil && !errors.Is(err, pool.ErrConflict) {
		return false, fmt.Errorf("take back the slots of host %s: %w", host.ID, err)
	}
	return h.exchange(ctx, t, failed)
}

// strike counts a failure against a host. One that is cordoned by it is announced by the function that looks after
// hosts. It returns the host as it is then.
func (h *Handler) strike(ctx context.Context, failed *hostFailure, tenant pool.TenantID) (pool.Host, error) {
	// Commit point: from the last strike on the host takes no more tenants. Killed after this, the pool check takes
	// its offers off the shelf, and has it announced past the deadline of that.
	before, host, err := ledger.UpdateHost(ctx, h.Ledger, failed.host, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		struck, changed, err := pool.StrikeHost(host, tenant, failed.Error(), h.Now())
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return struck, pool.Neutral, err
	})
	if err != nil {
		return host, fmt.Errorf("count a failure against host %s: %w", failed.host, err)
	}
	if before.State == host.State {
		return host, nil
	}
	h.Log.WarnContext(ctx, "host cordoned", "host", host.ID, "reason", host.Why)
	if err := h.HostEvents.Send(ctx, events.NewHostStep(string(host.ID), string(host.Step), host.Count+1), 0); err != nil {
		return host, fmt.Errorf("have host %s announced: %w", host.ID, err)
	}
	return host, nil
}

// absolve forgets failures against the hosts of a tenant that had failed itself, and is served now.
func (h *Handler) absolve(ctx context.Context, t pool.Tenant) error {
	for _, id := range []pool.HostID{t.Database.Host, t.Share.Host} {
		_, _, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
			absolved, changed := pool.Absolve(host)
			if !changed {
				return host, pool.Neutral, ledger.ErrUnchanged
			}
			return absolved, pool.Neutral, nil
		})
		if err != nil {
			return fmt.Errorf("forget failures against host %s: %w", id, err)
		}
	}
	return nil
}

// exchange has a tenant's signup begin anew with other slots than those that it holds, nothing of which was handed
// over. done is false when the tenant has moved on.
//
// With another mark the tenant gets another secret, for a secret says once for all which database is the tenant's. That
// of the old mark names a role that is closed before anybody else gets its slot; it goes when the tenant leaves. An
// invocation that stalled with the old mark can't record what it opens, and what it may have opened rests, and
// is closed, before anybody else gets it.
func (h *Handler) exchange(ctx context.Context, t pool.Tenant, failed *hostFailure) (done bool, err error) {
	mark, err := h.Mark()
	if err != nil {
		return false, fmt.Errorf("draw another mark for tenant %s: %w", t.ID, err)
	}
	// Commit point: what the tenant holds is not to be its own, and whoever goes on with its signup gives it back first.
	before, after, err := ledger.UpdateTenant(ctx, h.Ledger, t.ID, func(now pool.Tenant) (pool.Tenant, error) {
		if now.State != pool.TenantRequested || now.Mark != t.Mark {
			return now, ledger.ErrUnchanged
		}
		holds, err := h.holds(ctx, now)
		if err != nil {
			return now, err
		}
		if !slices.ContainsFunc(holds, func(has pool.Holding) bool { return has.Host == failed.host }) {
			return now, ledger.ErrUnchanged // it has others by now
		}
		now.Spent = append(now.Spent, now.Mark)
		now.Mark, now.Progress, now.Returning = mark, pool.Started(pool.StepOpen, h.Now()), holds
		now.Database, now.Share, now.Secret = pool.Holding{}, pool.Holding{}, ""
		now.History = pool.Append(now.History, pool.Entry{At: h.Now().UTC(), What: "exchanged", Why: fmt.Sprintf(
			"host %s is out of service, and its slots could not be opened: %s", failed.host, failed.Error())})
		return now, nil
	})
	if err != nil {
		return false, fmt.Errorf("begin the signup of tenant %s anew: %w", t.ID, err)
	}
	if after.Version == before.Version {
		return false, nil
	}
	h.Log.WarnContext(ctx, "slots exchanged", "tenant", t.ID, "host", failed.host)
	return true, h.later(ctx, string(t.ID), lifecycle.After(after.Progress), 0)
}

// holds are the slots that a tenant has by its record, or else by the shelf: a database and a share, or nothing.
func (h *Handler) holds(ctx context.Context, t pool.Tenant) ([]pool.Holding, error) {
	if t.Named() {
		return []pool.Holding{t.Database, t.Share}, nil
	}
	shelf, err := h.Ledger.Shelf(ctx, t.Tier)
	if err != nil {
		return nil, fmt.Errorf("read the shelf of tier %s: %w", t.Tier, err)
	}
	claim, held := shelf.Reclaim(t.ID)
	if !held {
		return nil, nil
	}
	return []pool.Holding{pool.HoldingOf(claim.Database), pool.HoldingOf(claim.Share)}, nil
}

// giveBack takes from a tenant what it is to give back; then the tenant may claim anew. One that signed up again gives
// back whatever the shelf holds for it: that was claimed, too late, for its earlier life.
func (h *Handler) giveBack(ctx context.Context, t pool.Tenant) (pool.Tenant, error) {
	late := func(now pool.Tenant) bool { return now.Anew && now.Mark == t.Mark }
	if err := h.Shelf.TakeFrom(ctx, t, t.Returning, late); err != nil {
		return t, err
	}
	given := t.Clone()
	given.Returning, given.Anew = nil, false
	// Commit point: the tenant holds nothing any more.
	saved, err := h.Ledger.SaveTenant(ctx, t, given)
	if err != nil {
		return t, fmt.Errorf("record that tenant %s gave its slots back: %w", t.ID, err)
	}
	return saved, nil
}
