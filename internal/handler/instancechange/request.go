package instancechange

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// request is a wish from outside.
func (h *Handler) request(ctx context.Context, d events.Delivery) error {
	request, err := events.ParseInstanceChangeRequested([]byte(d.Body))
	var bad *events.FieldError
	if errors.As(err, &bad) {
		return h.refuse(ctx, d, request.TenantID, bad)
	}
	if err != nil {
		return err
	}
	id := pool.TenantID(request.TenantID)
	terms, err := h.Policies.Terms(ctx)
	if err != nil {
		return fmt.Errorf("load the terms: %w", err)
	}
	asked := pool.AddressChange{
		Add: request.Add, Remove: request.Remove, At: d.SentAt.UTC(), By: d.Who(request.RequestedBy), Why: request.Reason,
		Message: d.ID, Correlation: d.Correlation(),
	}
	if d.SentAt.IsZero() {
		asked.At = h.Now().UTC()
	}
	judge := func(t pool.Tenant) (pool.Tenant, error) {
		if t.State == pool.TenantLeft {
			return t, unknown
		}
		return pool.ChangeAddresses(t, asked, time.Duration(terms.Change), h.Now())
	}
	var before, after pool.Tenant
	for range rounds {
		if before, after, err = h.record(ctx, id, asked.Add, judge); !errors.Is(err, pool.ErrConflict) {
			break
		}
	}
	if errors.As(err, &bad) {
		if err := h.unheard(ctx, id, asked.Add); err != nil {
			return err
		}
		return h.refuse(ctx, d, request.TenantID, bad)
	}
	if err != nil {
		return fmt.Errorf("record what becomes of the addresses of tenant %s: %w", id, err)
	}
	h.Log.InfoContext(ctx, "addresses are to change", "tenant", id, "messageId", d.ID, "new", after.Version != before.Version,
		"coming", after.Change.Coming, "going", after.Change.Going, "step", after.Step, "reason", asked.Why, "requestedBy", asked.By)
	// What it wished for, and a later wish took back, may be registered.
	past := slices.DeleteFunc(slices.Clone(asked.Add), func(a string) bool { return slices.Contains(after.Reached(), a) })
	if err := h.unheard(ctx, id, past); err != nil {
		return err
	}
	if after.Step == pool.StepConfirm {
		return nil // which has to wait, and has a message of its own
	}
	return h.machine().Go(ctx, string(id), after)
}

// rounds bounds how often a wish is judged again because its tenant's record changed meanwhile.
const rounds = 5

// record records what becomes of a tenant by a wish. What comes is registered before, and is so still when it is recorded:
// who frees an address that a tenant does not have moves its record (Disown). pool.ErrConflict when the record has changed.
func (h *Handler) record(ctx context.Context, id pool.TenantID, add []string, judge func(pool.Tenant) (pool.Tenant, error)) (before, after pool.Tenant, err error) {
	t, err := h.Ledger.Tenant(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		return t, t, unknown
	}
	if err != nil {
		return t, t, fmt.Errorf("read tenant %s, whose addresses are to change: %w", id, err)
	}
	wanted, err := judge(t)
	if err != nil {
		return t, t, err
	}
	if err := h.register(ctx, t, wanted, add); err != nil || same(wanted, t) {
		return t, t, err
	}
	// Commit point: the wish is known. From here on it is fulfilled by whichever comes next: this invocation, the
	// message's next delivery, or the pool check past the deadline.
	after, err = h.Ledger.SaveTenant(ctx, t, wanted)
	return t, after, err
}

// unknown is what is wrong with a wish about a tenant that there is not, or not any more.
var unknown = &events.FieldError{Field: "tenantId", Reason: "is unknown"}

// same reports whether a wish left a record as it was.
func same(a, b pool.Tenant) bool {
	return a.Progress == b.Progress && len(a.History) == len(b.History) && slices.Equal(a.Change.Words, b.Change.Words) &&
		slices.Equal(a.Change.Coming, b.Change.Coming) && slices.Equal(a.Change.Going, b.Change.Going)
}

