package decommission

import (
	"context"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// openHalf has a tenant "other" whose database lets it in already, on a host that is cordoned since, where nobody closes
// what is returned; its record does not say so.
func (w *world) openHalf(t pool.Tenant, claim pool.Claim) {
	w.t.Helper()
	w.credentials(t, claim)
	w.databaseOf(claim).login = true
	before := w.host(claim.Database.Host)
	cordoned, err := pool.MoveHost(before, pool.HostCordoned, w.now, "its alarm is on")
	w.must(err)
	w.must(w.ledger.SaveHost(context.Background(), before, cordoned, pool.Neutral, w.now))
}

func (w *world) databaseOf(claim pool.Claim) *database {
	return w.servers[claim.Database.Access.Address].databases[claim.Database.Offer.Name]
}

// Nobody was told of its password; but whoever read it logs in for as long as its database is open.
func TestWhoIsSaidToBeOutBeforeItWasServedIsOutKilledAtEveryCall(t *testing.T) {
	for _, named := range []bool{false, true} {
		killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
			w := newWorld(t)
			w.opensUp()
			var claim pool.Claim
			if named {
				w.names()
				shelf, err := w.ledger.Shelf(t.Context(), tier)
				w.must(err)
				claim, _ = shelf.Reclaim("other")
				w.now = w.now.Add(pool.SettleAfter)
				w.reconcile()
				w.openHalf(w.tenant("other"), claim)
			} else {
				tenant := w.heard()
				claim = w.claims(tenant)
				w.openHalf(tenant, claim)
			}
			w.ask("other", "")
			deliver := w.killable(life)
			w.run(20*time.Minute, func(d events.Delivery) error {
				err := deliver(d)
				if strings.Contains(w.said(), "TenantClosed") && w.databaseOf(claim).login {
					t.Errorf("named %v: it is said to be out, and its database lets it in", named)
				}
				return err
			})
			if w.said() == "" {
				t.Error("it was never said to be out")
			}
			return w.outcome()
		})
	}
}

// What was taken back is free for others, and for whoever has the name next, long before a departure that was cut short
// behind it is gone on with.
func TestWhatWasTakenBackIsNotTakenAgainFromTheNextLife(t *testing.T) {
	w := newWorld(t)
	w.opensUp()
	w.names()
	w.complain = false
	w.fail["Publish"] = errNotNow
	w.ask("other", "")
	for range 100 {
		if w.run(0, w.once); w.tenant("other").State == pool.TenantLeft && !w.tenant("other").Held {
			break
		}
	}
	w.run(time.Minute, w.once)
	for _, id := range w.hosts { // as stackcomplete does when they have rested
		before := w.host(id)
		after := before.Clone()
		for i, slot := range after.Slots {
			if slot.State == pool.SlotReturned {
				reused, err := pool.Reuse(slot, w.now)
				w.must(err)
				after.Slots[i] = reused
			}
		}
		w.must(w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
	}
	w.signsUp("other", "10.0.0.2")
	w.run(pool.SettleAfter+2*time.Minute, w.once)
	next := w.tenant("other")
	if slot := w.slot("database-standard-1", 2); next.State != pool.TenantReady || next.Mark == "markother" || slot.State != pool.SlotAssigned || slot.Tenant != "other" {
		t.Fatalf("its next life is %+v, and has %+v", next, slot)
	}
	delete(w.fail, "Publish")
	w.run(time.Hour, w.once)
	if d := w.departure("other.markother"); d.State != pool.DepartureLeft {
		t.Fatalf("its departure is %s at %q: %s", d.State, d.Step, d.Error)
	}
	for _, id := range w.hosts {
		if slot := w.slot(id, 2); slot.State != pool.SlotAssigned || slot.Tenant != "other" {
			t.Errorf("the next life's slot of %s is %+v", id, slot)
		}
	}
	if !w.servers[next.Database.Address].databases[next.Database.Name].login {
		t.Error("the next life's database is closed")
	}
}
