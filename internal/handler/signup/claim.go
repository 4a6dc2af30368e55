package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

const (
	// laterLeast and laterMost bound how long a signup waits that is to come later. In between it is as long as it
	// has waited already, so that those who come again are the fewer the longer the shelf stays busy.
	laterLeast = 2 * time.Second
	laterMost  = time.Minute
)

// slots are what a tenant has, by its record, or what it claims.
func (h *Handler) slots(ctx context.Context, t pool.Tenant) (pool.Claim, error) {
	if t.Named() {
		return h.named(ctx, t)
	}
	// One that held slots already came before all who wait, and was counted.
	return h.claim(ctx, t, len(t.Spent) > 0)
}

// named words the slots that a tenant's record names as a claim: its hold may be settled by now, and then the shelf
// would give it others.
func (h *Handler) named(ctx context.Context, t pool.Tenant) (pool.Claim, error) {
	hosts, err := h.Ledger.Hosts(ctx, []pool.HostID{t.Database.Host, t.Share.Host})
	if err != nil {
		return pool.Claim{}, fmt.Errorf("read the hosts of tenant %s: %w", t.ID, err)
	}
	side := func(has pool.Holding) (pool.Side, error) {
		host := hosts[has.Host]
		slot := host.Slot(has.Index)
		if slot == nil || slot.Generation != has.Generation {
			return pool.Side{}, fmt.Errorf("look up slot %s/%d of tenant %s: it is not there", has.Host, has.Index, t.ID)
		}
		if slot.State != pool.SlotOffered && slot.Tenant != t.ID { // as by a record that was put back
			return pool.Side{}, fmt.Errorf("look up slot %s/%d of tenant %s: it is %s, and not its own", has.Host, has.Index, t.ID, slot.State)
		}
		return pool.Side{Host: has.Host, Offer: slot.Offer(host.ID), Access: host.Access.Offered()}, nil
	}
	c := pool.Claim{Replayed: true}
	if c.Database, err = side(t.Database); err != nil {
		return c, err
	}
	c.Share, err = side(t.Share)
	return c, err
}

// claim claims from the shelf; when that is bare it is filled from the reserve first. waiting means that
// the tenant is on the waiting list, and its turn has come. pool.ErrEmpty when there is nothing to fill it from;
// while there is, one who finds it bare all the same is to come later: pool.ErrBusy.
func (h *Handler) claim(ctx context.Context, t pool.Tenant, waiting bool) (pool.Claim, error) {
	claim, err := h.Ledger.Claim(ctx, t.Tier, t.ID, waiting)
	if !errors.Is(err, pool.ErrEmpty) {
		return claim, err
	}
	if err := h.Shelf.Fill(ctx, t.Tier); err != nil {
		return claim, err
	}
	claim, err = h.Ledger.Claim(ctx, t.Tier, t.ID, waiting)
	if !errors.Is(err, pool.ErrEmpty) {
		return claim, err
	}
	more, lookErr := h.stocked(ctx, t.Tier)
	if lookErr != nil {
		return claim, lookErr
	}
	if more {
		err = pool.ErrBusy // others took what was set out
	}
	return claim, err
}

// stocked reports whether a shelf has slots of both kinds to give, or can have: on its lists, in a refill that is
// under way, or in the reserve.
func (h *Handler) stocked(ctx context.Context, tier pool.Tier) (bool, error) {
	ps, err := h.Policies.Load(ctx)
	if err != nil {
		return false, fmt.Errorf("load the policies: %w", err)
	}
	// Slots move from the reserve onto the shelf: so they are counted twice rather than not at all.
	records := map[pool.Kind]pool.Record{}
	for _, kind := range pool.Kinds {
		if records[kind], err = h.Ledger.Pool(ctx, pool.Key{Kind: kind, Tier: tier}); err != nil {
			return false, fmt.Errorf("read the reserve of tier %s: %w", tier, err)
		}
	}
	shelf, err := h.Ledger.Shelf(ctx, tier)
	if err != nil {
		return false, fmt.Errorf("read the shelf of tier %s: %w", tier, err)
	}
	for _, kind := range pool.Kinds {
		p, served := ps.Of(pool.Key{Kind: kind, Tier: tier})
		if !served {
			p = pool.Retired(records[kind])
		}
		if (pool.Observed{Record: records[kind], OnShelf: shelf.SetOut(kind)}).Free(p) == 0 {
			return false, nil
		}
	}
	return true, nil
}

