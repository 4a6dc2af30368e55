package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

const (
	// countedAtOnce is how many hosts of a pool a check looks at for whether they are counted in what is spent.
	countedAtOnce = 50
	// moneyRound is how often it is looked for money that is held for what needs it no more.
	moneyRound = 15 * time.Minute
)

// countHosts prices hosts that were ordered before there were prices, by the policy of now: under a cap they would be free. A
// cap counts from when all are counted: until then nothing is ordered under it. Each host is looked at once, and one that was
// ordered since has its price.
func (h *Handler) countHosts(ctx context.Context, r pool.Record, p pool.Policy) (counted int, err error) {
	last := min(r.Seq, r.Counted+countedAtOnce)
	var ids []pool.HostID
	for seq := r.Counted + 1; seq <= last; seq++ {
		ids = append(ids, r.Key.Host(seq))
	}
	hosts, err := h.Ledger.Hosts(ctx, ids)
	if err != nil {
		return r.Counted, fmt.Errorf("look which hosts of pool %s are counted in what is spent: %w", r.Key, err)
	}
	for _, id := range ids {
		if host := hosts[id]; !host.State.Live() || host.Price > 0 {
			continue
		}
		// Commit point: the host is counted, once, however often this is done.
		_, _, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
			if host.Price > 0 || !host.State.Live() {
				return host, pool.Neutral, ledger.ErrUnchanged
			}
			host.Price = p.Price()
			return host, pool.Neutral, nil
		})
		if err != nil {
			return r.Counted, fmt.Errorf("count host %s in what is spent: %w", id, err)
		}
	}
	if err := h.Ledger.NoteCounted(ctx, r.Key, last); err != nil {
		return r.Counted, err
	}
	return last, nil
}

// count counts hosts of both pools of a tier, where a cap needs that, and looks again if there were any.
func (h *Handler) count(ctx context.Context, v view) (view, error) {
	if v.Document.Cap() == 0 {
		return v, nil
	}
	some := false
	for _, kind := range pool.Kinds {
		r := v.Records[kind]
		if v.Policy(kind).Price() == 0 || r.Counted >= r.Seq {
			continue
		}
		if _, err := h.countHosts(ctx, r, v.Policy(kind)); err != nil {
			return v, err
		}
		some = true
	}
	if !some {
		return v, nil
	}
	return h.look(ctx, v.Tier, v.Document)
}

// freeLostMoney takes back money that is held for what needs it no more: who held it was killed before it took it back, or its
// record was put back to an earlier time.
func (h *Handler) freeLostMoney(ctx context.Context) error {
	if h.Now().Unix()/60%int64(moneyRound/time.Minute) != 0 {
		return nil
	}
	all, err := h.Ledger.HeldMoney(ctx)
	if err != nil {
		return err
	}
	var failures []error
	for _, m := range all {
		needed, err := h.needsMoney(ctx, m)
		if err == nil && !needed {
			h.Log.WarnContext(ctx, "money is held for nothing, and is taken back", "for", m.Name, "price", m.Price.String())
			err = h.Ledger.FreeMoney(ctx, m.Name)
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// needsMoney reports whether something needs the money that is held for it. What it is held for is recorded before it is held,
// so who reads the record after the hold knows. A name that nobody knows is left alone: a newer Headroom may know it.
func (h *Handler) needsMoney(ctx context.Context, m pool.HeldMoney) (bool, error) {
	if tenant, number, ok := m.Restoration(); ok {
		r, err := h.Ledger.Restoration(ctx, tenant)
		if errors.Is(err, pool.ErrNotFound) {
			return false, nil
		}
		return r.HoldsMoney(number), err
	}
	if host, number, ok := m.Repair(); ok {
		r, err := h.Ledger.Repair(ctx, host)
		if errors.Is(err, pool.ErrNotFound) {
			return false, nil
		}
		return r.HoldsMoney(number), err
	}
	return true, nil
}
