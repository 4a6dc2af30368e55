package poolcheck

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// pool plans one pool and orders what is missing, one host at a time: the plan is made anew after
// each order, so that checks that run at once never order more than one plan allows. It returns how many
// hosts the pool had when it was last looked at, unseen if it could not be.
func (h *Handler) pool(ctx context.Context, key pool.Key, ps pool.Policies) (hosts int, err error) {
	hosts = unseen
	for ordered := 0; ; ordered++ {
		seen, err := h.observe(ctx, key)
		if err != nil {
			return hosts, fmt.Errorf("check pool %s: %w", key, err)
		}
		hosts = seen.Record.Counters.Hosts
		p, ok := ps.Of(key)
		if !ok {
			p = pool.Retired(seen.Record)
		}
		plan := pool.Decide(seen, p, nil, h.Now())
		h.Log.InfoContext(ctx, "pool planned", "pool", p.Key().String(), "orders", len(plan.Actions), "missing", plan.Missing(), "heldBack", plan.Held, "reason", plan.Reason)
		if len(plan.Actions) == 0 || ordered == p.MaxOrders {
			h.measure(seen, p, plan.Buffer)
			return hosts, h.goRound(ctx, seen.Record)
		}
		mark, err := h.Mark()
		if err != nil {
			return hosts, fmt.Errorf("draw the mark of an order of pool %s: %w", p.Key(), err)
		}
		host, err := h.place(ctx, pool.Order(seen.Record, p, h.StackPrefix, mark, h.Now(), plan.Actions[0].Reason))
		if err != nil {
			h.measure(seen, p, plan.Buffer)
			return hosts, fmt.Errorf("check pool %s: %w", p.Key(), err)
		}
		// Commit point: the order is recorded before CloudFormation hears of it. Killed after this, the
		// pool check past the order's deadline asks for the stack; two checks at once record one order,
		// because the second finds the pool's number moved.
		err = h.Ledger.Order(ctx, seen.Record, host)
		if errors.Is(err, pool.ErrConflict) {
			continue // another check is ordering: look again
		}
		if err != nil {
			return hosts, fmt.Errorf("record the order of %s: %w", host.ID, err)
		}
		if host, err = h.Ledger.Host(ctx, host.ID); err != nil {
			return hosts, fmt.Errorf("read the order of %s: %w", host.ID, err)
		}
		if err := h.createStack(ctx, host); err != nil {
			return hosts, err
		}
	}
}

// observe reads what a plan is made from, while others move slots. The order makes slots that move
// count twice rather than not at all, because too few orders are made up for by the next check and
// too many by nobody: slots move from the making into the reserve and from there onto the shelf, and
// are given to those who wait. So what they move to is read after what they move from.
func (h *Handler) observe(ctx context.Context, key pool.Key) (pool.Observed, error) {
	record, err := h.Ledger.Pool(ctx, key)
	if err != nil {
		return pool.Observed{}, fmt.Errorf("read the pool: %w", err)
	}
	shelf, err := h.Ledger.Shelf(ctx, key.Tier)
	if err != nil {
		return pool.Observed{}, fmt.Errorf("read the shelf: %w", err)
	}
	waiters, err := h.Ledger.Waiting(ctx, key.Tier, waitingSeen)
	if err != nil {
		return pool.Observed{}, fmt.Errorf("read the waiting list: %w", err)
	}
	seen := pool.Observed{Record: record, OnShelf: shelf.SetOut(key.Kind)}
	for _, w := range waiters {
		if _, held := shelf.Held[w.Tenant]; !held { // those who hold something want no more
			seen.Waiting++
		}
	}
	return seen, nil
}

// measure measures a pool, of which so many slots are wanted free.
func (h *Handler) measure(o pool.Observed, p pool.Policy, buffer int) {
	c := o.Record.Counters
	m := h.Metrics.Pool(string(p.Kind), string(p.Tier))
	m.Gauge(telemetry.SlotsFree, o.Free(p))
	m.Gauge(telemetry.SlotsAssigned, o.Assigned())
	m.Gauge(telemetry.SlotsProvisioning, c.ProvisioningSlots)
	m.Gauge(telemetry.SlotsLeaving, c.Leaving)
	m.Gauge(telemetry.SlotsCooling, c.Cooling)
	m.Gauge(telemetry.SlotsQuarantined, c.GivenUp)
	m.Gauge(telemetry.BufferFree, percent(o.Free(p), buffer))
	m.Gauge(telemetry.Hosts, c.Hosts)
	m.Gauge(telemetry.HostsInService, c.InService)
	m.Gauge(telemetry.HostsProvisioning, c.Provisioning)
	m.Gauge(telemetry.HostsCordoned, c.Cordoned)
	m.Gauge(telemetry.HostsQuarantined, c.Quarantined)
	m.Gauge(telemetry.FailuresInARow, o.Record.Failures)
	m.Gauge(telemetry.CeilingUsed, percent(c.Hosts, p.Ceiling))
}

// percent is how much of a whole there is; of nothing there is all.
func percent(part, whole int) int {
	if whole == 0 {
		return 100
	}
	return 100 * part / whole
}
