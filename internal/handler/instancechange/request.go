package instancechange

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
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
	asked := pool.AddressChange{Add: request.Add, Remove: request.Remove, At: d.SentAt.UTC(), Message: d.ID}
	if d.SentAt.IsZero() {
		asked.At = h.Now().UTC()
	}
	judge := func(t pool.Tenant) (pool.Tenant, error) {
		if t.State == pool.TenantLeft {
			return t, unknown
		}
		return pool.ChangeAddresses(t, asked, time.Duration(terms.Change), h.Now())
	}
	t, err := h.Ledger.Tenant(ctx, id)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		if err := h.unheard(ctx, id, asked.Add); err != nil {
			return err
		}
		return h.refuse(ctx, d, request.TenantID, unknown)
	case err != nil:
		return fmt.Errorf("read tenant %s, whose addresses are to change: %w", id, err)
	}
	// It is judged before anything is registered, and once more when it is recorded.
	var registered []string
	wanted, err := judge(t)
	if err == nil {
		registered, err = h.register(ctx, t, wanted, asked.Add)
	}
	var before, after pool.Tenant
	if err == nil {
		// Commit point: the wish is known. From here on it is fulfilled by whichever comes next: this invocation, the
		// message's next delivery, or the pool check past the deadline.
		before, after, err = ledger.UpdateTenant(ctx, h.Ledger, id, func(t pool.Tenant) (pool.Tenant, error) {
			after, err := judge(t)
			if err == nil && slices.ContainsFunc(after.Change.Coming, func(a string) bool {
				return !slices.Contains(t.Reached(), a) && !slices.Contains(registered, a)
			}) {
				return t, fmt.Errorf("an address is to come that was not registered: %w", pool.ErrConflict)
			}
			if err == nil && same(after, t) {
				err = ledger.ErrUnchanged
			}
			return after, err
		})
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
		"coming", after.Change.Coming, "going", after.Change.Going, "step", after.Step)
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

// unknown is what is wrong with a wish about a tenant that there is not, or not any more.
var unknown = &events.FieldError{Field: "tenantId", Reason: "is unknown"}

// same reports whether a wish left a record as it was.
func same(a, b pool.Tenant) bool {
	return a.Progress == b.Progress && len(a.History) == len(b.History) && slices.Equal(a.Change.Words, b.Change.Words) &&
		slices.Equal(a.Change.Coming, b.Change.Coming) && slices.Equal(a.Change.Going, b.Change.Going)
}

// register makes the addresses the tenant's that are to come by a wish and were not its own, if they may be an
// instance's, and returns them; what is wrong with one is an *events.FieldError. A tenant's own are served on, whatever
// became of the networks.
func (h *Handler) register(ctx context.Context, t, wanted pool.Tenant, add []string) (registered []string, err error) {
	for i, text := range add {
		if slices.Contains(t.Reached(), text) || !slices.Contains(wanted.Change.Coming, text) {
			continue
		}
		refused := func(why string) error {
			return &events.FieldError{Field: "add", Reason: fmt.Sprintf("has number %d, which %s", i+1, why)}
		}
		address, err := netip.ParseAddr(text)
		if err != nil {
			return nil, refused("is no IP address")
		}
		if why := h.Networks.Refusal(address); why != "" {
			return nil, refused(why)
		}
		err = h.Ledger.Register(ctx, text, t.ID)
		if errors.Is(err, pool.ErrTaken) {
			// To a share's firewall two tenants with one address are one. Whose it is is nobody else's business.
			return nil, refused("belongs to another tenant")
		}
		if err != nil {
			return nil, fmt.Errorf("register an address of tenant %s: %w", t.ID, err)
		}
		registered = append(registered, text)
	}
	return registered, nil
}

// unheard frees what was registered for a wish that does not get it, now or by a delivery that was cut short; and once more
// when no delivery is about it any more: one may just be registering, by what it read before, and be killed then. If this
// one ends the message, it does not come again.
func (h *Handler) unheard(ctx context.Context, id pool.TenantID, add []string) error {
	if len(add) == 0 {
		return nil
	}
	if err := h.release(ctx, id, add); err != nil {
		return err
	}
	if err := h.Steps.Send(ctx, events.NewAddressRelease(string(id), add), confirmWait); err != nil {
		return fmt.Errorf("have addresses freed that tenant %s did not get: %w", id, err)
	}
	return nil
}

// release frees those of some addresses that a tenant does not have.
func (h *Handler) release(ctx context.Context, id pool.TenantID, add []string) error {
	t, err := h.Ledger.Tenant(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		return nil // nobody registered anything for it but its signup, which may be about it
	}
	if err != nil {
		return fmt.Errorf("read tenant %s, which does not get what it wished for: %w", id, err)
	}
	for _, address := range add {
		if slices.Contains(t.Reached(), address) {
			continue
		}
		if err := h.free(ctx, address, t); err != nil {
			return err
		}
	}
	return nil
}

// free frees an address that a tenant, as it was seen, does not have; that it is another's by now is no error.
// pool.ErrConflict when the tenant's record has changed: it may have got the address.
func (h *Handler) free(ctx context.Context, address string, seen pool.Tenant) error {
	err := h.Ledger.Unregister(ctx, address, seen)
	if errors.Is(err, pool.ErrConflict) {
		// Of another it can't be taken; and one that is nobody's is its own for a moment.
		if taken := h.Ledger.Register(ctx, address, seen.ID); errors.Is(taken, pool.ErrTaken) {
			return nil
		}
		err = h.Ledger.Unregister(ctx, address, seen)
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
	if err := h.Refused.SendRaw(ctx, d.Body, map[string]string{"field": bad.Field, "reason": bad.Reason}); err != nil {
		return fmt.Errorf("keep a refused message: %w", err)
	}
	h.Log.WarnContext(ctx, "change of addresses rejected", "messageId", d.ID, "tenant", tenantID, "field", bad.Field, "reason", bad.Reason)
	return h.Announce.RequestRejected(ctx, events.TypeInstanceChangeRequested, d.ID, tenantID, bad)
}
