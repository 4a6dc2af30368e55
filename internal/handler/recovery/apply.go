package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	plans "headroom/internal/pool/recovery"
)

// apply carries the plan out that was meant, if it is still what is found. Killed anywhere, its next delivery makes what is left
// of the plan anew, from the ledger as it is by then.
func (h *Handler) apply(ctx context.Context, q events.RecoverRequest, before, r plans.Record) (plans.Record, error) {
	if before.Message == r.Message && before.Done {
		return h.free(ctx, r, r.Keep, fmt.Sprintf("done, and %d left that nobody but a person can decide", len(r.Unsure)))
	}
	why, err := h.restless(ctx, r)
	if err != nil || why != "" {
		r.Came = "not done: " + why
		return r, err
	}
	p, s, err := h.plan(ctx)
	if err != nil {
		return r, err
	}
	if len(p.Blind) > 0 { // an empty plan would do for one that is carried out
		r.Came = "not done yet: " + p.Blind[0]
		return r, nil
	}
	if p.Digest() != q.Digest && before.Applying != q.Digest {
		r = r.Looked(p, h.Now())
		r.Came = "not done: what there is to do is not what it was when it was looked last: look again"
		return r, nil
	}
	// Commit point: the plan is being carried out, and what is left of it is too, whatever its digest.
	r.Applying = q.Digest
	if r, err = h.note(ctx, r); err != nil {
		return r, err
	}
	b, err := h.books(ctx, s) // with those who have an address that another is served at
	if err != nil {
		return r, err
	}
	for _, c := range p.Tenants {
		if err := h.freeAddresses(ctx, c); err != nil {
			return r, err
		}
	}
	// By the record of a slot alone it may be known that a tenant is on record which has lost it: so who gets nothing is saved first. Who
	// gets something has a secret, by which it is found again.
	loses, gets := p.Parted()
	if err := h.saveTenants(ctx, loses, b.Books); err != nil {
		return r, err
	}
	for _, c := range p.Hosts {
		if err := h.saveHost(ctx, r, c); err != nil {
			return r, err
		}
	}
	if err := h.saveTenants(ctx, gets, b.Books); err != nil {
		return r, err
	}
	if err := h.haveLeave(ctx, p.Leave, r); err != nil {
		return r, err
	}
	if err := h.haveStay(ctx, p.Stay, r); err != nil {
		return r, err
	}
	left, err := h.planOf(ctx, s)
	if err != nil {
		return r, err
	}
	r = r.Looked(left, s.seen.At)
	if !left.Done() {
		return r, fmt.Errorf("%d changes are left after all were made: %w", len(left.Lines), pool.ErrConflict)
	}
	// The ledger is true. What is left is to hand out again, from some hosts before others.
	r.Done = true
	return h.free(ctx, r, r.Keep, fmt.Sprintf("done: %d, and %d left that nobody but a person can decide", len(p.Lines), len(left.Unsure)))
}

func (h *Handler) saveHost(ctx context.Context, r plans.Record, c plans.HostChange) error {
	if c.Before.Version > 0 {
		return h.Ledger.SaveHostDuring(ctx, r, c.Before, c.After, c.Outcome, h.Now())
	}
	record, err := h.Ledger.Pool(ctx, c.After.Key())
	if err != nil {
		return err
	}
	return h.Ledger.Adopt(ctx, r, record, c.After)
}

// freeAddresses frees the addresses that a tenant has by its record, and is not to have: another's may be among them. Killed after this,
// the tenant is found to be another than by its record still; once that is saved, nobody would know of them.
func (h *Handler) freeAddresses(ctx context.Context, c plans.TenantChange) error {
	for _, address := range c.Before.Reached() {
		if c.After.State != pool.TenantLeft && slices.Contains(c.After.Reached(), address) {
			continue
		}
		// A conflict: it is another's by now; or the tenant's record has changed, and is not saved over that.
		if err := h.Ledger.Unregister(ctx, address, c.Before); err != nil && !errors.Is(err, pool.ErrConflict) {
			return err
		}
	}
	return nil
}

func (h *Handler) saveTenants(ctx context.Context, all []plans.TenantChange, b inventory.Books) error {
	for _, c := range all {
		if err := h.saveTenant(ctx, c, b); err != nil {
			return err
		}
	}
	return nil
}

// saveTenant records a tenant. Its addresses are its own before they are recorded.
func (h *Handler) saveTenant(ctx context.Context, c plans.TenantChange, b inventory.Books) error {
	if c.After.State != pool.TenantLeft {
		for _, address := range c.After.Reached() {
			if err := h.register(ctx, address, c.After.ID, b); err != nil {
				return err
			}
		}
	}
	if c.Before.Version > 0 {
		_, err := h.Ledger.SaveTenant(ctx, c.Before, c.After)
		return err
	}
	if _, fresh, err := h.Ledger.Request(ctx, c.After); err != nil {
		return err
	} else if !fresh {
		return fmt.Errorf("record tenant %s: %w", c.After.ID, pool.ErrConflict) // it has signed up since
	}
	return nil
}

// register makes an address a tenant's whose share serves it. Another that is registered for it by an earlier ledger, and does
// not have it any more, gives it up.
func (h *Handler) register(ctx context.Context, address string, id pool.TenantID, b inventory.Books) error {
	err := h.Ledger.Register(ctx, address, id)
	if !errors.Is(err, pool.ErrTaken) {
		return err
	}
	for _, other := range slices.Sorted(maps.Keys(b.Tenants)) {
		t := b.Tenants[other]
		if other != id && (t.State == pool.TenantLeft || !slices.Contains(t.Reached(), address)) {
			if err := h.Ledger.Unregister(ctx, address, t); err != nil && !errors.Is(err, pool.ErrConflict) && !errors.Is(err, pool.ErrTaken) {
				return err
			}
		}
	}
	if err = h.Ledger.Register(ctx, address, id); errors.Is(err, pool.ErrTaken) {
		// To a firewall two tenants with one address are one: whose it is is for people to say.
		h.Log.ErrorContext(ctx, "an address is another tenant's by the ledger", "tenant", id)
		return nil
	}
	return err
}
