package shelf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// serving returns a world in which acme and other are ready, and their claims are not settled yet.
func serving(t *testing.T) *world {
	t.Helper()
	w := given(t, memory.Options{}, pool.Pack, 0, []int{4}, []int{4})
	must(t, errors.Join(w.reconcile(), w.signUp("acme", atOnce), w.signUp("other", atOnce)))
	if s := w.shelf(t); len(s.Held) != 2 {
		t.Fatalf("held: %v", s.Held)
	}
	return w
}

func (w *world) tenant(t *testing.T, id pool.TenantID) pool.Tenant {
	t.Helper()
	tenant, err := w.ledger.Tenant(t.Context(), id)
	must(t, err)
	return tenant
}

// leaves records the departure of a tenant, and returns its record as it was.
func (w *world) leaves(t *testing.T, id pool.TenantID, held bool) pool.Tenant {
	t.Helper()
	of := w.tenant(t, id)
	left, d, err := pool.Leave(of, pool.Departure{RequestedAt: w.now}, pool.DefaultTerms, w.now)
	must(t, err)
	left.Held = held
	must(t, w.ledger.Depart(t.Context(), of, left, d))
	return of
}

// places are the slots of all hosts, and what is held.
func (w *world) places(t *testing.T) (all []string) {
	t.Helper()
	for _, id := range w.hosts {
		for _, slot := range w.host(t, id).Slots {
			all = append(all, fmt.Sprintf("%s/%d is %s %s", id, slot.Index, slot.State, slot.Tenant))
		}
	}
	s := w.shelf(t)
	for id := range s.Held {
		all = append(all, "held by "+string(id))
	}
	slices.Sort(all)
	return append(all, fmt.Sprintf("%d withdrawn, %d pairs", len(s.Withdrawn), s.Pairs()))
}

func TestTheClaimOfOneWhoLeavesIsSettledAtOnceKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) []string {
		w := serving(t)
		acme := w.tenant(t, "acme")
		for range 2 { // the second has nothing to do
			must(t, life.Deliver(func() error { return w.reconciler(life.Call).SettleFor(context.Background(), acme) }))
		}
		if s := w.shelf(t); len(s.Held) != 1 || s.Held["other"] == (pool.Hold{}) {
			t.Errorf("held: %v", s.Held)
		}
		for _, has := range []pool.Holding{acme.Database, acme.Share} {
			if slot := w.host(t, has.Host).Slots[has.Index-1]; slot.State != pool.SlotAssigned || slot.Tenant != "acme" {
				t.Errorf("slot of %s: %+v", has.Host, slot)
			}
		}
		return w.places(t)
	})
}

// What the shelf holds for a tenant, and its record does not name, is not what it leaves.
func TestAStrayIsNotSettledForOneWhoLeaves(t *testing.T) {
	w := serving(t)
	must(t, w.reconciler(atOnce).SettleFor(t.Context(), w.tenant(t, "acme")))
	_, err := w.ledger.Claim(t.Context(), tier, "acme", false)
	must(t, err)
	before := w.places(t)
	must(t, w.reconciler(atOnce).SettleFor(t.Context(), w.tenant(t, "acme")))
	if after := w.places(t); !slices.Equal(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
}

func TestWhatIsTakenFromATenantRestsKilledAtEveryCall(t *testing.T) {
	for name, test := range map[string]struct {
		settled, all bool
		taken        int
	}{
		"on the shelf":              {false, false, 2},
		"settled":                   {true, false, 2},
		"all, on the shelf":         {false, true, 2},
		"all, settled with a stray": {true, true, 4},
	} {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) []string {
				w := serving(t)
				acme := w.tenant(t, "acme")
				if test.settled {
					must(t, w.reconciler(atOnce).SettleFor(t.Context(), acme))
				}
				if test.taken > 2 {
					_, err := w.ledger.Claim(t.Context(), tier, "acme", false)
					must(t, err)
				}
				holds := []pool.Holding{acme.Database, acme.Share}
				must(t, life.Deliver(func() error {
					return w.reconciler(life.Call).TakeFrom(context.Background(), acme, holds, func(pool.Tenant) bool { return test.all })
				}))
				must(t, w.reconcile()) // puts what was taken off the shelf back into the hosts' records
				returned := 0
				for _, id := range w.hosts {
					for _, slot := range w.host(t, id).Slots {
						if slot.State == pool.SlotReturned {
							returned++
						}
						if slot.Tenant == "acme" && slot.State != pool.SlotReturned { // that one says whom it was taken from
							t.Errorf("slot %s/%d is acme's still", id, slot.Index)
						}
					}
				}
				if returned != test.taken {
					t.Errorf("%d slots rest, want %d", returned, test.taken)
				}
				return w.places(t)
			})
		})
	}
}

