package faults

import (
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// Some things are looked at twice, so that one look alone keeps nothing from being right: what comes of it in the end can't show that
// the other one is blind. These are asked themselves.

// asksGuard asks the guard, once a minute, whether what a tenant left with may go while its grace lasts, where all else is as it wants it.
func (w *world) asksGuard() {
	for _, d := range w.ledger.Books().Departures {
		if d.State != pool.DepartureLeaving || !d.Handed() || !w.now.Add(clocksApart).Before(d.RequestedAt.Add(w.town.grace)) {
			continue
		}
		d.State = pool.DepartureScrubbing
		d.Proofs = append(slices.Clone(d.Proofs), pool.Proof{Step: pool.StepVerify, What: "every entry was compared"})
		d.Archive.Key, d.Archive.VersionID, d.Archive.SHA256 = string(d.ID())+"/1.zip", "v1", strings.Repeat("0", 64)
		d.Archive.RetainUntil = w.now.Add(365 * 24 * time.Hour)
		has := d.Tenant.Database
		against := pool.Guard(pool.Target{
			What: "database", Name: has.Name, Want: has.Name, Mark: "m", WantMark: "m", Departure: d,
			Clearance: pool.Clearance{Departure: d.ID(), State: pool.ClearanceScrubbing, Holding: has},
			Slot:      pool.Slot{Index: has.Index, Generation: has.Generation, State: pool.SlotLeaving, Tenant: d.Tenant.ID},
		}, w.now)
		if len(against) == 0 {
			w.found("the guard refuses what is in its grace", "of %s it has nothing against database %s, and that was wanted at %s", d.ID(), has.Name, d.RequestedAt.Sub(w.begun))
		}
	}
}

// hearChanged holds what is said of addresses to what is so: who is said to be out is no client of the tenant's share any more. It may
// be said late.
func (t *town) hearChanged(e events.AccessChanged) {
	a := t.w.account()
	tenant := a.Tenants[pool.TenantID(e.TenantID)]
	if tenant.State != pool.TenantReady || len(tenant.Change.Evicted) == 0 {
		return
	}
	if undoing(a.Books, tenant.ID) {
		return // who lets it in again may have read its record before: it reads it once more then, and sets what that says
	}
	for _, share := range t.w.cloud.gateways.Shares() {
		at, known := a.shares[share.ID]
		if !known || at.host != tenant.Share.Host || at.index != tenant.Share.Index {
			continue
		}
		for _, address := range e.Removed {
			if slices.Contains(share.Clients, address+"/32") && !slices.Contains(tenant.Desired(), address) {
				t.w.found("who is said to be put out is out", "%s is a client of share %s of %s", address, share.ID, tenant.ID)
			}
		}
	}
}