// askFor asks for what a claim leaves to be done: a look at the shelf, or at the pools if they come to their end. A
// claim again may come after a kill between the claim and this.
func (h *Handler) askFor(ctx context.Context, tier pool.Tier, claim pool.Claim) error {
	switch {
	case claim.LastOnes():
		return h.ask(ctx, "the shelf of tier "+string(tier)+" runs out")
	case claim.Replayed || claim.NeedsReconciling(h.Now()):
		return h.askShelf(ctx, tier)
	default:
		return nil
	}
}

// askShelf asks for a look at a shelf.
func (h *Handler) askShelf(ctx context.Context, tier pool.Tier) error {
	if err := h.PoolChecks.Send(ctx, events.NewShelfCheck(string(tier)), 0); err != nil {
		return fmt.Errorf("ask for a look at the shelf of tier %s: %w", tier, err)
	}
	return nil
}

// name writes a tenant's slots into its record before they are opened, when many claim: then its claim can be
// settled while it is being opened. It does so when a signup is tried again, too: one that never succeeds must not
// take up room on the shelf. before is the record as it was read, named what it is to name. It returns
// the record as it is then.
//
// The credentials are stored by now, and they say once and for all which slots are the tenant's.
func (h *Handler) name(ctx context.Context, before, named pool.Tenant, claim pool.Claim) (pool.Tenant, error) {
	if before.Named() || !claim.Replayed && !claim.Crowded(h.Now()) {
		return before, nil
	}
	after := before.Clone()
	after.Database, after.Share, after.Secret = named.Database, named.Share, named.Secret
	// Commit point: whoever goes on with this signup opens these slots.
	saved, err := h.Ledger.SaveTenant(ctx, before, after)
	if err != nil {
		return before, fmt.Errorf("name the slots of tenant %s in its record: %w", before.ID, err)
	}
	return saved, nil
}

// sinceNamed is a tenant's record as it is since its slots were named in it; t if they were not, or more has
// happened to it.
func (h *Handler) sinceNamed(ctx context.Context, t pool.Tenant) pool.Tenant {
	now, err := h.Ledger.Tenant(ctx, t.ID)
	if err != nil || t.Named() || !now.Named() || now.State != t.State || now.Version != t.Version+1 {
		return t
	}
	return now
}

// comeLater has a signup that found the shelf busy come again. That is no failure, and no look at the step: the
// message is the same as before. Its deadline is moved before it comes near, so that nobody takes the tenant
// for stuck; who moved it first has sent a message of its own.
func (h *Handler) comeLater(ctx context.Context, t pool.Tenant) error {
	now := h.Now()
	if err := h.askShelf(ctx, t.Tier); err != nil {
		return err
	}
	if t.Due.Sub(now) < pool.Deadline(pool.StepOpen)/2 {
		renewed := t.Clone()
		renewed.Due = now.Add(pool.Deadline(pool.StepOpen))
		saved, err := h.Ledger.SaveTenant(ctx, t, renewed)
		if errors.Is(err, pool.ErrConflict) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("have tenant %s come later: %w", t.ID, err)
		}
		t = saved
	}
	wait := min(max(now.Sub(t.RequestedAt), laterLeast), laterMost)
	wait = time.Second + time.Duration(h.Jitter()*float64(wait))
	h.Log.InfoContext(ctx, "the shelf is busy, and the signup comes later", "tenant", t.ID, "tier", t.Tier, "wait", wait)
	return h.later(ctx, string(t.ID), lifecycle.After(t.Progress), wait)
}
