package decommission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// certify stores the certificate beside the archive, under the same lock, frees the tenant's addresses, and says that the
// tenant is released.
func (h *Handler) certify(ctx context.Context, d pool.Departure) (leaving, error) {
	if waits, err := h.forgetRestoration(ctx, d); waits != nil || err != nil {
		d.Due = h.Now().Add(pool.Deadline(d.Step)) // it has deadlines of its own
		return leaving{Record: d, Wait: restoreWait, Because: waits}, err
	}
	certificate, err := h.certificate(ctx, d)
	if err != nil {
		return leaving{}, err
	}
	if certificate, err = h.stored(ctx, d, certificate); err != nil {
		return leaving{}, fmt.Errorf("store the certificate of departure %s: %w", d.ID(), err)
	}
	if err := h.forget(ctx, d); err != nil {
		return leaving{}, err
	}
	if err := h.Announce.TenantReleased(ctx, d, certificate); err != nil {
		return leaving{}, err
	}
	left, err := pool.MoveDeparture(d, pool.DepartureLeft, "", h.Now(), "its certificate is "+certificate.CertifiedKey)
	return leaving{Record: left}, err
}

// certificateMost bounds a certificate that is read, in bytes: it has some lines for each step, and for each snapshot of a host.
const certificateMost = 1 << 20

// stored stores a certificate, and returns the one that is stored by then. The first stays as it is: stored once more it may name
// what is left of a host that was retired since, or other times of steps that were taken again after the table was put back.
func (h *Handler) stored(ctx context.Context, d pool.Departure, c events.Certificate) (events.Certificate, error) {
	content, err := encoded(c)
	if err != nil {
		return c, err
	}
	_, err = h.Objects.Put(ctx, pool.ObjectSpec{
		Bucket: h.Archives, Key: c.CertifiedKey, KMSKey: h.ArchiveKey, ContentType: "application/json", Until: lockedUntil(d),
	}, content)
	if !errors.Is(err, pool.ErrOtherObject) {
		return c, err
	}
	first, _, unread := h.Objects.ReadAll(ctx, pool.ObjectRef{Bucket: h.Archives, Key: c.CertifiedKey}, certificateMost)
	if unread != nil {
		return c, fmt.Errorf("%w; read what is stored: %w", err, unread)
	}
	var stored events.Certificate
	if json.Unmarshal(first, &stored) != nil {
		return c, err
	}
	if !certifySame(stored, c) {
		return c, err
	}
	return stored, nil
}

// certifySame reports whether two certificates certify the same: of one departure, by one archive, that the same slots are free again.
func certifySame(a, b events.Certificate) bool {
	return a.TenantID == b.TenantID && a.Departure == b.Departure && a.Archive == b.Archive && slices.EqualFunc(a.Slots, b.Slots, func(a, b events.CertifiedSlot) bool {
		return a.Kind == b.Kind && a.Host == b.Host && a.Index == b.Index && a.Generation == b.Generation && a.Retired == b.Retired
	})
}

func encoded(c events.Certificate) ([]byte, error) {
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode it: %w", err)
	}
	return content, nil
}

// forget clears away what others may have put back since, being late, and frees the tenant's addresses.
func (h *Handler) forget(ctx context.Context, d pool.Departure) error {
	if d.Handed() {
		share, err := h.Ledger.Host(ctx, d.Tenant.Share.Host)
		if err != nil {
			return fmt.Errorf("read the share host of tenant %s: %w", d.Tenant.ID, err)
		}
		if err := h.evict(ctx, d, share); err != nil {
			return err
		}
		for undone := range d.Tenant.Undone + 1 { // those before were undone
			former := d.Tenant
			former.Undone = undone
			one, err := h.Ledger.Departure(ctx, pool.DepartureIDOf(former))
			if err != nil {
				return fmt.Errorf("read an earlier departure of tenant %s: %w", d.Tenant.ID, err)
			}
			if err := h.forgetCopiers(ctx, one); err != nil {
				return err
			}
		}
	}
	// A signup from before that comes late registers its address again, and frees it again only if its tombstone does not
	// have it.
	_, _, err := ledger.UpdateTenant(ctx, h.Ledger, d.Tenant.ID, func(now pool.Tenant) (pool.Tenant, error) {
		if now.State != pool.TenantLeft || len(now.Addresses) == 0 || pool.DepartureIDOf(now) != d.ID() {
			return now, ledger.ErrUnchanged
		}
		now.Addresses = nil
		return now, nil
	})
	if err != nil {
		return fmt.Errorf("take the addresses from the tombstone of tenant %s: %w", d.Tenant.ID, err)
	}
	for _, address := range d.Tenant.Reached() {
		if err := h.freeAddress(ctx, d, address); err != nil {
			return err
		}
	}
	return nil
}

// freeAddress lets others have an address of a tenant, unless its later life has it, or may have it back.
func (h *Handler) freeAddress(ctx context.Context, d pool.Departure, address string) error {
	for range rounds {
		t, err := h.Ledger.Tenant(ctx, d.Tenant.ID)
		if err != nil {
			return fmt.Errorf("look whether tenant %s has %s again: %w", d.Tenant.ID, address, err)
		}
		if later, err := h.laterLife(ctx, d, t); err != nil || slices.Contains(later, address) {
			return err
		}
		left, err := h.Ledger.Departures(ctx, d.Tenant.ID)
		if err != nil {
			return fmt.Errorf("look whether another life of tenant %s is shut: %w", d.Tenant.ID, err)
		}
		if _, reached := d.Tenant.EarlierLife(left, address); reached {
			return nil // by that life's departure, which frees it
		}
		err = h.Ledger.Unregister(ctx, address, t)
		if err == nil {
			return nil
		}
		if !errors.Is(err, pool.ErrConflict) {
			return fmt.Errorf("free address %s of tenant %s: %w", address, d.Tenant.ID, err)
		}
	}
	// Somebody else has it: it was freed before, by a certify that was cut short.
	h.Log.InfoContext(ctx, "address is not the tenant's any more", "address", address, "tenant", d.Tenant.ID)
	return nil
}

