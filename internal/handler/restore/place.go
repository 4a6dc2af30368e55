package restore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/copytask"
	"headroom/internal/ledger"
	"headroom/internal/master"
	"headroom/internal/pool"
)

const (
	// placeWait is the time between two tries to take a slot that another was faster to take.
	placeWait = 2 * time.Second
	// hostsAtOnce is how many hosts are read at once.
	hostsAtOnce = 50
)

// place takes a slot of another host for a tenant that moves. From then on nobody else gets it.
func (h *Handler) place(ctx context.Context, r pool.Restoration) (restoring, error) {
	if why, err := h.stopped(ctx, pool.StopRepair); why != nil || err != nil {
		if err != nil {
			return restoring{}, err
		}
		return h.wait(ctx, r, why, copytask.LookWait)
	}
	if r.Target.Host == "" {
		return h.choose(ctx, r)
	}
	why, err := h.take(ctx, r)
	if errors.Is(why, pool.ErrSlotTaken) {
		r.Target = pool.Holding{}
		return restoring{Record: r, Wait: placeWait, Because: why}, err
	}
	if why != nil || err != nil {
		return restoring{Record: r, Wait: placeWait, Because: why}, err
	}
	return restoring{Record: r.Proven(h.Now(), fmt.Sprintf("slot %s/%d is kept for it; its database has %d MiB, for which it is shut out for some %s",
		r.Target.Host, r.Target.Index, r.Size>>20, pool.MoveTakes(r.Size)))}, nil
}

// choose decides which slot it is to be.
func (h *Handler) choose(ctx context.Context, r pool.Restoration) (restoring, error) {
	t, err := h.Ledger.Tenant(ctx, r.Tenant)
	if err != nil {
		return restoring{}, err
	}
	// What it has is to be its own by its host's record alone: a claim on the shelf would be settled, or taken back, by what
	// its record says then.
	if err := h.Shelf.SettleFor(ctx, t); err != nil {
		return restoring{}, err
	}
	if r.Size, err = h.sizeOf(ctx, r); err != nil {
		return restoring{}, err
	}
	if why := pool.MoveRefused(r.Size, r.Most); why != "" {
		return h.failed(ctx, r, why)
	}
	landings, why, err := h.landings(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	for _, landing := range landings {
		host, err := h.Ledger.Host(ctx, landing.Holding.Host)
		if err != nil {
			return restoring{}, err
		}
		refused, err := h.room(ctx, host, r.Size, 0)
		if err != nil {
			return restoring{}, err
		}
		if refused == "" {
			// Commit point: from here on the slot may be taken, and is given back whatever fails.
			r.Target = landing.Holding
			return restoring{Record: r}, nil
		}
		why = append(why, fmt.Sprintf("host %s: %s", host.ID, refused))
	}
	return h.failed(ctx, r, "no host takes it: "+strings.Join(why, "; "))
}

// sizeOf is how much the database of a tenant that moves has.
func (h *Handler) sizeOf(ctx context.Context, r pool.Restoration) (size int64, err error) {
	host, err := h.host(ctx, r)
	if err != nil {
		return 0, err
	}
	slot := host.Slot(r.Database.Index)
	if slot == nil || slot.Generation != r.Database.Generation || slot.State != pool.SlotAssigned || slot.Tenant != r.Tenant {
		return 0, fmt.Errorf("look at slot %s/%d: its host's record does not say that it is the tenant's", host.ID, r.Database.Index)
	}
	err = h.asMaster(ctx, master.Of(host), func(login pool.Login) error {
		size, err = h.Databases.Size(ctx, login, pool.MarkedSlot{Name: r.Database.Name, Mark: host.HeldMark(r.Database)})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look how large the database is: %w", err)
	}
	return size, nil
}

// landings are the slots that it may move to, the best first, and why there are not more.
func (h *Handler) landings(ctx context.Context, r pool.Restoration) ([]pool.Landing, []string, error) {
	key := pool.Key{Kind: pool.Database, Tier: r.Tier}
	doc, err := h.Terms.Document(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("load the policies: %w", err)
	}
	limit := pool.Policy{}.Limit()
	if p, ok := doc.Pools.Of(key); ok {
		limit = p.Limit()
	}
	record, err := h.Ledger.Pool(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	var hosts []pool.Host
	for first := 1; first <= record.Seq; first += hostsAtOnce {
		var ids []pool.HostID
		for seq := first; seq < first+hostsAtOnce && seq <= record.Seq; seq++ {
			ids = append(ids, key.Host(seq))
		}
		found, err := h.Ledger.Hosts(ctx, ids)
		if err != nil {
			return nil, nil, fmt.Errorf("read the database hosts: %w", err)
		}
		for _, id := range ids {
			if host, there := found[id]; there && host.State.Live() {
				hosts = append(hosts, host)
			}
		}
	}
	shelf, err := h.Ledger.Shelf(ctx, r.Tier)
	if err != nil {
		return nil, nil, err
	}
	landings, why := pool.Landings(r.Database.Host, r.Wanted, hosts, shelf, limit)
	return landings, why, nil
}

// take makes the slot that was chosen the tenant's in its host's record. It says why it is not yet; nil when it is.
func (h *Handler) take(ctx context.Context, r pool.Restoration) (why, err error) {
	host, err := h.Ledger.Host(ctx, r.Target.Host)
	if err != nil {
		return nil, err
	}
	if slot := host.Slot(r.Target.Index); slot != nil && slot.State == pool.SlotOffered {
		if err := h.Shelf.SetAside(ctx, r.Tier, r.Target, r.Tenant); err != nil {
			return nil, err
		}
	}
	_, _, err = ledger.UpdateHost(ctx, h.Ledger, r.Target.Host, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		after, changed, err := pool.LandSlot(host, r.Target, r.Tenant, h.Now())
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		return after, pool.Neutral, err
	})
	if errors.Is(err, pool.ErrSlotTaken) {
		return err, nil
	}
	return nil, err
}

// giveBack gives the slot back that was taken for a tenant which does not move.
func (h *Handler) giveBack(ctx context.Context, r pool.Restoration) error {
	if r.Target.Host == "" {
		return nil
	}
	// It may be on its way from the shelf still.
	if err := h.Shelf.PutBack(ctx, r.Tier); err != nil {
		return err
	}
	_, _, err := ledger.UpdateHost(ctx, h.Ledger, r.Target.Host, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		slot := host.Slot(r.Target.Index)
		if slot == nil || slot.Generation != r.Target.Generation || slot.State != pool.SlotAssigned || slot.Tenant != r.Tenant {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		return pool.TakeBack(host, r.Target, r.Tenant, h.Now()), pool.Neutral, nil
	})
	if errors.Is(err, pool.ErrNotFound) {
		return nil
	}
	return err
}
