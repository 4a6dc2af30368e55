package poolcheck

import (
	"context"
	"fmt"
	"slices"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// gather drains the host of a pool that has the fewest tenants, if the policy has that done and the other hosts can take them
// over. seen is what the pool was looked at last.
func (h *Handler) gather(ctx context.Context, kind pool.Kind, seen view) error {
	p, key := seen.Policy(kind), pool.Key{Kind: kind, Tier: seen.Tier}
	spare := func(v view) pool.Spare {
		return pool.Spares(v.Observed(kind), p, v.Plans()[kind], v.Outlook, v.At)
	}
	if !p.Consolidate || p.Gathers(seen.Observed(kind), spare(seen)) != "" { // what is spare takes a plan to know
		return nil
	}
	hosts, err := h.candidates(ctx, seen, kind, p.Limit())
	if err != nil {
		return fmt.Errorf("look which host pool %s can do without: %w", key, err)
	}
	v, still, err := h.lookStill(ctx, seen)
	if err != nil {
		return fmt.Errorf("look which host pool %s can do without: %w", key, err)
	}
	chosen, err := h.chooseSparse(ctx, hosts, func(hosts []pool.Host) pool.Retiree {
		return pool.ChooseSparse(v.Observed(kind), spare(v), hosts, p, v.Shelf, v.At)
	})
	if err != nil {
		return fmt.Errorf("look which host pool %s can do without: %w", key, err)
	}
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return fmt.Errorf("read the stop switch, before which no host is drained: %w", err)
	}
	if chosen.Host == "" || !still || stops.On(pool.StopRepair) || stops.On(pool.StopDestroy) {
		h.Log.InfoContext(ctx, "no host is drained", "pool", key.String(), "reason", chosen.Why)
		return nil
	}
	return h.turn(ctx, chosen.Host, func(host pool.Host) (pool.Host, error) {
		if again := pool.ChooseSparse(v.Observed(kind), spare(v), []pool.Host{host}, p, v.Shelf, v.At); again.Host == "" {
			return host, ledger.ErrUnchanged // it is another by now
		}
		return pool.DrainSparse(host, chosen.Why, v.At)
	})
}

// chooseSparse chooses a host to be drained, without those that can't be emptied because of what their tenants are about.
func (h *Handler) chooseSparse(ctx context.Context, hosts []pool.Host, choose func([]pool.Host) pool.Retiree) (pool.Retiree, error) {
	rooted := ""
	for {
		chosen := choose(hosts)
		if chosen.Host == "" {
			chosen.Why += rooted
			return chosen, nil
		}
		at := slices.IndexFunc(hosts, func(host pool.Host) bool { return host.ID == chosen.Host })
		why, err := h.rooted(ctx, hosts[at])
		if err != nil || why == "" {
			return chosen, err
		}
		rooted = fmt.Sprintf("; not host %s: %s", chosen.Host, why)
		hosts = slices.Delete(slices.Clone(hosts), at, at+1)
	}
}

// rooted says why a host can't be emptied for now, because of what its tenants are about; empty: it can.
func (h *Handler) rooted(ctx context.Context, host pool.Host) (string, error) {
	e := pool.Emptying{Host: host, Tenants: map[pool.TenantID]pool.Tenant{}, Moves: map[pool.TenantID]pool.Restoration{}}
	if err := ledger.LookAtMoves(ctx, h.Ledger, &e); err != nil {
		return "", err
	}
	return e.Rooted(h.Now()), nil
}

// ungather has a host take tenants again that was drained by itself and is needed after all, or can't be emptied. back reports
// whether it does.
func (h *Handler) ungather(ctx context.Context, host pool.Host) (back bool, err error) {
	if !host.DrainedByItself() {
		return false, nil
	}
	doc, err := h.Policies.Document(ctx)
	if err != nil {
		return false, fmt.Errorf("load the policies, by which host %s was drained: %w", host.ID, err)
	}
	known, err := h.Ledger.Outlook(ctx, host.Tier)
	if err != nil {
		return false, err
	}
	v, err := h.look(ctx, host.Tier, doc)
	if err != nil {
		return false, fmt.Errorf("look whether host %s is needed: %w", host.ID, err)
	}
	v.Outlook = v.Noted(known)
	why := host.Wanted(v.Observed(host.Kind), v.Policy(host.Kind), v.Plans()[host.Kind])
	if why == "" {
		if why, err = h.rooted(ctx, host); err != nil || why == "" {
			return false, err
		}
		why = "it can't be emptied: " + why
	}
	return true, h.turn(ctx, host.ID, func(host pool.Host) (pool.Host, error) {
		if !host.DrainedByItself() {
			return host, ledger.ErrUnchanged
		}
		return pool.Undrain(host, why, h.Now())
	})
}

// turn changes a host by what turn makes of it, and has that announced.
func (h *Handler) turn(ctx context.Context, id pool.HostID, turn func(pool.Host) (pool.Host, error)) error {
	// Commit point: it takes tenants no more, or again. Killed after this, its step's deadline has it announced.
	before, host, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		after, err := turn(host)
		return after, pool.Neutral, err
	})
	if err != nil {
		return fmt.Errorf("drain host %s, or let it in again: %w", id, err)
	}
	if host.Version == before.Version {
		return nil
	}
	h.Log.InfoContext(ctx, "host is drained by itself, or no more", "host", id, "state", host.State, "reason", host.Why)
	if host.Step != pool.StepAnnounce {
		return nil
	}
	if err := h.HostEvents.Send(ctx, events.NewHostStep(string(id), string(host.Step), host.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of %s done: %w", host.Step, id, err)
	}
	return nil
}