// What is named is taken, and nothing else: neither another claim of the tenant's, nor another's slot.
func TestNothingElseIsTakenFromATenant(t *testing.T) {
	w := serving(t)
	acme, other := w.tenant(t, "acme"), w.tenant(t, "other")
	before := w.places(t)
	k := w.reconciler(atOnce)
	must(t, errors.Join(
		k.TakeFrom(t.Context(), acme, nil, nil),
		k.TakeFrom(t.Context(), acme, nil, func(now pool.Tenant) bool { return now.Anew }), // it has its claim by right
		k.TakeFrom(t.Context(), acme, []pool.Holding{other.Database, other.Share}, nil),
		k.SettleFor(t.Context(), other),
		k.TakeFrom(t.Context(), acme, []pool.Holding{other.Database, other.Share}, nil),
	))
	if s := w.shelf(t); s.Held["acme"] == (pool.Hold{}) {
		t.Errorf("held: %v, before %v", s.Held, before)
	}
	for _, has := range []pool.Holding{other.Database, other.Share} {
		if slot := w.host(t, has.Host).Slots[has.Index-1]; slot.Tenant != "other" || slot.State != pool.SlotAssigned {
			t.Errorf("slot of %s: %+v", has.Host, slot)
		}
	}
}

// A signup that had stalled since before its tenant left may take slots for a tombstone. They come back, but not while
// its departure takes back itself what the tenant holds.
func TestWhatIsTakenForATombstoneComesBack(t *testing.T) {
	w := serving(t)
	must(t, w.reconciler(atOnce).SettleFor(t.Context(), w.tenant(t, "acme")))
	w.leaves(t, "acme", true)
	claim, err := w.ledger.Claim(t.Context(), tier, "acme", false)
	must(t, err)
	w.now = w.now.Add(pool.SettleAfter)
	must(t, w.reconcile())
	if s := w.shelf(t); s.Held["acme"] == (pool.Hold{}) {
		t.Fatalf("it came back while its departure was at it: %v", s.Held)
	}
	before := w.tenant(t, "acme")
	after := before.Clone()
	after.Held = false
	_, err = w.ledger.SaveTenant(t.Context(), before, after)
	must(t, err)
	w.now = w.now.Add(pool.SettleAfter)
	must(t, errors.Join(w.reconcile(), w.reconcile()))
	if s := w.shelf(t); len(s.Held) != 0 || len(s.Withdrawn) != 0 {
		t.Fatalf("held %v, withdrawn %v", s.Held, s.Withdrawn)
	}
	host := w.host(t, claim.Share.Host)
	if slot := host.Slot(claim.Share.Offer.Index); slot.Tenant != "" || slot.State == pool.SlotAssigned {
		t.Errorf("the slot is %+v", *slot)
	}
}

// The pool check's reconciler may be settling the same claim: whoever is first, it is settled once, and nobody's slot is
// lost.
func TestSettlingForOneMeetsSettlingForMany(t *testing.T) {
	for calls := range 20 {
		w := serving(t)
		acme := w.tenant(t, "acme")
		w.now = w.now.Add(pool.SettleAfter)
		w.Start(func(call killtest.Call) error { return w.reconciler(call).SettleFor(context.Background(), acme) })
		for range calls {
			if w.Running() > 0 {
				step(t, w)
			}
		}
		must(t, w.reconcile())
		for w.Running() > 0 {
			step(t, w)
		}
		if s := w.shelf(t); s.Held["acme"] != (pool.Hold{}) {
			t.Errorf("after %d calls: held %v", calls, s.Held)
		}
		for _, has := range []pool.Holding{acme.Database, acme.Share} {
			if slot := w.host(t, has.Host).Slots[has.Index-1]; slot.State != pool.SlotAssigned || slot.Tenant != "acme" {
				t.Errorf("after %d calls: %+v", calls, slot)
			}
		}
	}
}
