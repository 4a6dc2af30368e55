package shelf

import (
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

// TestASlotThatARecoveryFreedUnderAHoldIsSetOutOnce has a recovery find that a tenant has other slots than it holds on the shelf,
// and that what it holds is nobody's.
func TestASlotThatARecoveryFreedUnderAHoldIsSetOutOnce(t *testing.T) {
	w := serving(t)
	acme, hold := w.tenant(t, "acme"), w.shelf(t).Held["acme"]
	other := acme.Clone()
	other.Database.Generation, other.Share.Generation = acme.Database.Generation+1, acme.Share.Generation+1
	_, err := w.ledger.SaveTenant(t.Context(), acme, other)
	must(t, err)
	for _, l := range hold.Listed() {
		before := w.host(t, l.Host(tier))
		after := before.Clone()
		slot := after.Slot(l.Offer.Index)
		slot.State, slot.Refill = pool.SlotFree, 0
		must(t, w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
	}
	for range 4 {
		must(t, w.reconcile())
		w.now = w.now.Add(pool.SettleAfter + time.Second)
	}
	s := w.shelf(t)
	for _, k := range pool.Kinds {
		offers := s.Offers(k)
		slices.SortFunc(offers, func(a, b pool.Offer) int { return a.Index - b.Index })
		if len(offers) != 3 || len(slices.Compact(slices.Clone(offers))) != 3 {
			t.Errorf("of kind %s lie on the shelf %v", k, offers)
		}
	}
	if _, held := s.Held["acme"]; held {
		t.Errorf("held: %v", s.Held)
	}
}