// register makes the addresses the tenant's that are to come by a wish and were not its own, if they may be an instance's;
// what is wrong with one is an *events.FieldError. A tenant's own are served on, whatever became of the networks.
func (h *Handler) register(ctx context.Context, t, wanted pool.Tenant, add []string) error {
	for i, text := range add {
		if !t.Gets(text, wanted) {
			continue
		}
		refused := func(why string) error {
			return &events.FieldError{Field: "add", Reason: fmt.Sprintf("has number %d, which %s", i+1, why)}
		}
		address, err := netip.ParseAddr(text)
		if err != nil {
			return refused("is no IP address")
		}
		if why := h.Networks.Refusal(address); why != "" {
			return refused(why)
		}
		err = h.Ledger.Register(ctx, text, t.ID)
		if errors.Is(err, pool.ErrTaken) {
			// To a share's firewall two tenants with one address are one. Whose it is is nobody else's business.
			return refused("belongs to another tenant")
		}
		if err != nil {
			return fmt.Errorf("register an address of tenant %s: %w", t.ID, err)
		}
	}
	return nil
}

// unheard frees what was registered for a wish that does not get it, now or by a delivery that was cut short; and once more
// when no delivery is about it any more: one may just be registering, by what it read before, and be killed then. If this
// one ends the message, it does not come again.
func (h *Handler) unheard(ctx context.Context, id pool.TenantID, add []string) error {
	if err := h.release(ctx, id, add); err != nil {
		return err
	}
	return h.freeLater(ctx, id, add)
}

// freeLater has addresses freed that a tenant does not have when nobody is at work any more who is now.
func (h *Handler) freeLater(ctx context.Context, id pool.TenantID, addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	if err := h.Steps.Send(ctx, events.NewAddressRelease(string(id), addresses), confirmWait); err != nil {
		return fmt.Errorf("have addresses freed that tenant %s does not have: %w", id, err)
	}
	return nil
}

// release frees those of some addresses that a tenant does not have.
func (h *Handler) release(ctx context.Context, id pool.TenantID, addresses []string) error {
	for _, address := range addresses {
		if err := h.disown(ctx, id, address); err != nil {
			return err
		}
	}
	return nil
}

// disown frees an address, unless a tenant has it. It moves the tenant's record: who is about to give the tenant the address
// judges again.
func (h *Handler) disown(ctx context.Context, id pool.TenantID, address string) error {
	err := error(pool.ErrConflict)
	for round := 0; round < rounds && errors.Is(err, pool.ErrConflict); round++ {
		t, failed := h.Ledger.Tenant(ctx, id)
		if errors.Is(failed, pool.ErrNotFound) {
			return nil // nobody registered anything for it but its signup, which may be about it
		}
		if failed != nil {
			return fmt.Errorf("read tenant %s, which may not have an address: %w", id, failed)
		}
		if slices.Contains(t.Reached(), address) {
			return nil
		}
		err = h.free(ctx, address, t, h.Ledger.Disown)
	}
	return err
}

// free frees an address that a tenant, as it was seen, does not have; that it is another's by now is no error.
// pool.ErrConflict when the tenant's record has changed: it may have got the address.
func (h *Handler) free(ctx context.Context, address string, seen pool.Tenant, unregister func(context.Context, string, pool.Tenant) error) error {
	left, err := h.Ledger.Departures(ctx, seen.ID)
	if err != nil {
		return fmt.Errorf("look whether an earlier life of tenant %s is shut: %w", seen.ID, err)
	}
	if d, reached := seen.EarlierLife(left, address); reached {
		h.Log.InfoContext(ctx, "address is not freed, for an earlier life is reached by it still", "tenant", seen.ID, "departure", d)
		return nil
	}
	err = unregister(ctx, address, seen)
	if errors.Is(err, pool.ErrConflict) {
		now, failed := h.Ledger.Tenant(ctx, seen.ID)
		if failed == nil && now.Version == seen.Version {
			return nil // then it is another's
		}
		err = errors.Join(err, failed)
	}
	if err != nil {
		return fmt.Errorf("free an address that tenant %s does not have: %w", seen.ID, err)
	}
	return nil
}

// refuse keeps a bad message in the dead-letter queue and announces what is wrong with it.
func (h *Handler) refuse(ctx context.Context, d events.Delivery, tenantID string, bad *events.FieldError) error {
	// Commit point: the message is kept before it leaves the queue. Killed after this, its next
	// delivery keeps it twice, which loses nothing.
	if err := h.Refused.SendRaw(ctx, d.Body, d.Kept(bad)); err != nil {
		return fmt.Errorf("keep a refused message: %w", err)
	}
	h.Log.WarnContext(ctx, "change of addresses rejected", "messageId", d.ID, "tenant", tenantID, "field", bad.Field, "reason", bad.Reason)
	return h.Announce.RequestRejected(ctx, events.TypeInstanceChangeRequested, d.ID, tenantID, bad)
}
