package operator

import (
	"context"
	"fmt"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// emptying looks at a drained host as the pool check does before it has a tenant moved off it.
func (o *Operator) emptying(ctx context.Context, h pool.Host, s pool.Sight) (pool.Emptying, error) {
	e := pool.Emptying{
		Host: h, Policy: s.Policy(h.Kind), Last: s.Outlook.Off, Stops: s.Stops, Shelf: s.Shelf, Seen: s.Observed(h.Kind), Plan: s.Plans()[h.Kind],
		Tenants: map[pool.TenantID]pool.Tenant{}, Moves: map[pool.TenantID]pool.Restoration{},
	}
	return e, ledger.LookAtMoves(ctx, o.Ledger, &e)
}

// explainEmptying says who moves off a drained host next, or why nobody does.
func (o *Operator) explainEmptying(ctx context.Context, h pool.Host, s pool.Sight, e *Explanation) error {
	left, err := o.emptying(ctx, h, s)
	if err != nil {
		return fmt.Errorf("look who is on host %s: %w", h.ID, err)
	}
	tenant, why := left.Next(s.At)
	if tenant == "" {
		e.say("Why does nobody move off it now?", why)
		return nil
	}
	e.say("Who moves off it next?", fmt.Sprintf("tenant %s: %s", tenant, why))
	return nil
}

// meansDrain says what draining a host comes to.
func (o *Operator) meansDrain(ctx context.Context, h pool.Host) ([]string, error) {
	p, err := o.Policy(ctx)
	if err != nil {
		return nil, err
	}
	there := h.Used() + h.Leaving()
	means := []string{
		fmt.Sprintf("who is on it stays (slots set out, used or leaving: %d); it takes no more, and its free slots count no more (%d)", there, h.Free()),
		"once its last tenant has left, it is retired",
	}
	if mine, _ := p.Document.Pools.Of(h.Key()); mine.DrainPace > 0 {
		means = []string{
			fmt.Sprintf("it takes no more, and its free slots count no more (%d)", h.Free()),
			fmt.Sprintf("who is on it is moved off it (slots set out, used or leaving: %d), %d an hour at most; each is shut out while its database is copied", there, mine.DrainPace),
			"once it is empty, and what they left on it is kept no longer, it is retired",
		}
	}
	if h.Protected != "" {
		means = append(means, "but it is protected, and stays, by "+h.Protected)
	}
	return means, nil
}
