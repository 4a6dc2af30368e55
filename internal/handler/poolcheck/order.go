package poolcheck

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/pool"
)

// order plans the pools of a tier and orders what is missing, one host at a time: the plan is made anew after
// each order, so that checks that run at once never order more than one plan allows. It returns how many hosts each
// pool had when it was last looked at; none that could not be.
func (h *Handler) order(ctx context.Context, tier pool.Tier, doc pool.Document) (hosts map[pool.Kind]int, err error) {
	hosts = map[pool.Kind]int{}
	v, err := h.look(ctx, tier, doc)
	if err != nil {
		return hosts, fmt.Errorf("check tier %s: %w", tier, err)
	}
	if v, err = h.count(ctx, v); err != nil {
		return hosts, fmt.Errorf("check tier %s: %w", tier, err)
	}
	plans, err := h.note(ctx, &v)
	failures := []error{err}
	for _, kind := range pool.Kinds {
		v, plans, err = h.orderOf(ctx, kind, v, plans)
		hosts[kind] = v.Records[kind].Counters.Hosts
		failures = append(failures, err)
		if err == nil {
			failures = append(failures, h.retire(ctx, kind, v, plans[kind]))
		}
	}
	return hosts, errors.Join(append(failures, h.measureAhead(ctx, v))...)
}

// orderOf orders what is missing of one kind by the plans that were made, and returns what was seen last, with the plans
// for that.
func (h *Handler) orderOf(ctx context.Context, kind pool.Kind, v view, plans map[pool.Kind]pool.Plan) (view, map[pool.Kind]pool.Plan, error) {
	key := pool.Key{Kind: kind, Tier: v.Tier}
	for ordered := 0; ; ordered++ {
		p, plan := v.Policy(kind), plans[kind]
		h.Log.InfoContext(ctx, "pool planned", "pool", key.String(), "orders", len(plan.Actions), "missing", plan.Missing(), "heldBack", plan.Held, "reason", plan.Reason)
		if len(plan.Actions) == 0 || ordered == p.MaxOrders {
			h.measure(v.Observed(kind), p, plan.Buffer)
			return v, plans, h.goRound(ctx, v.Records[kind])
		}
		if err := h.orderOne(ctx, v.Records[kind], p, v.Document.Cap(), plan.Actions[0].Reason); err != nil {
			h.measure(v.Observed(kind), p, plan.Buffer)
			return v, plans, err
		}
		next, err := h.look(ctx, v.Tier, v.Document)
		if err != nil {
			return v, plans, fmt.Errorf("check pool %s: %w", key, err)
		}
		next.Outlook = v.Outlook
		if plans, err = h.decide(ctx, &next); err != nil {
			return next, plans, fmt.Errorf("check pool %s: %w", key, err)
		}
		v = next
	}
}

// orderOne orders a pool's next host, if nobody has since the pool was looked at.
func (h *Handler) orderOne(ctx context.Context, seen pool.Record, p pool.Policy, most pool.Cents, why string) error {
	mark, err := h.Mark()
	if err != nil {
		return fmt.Errorf("draw the mark of an order of pool %s: %w", p.Key(), err)
	}
	host, err := h.place(ctx, pool.Order(seen, p, h.StackPrefix, mark, h.Now(), why))
	if err != nil {
		return fmt.Errorf("check pool %s: %w", p.Key(), err)
	}
	host.Cap, host.History = most, pool.Threaded(host.History, events.Correlation(ctx))
	// Commit point: the order is recorded, and its money spent, before CloudFormation hears of it. Killed after this, the
	// pool check past the order's deadline asks for the stack; two checks at once record one order,
	// because the second finds the pool's number moved.
	err = h.Ledger.Order(ctx, seen, host)
	if errors.Is(err, pool.ErrConflict) {
		return nil // another check is ordering, or spent the money: look again
	}
	if err != nil {
		return fmt.Errorf("record the order of %s: %w", host.ID, err)
	}
	if host, err = h.Ledger.Host(ctx, host.ID); err != nil {
		return fmt.Errorf("read the order of %s: %w", host.ID, err)
	}
	return h.createStack(ctx, host)
}