// laterLife are the addresses of what a tenant signed up for after a departure, if it did. It may be leaving again, and
// stay after all.
func (h *Handler) laterLife(ctx context.Context, d pool.Departure, t pool.Tenant) ([]string, error) {
	if t.State != pool.TenantLeft {
		return t.Reached(), nil
	}
	if pool.DepartureIDOf(t) == d.ID() {
		return nil, nil
	}
	next, err := h.Ledger.Departure(ctx, pool.DepartureIDOf(t))
	if err != nil {
		return nil, fmt.Errorf("look whether tenant %s may come back: %w", t.ID, err)
	}
	if next.State.Ended() {
		return nil, nil
	}
	return next.Tenant.Reached(), nil
}

// certificate is the certificate of a departure whose steps are done, and of its clearances. It follows from the records
// alone: those of its own, which are as they are from now on, and those of the hosts, which may be retired yet.
func (h *Handler) certificate(ctx context.Context, d pool.Departure) (events.Certificate, error) {
	certificate := events.Certificate{
		Version: events.Version, TenantID: string(d.Tenant.ID), Departure: string(d.ID()), Reason: d.Reason, RequestedBy: d.RequestedBy,
		RequestedAt: events.At(d.RequestedAt), Archive: archiveRef(d.Archive), Steps: certified(d.Proofs),
		CertifiedKey: string(d.ID()) + "/certificate.json", Slots: []events.CertifiedSlot{}, Remainders: []events.CertifiedTrace{},
	}
	for _, m := range d.Missing {
		certificate.Missing = append(certificate.Missing, events.CertifiedLoss{Gateway: m.Gateway, GivenUp: events.At(m.At), What: m.What})
	}
	if len(d.Proofs) > 0 {
		certificate.CertifiedAt = events.At(d.Proofs[len(d.Proofs)-1].At)
	}
	if !d.Handed() {
		return certificate, nil
	}
	for _, kind := range pool.Kinds {
		c, err := h.Ledger.Clearance(ctx, clearanceOf(d.ID(), kind))
		if err != nil {
			return certificate, err
		}
		certificate.Slots = append(certificate.Slots, events.CertifiedSlot{
			Kind: string(kind), Host: string(c.Holding.Host), Index: c.Holding.Index, Generation: c.Holding.Generation,
			Destroyed: c.Destroyed, Steps: certified(c.Proofs), Retired: c.WhyRetired(),
		})
		certificate.Remainders = append(certificate.Remainders, h.remainders(c)...)
		host, err := h.Ledger.Host(ctx, c.Holding.Host)
		if err != nil {
			return certificate, fmt.Errorf("look what is left of host %s: %w", c.Holding.Host, err)
		}
		certificate.Remainders = append(certificate.Remainders, leftOf(host)...)
	}
	return certificate, nil
}

func certified(proofs []pool.Proof) []events.CertifiedStep {
	var steps []events.CertifiedStep
	for _, p := range proofs {
		steps = append(steps, events.CertifiedStep{Step: string(p.Step), At: events.At(p.At), What: p.What})
	}
	return steps
}

// remainders are what holds some of a slot's data, or names its tenant, still after it was scrubbed, and until when.
func (h *Handler) remainders(c pool.Clearance) (out []events.CertifiedTrace) {
	if c.State == pool.ClearanceRetired {
		out = append(out, events.CertifiedTrace{
			What: fmt.Sprintf("slot %s/%d, which is out of use: it was not proven that nothing is left in it", c.Holding.Host, c.Holding.Index),
		})
	}
	for _, p := range c.Proofs {
		switch {
		case p.Step == pool.StepWithdraw && c.Kind == pool.Database:
			out = append(out,
				events.CertifiedTrace{
					What:  fmt.Sprintf("automated backups of instance %s, which is shared, and its write-ahead log: rows", c.Holding.Host),
					Until: events.At(p.At.Add(h.Backups)),
				},
				events.CertifiedTrace{What: "logs of functions, tasks and the network: the tenant's name and addresses", Until: events.At(p.At.Add(h.Logs))},
			)
		case p.Step == pool.StepWithdraw:
			out = append(out, events.CertifiedTrace{
				What: fmt.Sprintf("blocks of the cache disk of gateway %s, encrypted, until they are used again: nothing serves them", c.Holding.Host),
			})
		}
	}
	return out
}

// leftOf is what is left of a slot's host that was retired since: it was made after the slot was scrubbed, and nobody has
// looked into it.
func leftOf(host pool.Host) (out []events.CertifiedTrace) {
	for _, r := range host.Retire.Left {
		trace := events.CertifiedTrace{What: fmt.Sprintf("%s %s of host %s, which was retired", r.What, r.Name, host.ID)}
		if !r.Until.IsZero() {
			trace.Until = events.At(r.Until)
		}
		out = append(out, trace)
	}
	return out
}

// lockedUntil is until when the certificate can't be deleted: as long as the archive, or as long as the archive would have
// been.
func lockedUntil(d pool.Departure) (until time.Time) {
	if until = d.Archive.RetainUntil; until.IsZero() {
		until = d.Began().Add(d.Retain)
	}
	return until
}
