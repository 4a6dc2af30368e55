package signup

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// hold has tenants hold slots of the shelf that nobody settles.
func (w *world) hold(t *testing.T, tenants int) {
	t.Helper()
	before := w.shelf()
	after := before.Clone()
	for n := range tenants {
		after.Held[pool.TenantID(fmt.Sprintf("other%d", n))] = pool.Hold{}
	}
	w.must(w.ledger.SaveShelf(t.Context(), before, after))
}

func TestASignupAtABusyShelfComesLaterAndIsNoFailure(t *testing.T) { // C1
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.reconcile()
	w.hold(t, pool.HeldMost)
	w.ask("acme", "10.0.0.1")
	w.drainFor(time.Hour, w.once)
	tenant := w.tenant("acme")
	if tenant.State != pool.TenantRequested || tenant.Tries != 0 || tenant.Count != 0 || tenant.Error != "" || tenant.Overdue(w.now) {
		t.Errorf("after an hour: %+v", tenant)
	}
	if said := w.said("StorageWaiting"); said != "" || len(w.refused.Messages()) != 0 || strings.Contains(w.written.String(), `"level":"WARN"`) {
		t.Errorf("told to wait: %q, dead letters: %v", said, w.refused.Messages())
	}
	if n := strings.Count(w.written.String(), events.TypeShelfCheck); n < 10 {
		t.Errorf("%d looks at the shelf were asked for in an hour", n)
	}
	before := w.shelf()
	after := before.Clone()
	clear(after.Held)
	w.must(w.ledger.SaveShelf(t.Context(), before, after))
	w.drain(w.once)
	if w.tenant("acme").State != pool.TenantReady || w.said("StorageReady") != "acme" {
		t.Errorf("once it is not busy: %+v", w.tenant("acme"))
	}
}

func TestNobodyIsToldToWaitWhileSlotsAreOnTheirWay(t *testing.T) { // C1
	for name, test := range map[string]struct {
		databases, shares int
		refill            bool // is under way, of another that is slow
		waits             bool
	}{
		"another sets out the last ones": {1, 1, true, false},
		"there are no shares":            {1, 0, true, true},
		"there is nothing":               {0, 0, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, undisturbed, 0)
			if test.databases > 0 {
				w.add(pool.Database, test.databases)
			}
			if test.shares > 0 {
				w.add(pool.Share, test.shares)
			}
			if test.refill {
				host := w.host("database-standard-1")
				_, err := w.ledger.BeginRefill(t.Context(), tier, pool.Refill{
					Number: 1, At: w.now, Offers: pool.List(pool.Database, []pool.Offer{host.Slots[0].Offer(host.ID)}),
				})
				w.must(err)
			}
			w.ask("acme", "10.0.0.1")
			w.drainFor(time.Second, w.once)
			if waits := w.tenant("acme").State == pool.TenantWaiting; waits != test.waits {
				t.Errorf("waits: %v", waits)
			}
			w.drain(w.once)
			if ready := w.tenant("acme").State == pool.TenantReady; ready == test.waits {
				t.Errorf("ready: %v", ready)
			}
		})
	}
}

func TestInACrowdTheRecordNamesTheSlotsBeforeTheyAreOpened(t *testing.T) { // C1
	for name, crowd := range map[string]bool{"few sign up": false, "many sign up": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, undisturbed, 0)
			w.add(pool.Database, 2)
			w.add(pool.Share, 2)
			w.reconcile()
			w.drain(w.once) // what the reconciler asked for
			if crowd {
				w.hold(t, pool.ShelfHeld+5)
			}
			w.fail["Open"] = errNotNow
			w.ask("acme", "10.0.0.1")
			w.drainFor(0, w.once)
			hold, held := w.shelf().Held["acme"]
			tenant := w.tenant("acme")
			if !held || tenant.Named() != crowd || tenant.State != pool.TenantRequested {
				t.Fatalf("held %v, tenant %+v", held, tenant)
			}
			w.now = w.now.Add(pool.SettleAfter)
			w.reconcile()
			if _, held := w.shelf().Held["acme"]; held == crowd {
				t.Errorf("held after settling: %v", held)
			}
			// What is settled is opened all the same, and it is what was claimed.
			delete(w.fail, "Open")
			w.drain(w.once)
			tenant = w.tenant("acme")
			if tenant.State != pool.TenantReady || tenant.Database.Index != hold.Database.Index || tenant.Share.Index != hold.Share.Index {
				t.Errorf("held %+v, and got %+v", hold, tenant)
			}
			share := w.host(tenant.Share.Host)
			if slot := share.Slot(tenant.Share.Index); crowd && slot.Tenant != "acme" {
				t.Errorf("slot %+v", slot)
			}
		})
	}
}

// Two copies of a signup: one names the slots, and its claim is settled; the other one, which read the record before,
// claims again. What that took goes back.
func TestWhatACopyClaimsAfterTheSlotsAreNamedGoesBack(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.reconcile()
	w.drain(w.once) // what the reconciler asked for
	w.hold(t, pool.ShelfHeld+5)
	w.fail["Open"] = errNotNow
	w.ask("acme", "10.0.0.1")
	w.drainFor(0, w.once)
	w.now = w.now.Add(pool.SettleAfter)
	w.reconcile()
	if _, err := w.ledger.Claim(t.Context(), tier, "acme", false); err != nil { // the copy's
		t.Fatal(err)
	}
	for range 2 {
		w.now = w.now.Add(pool.SettleAfter)
		w.reconcile()
	}
	if hold, held := w.shelf().Held["acme"]; held {
		t.Errorf("the copy's claim is still held: %+v", hold)
	}
	delete(w.fail, "Open")
	w.drain(w.once)
	if s := w.shelf(); s.Pairs() != 1 || len(s.Withdrawn) != 0 {
		t.Errorf("%d pairs, withdrawn %v, held %v", s.Pairs(), s.Withdrawn, s.Held["acme"])
	}
	if tenant := w.tenant("acme"); tenant.State != pool.TenantReady || tenant.Database.Index != 1 {
		t.Errorf("tenant %+v", tenant)
	}
}

func TestAWaitingListAtABusyShelfIsServedLater(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	if w.tenant("acme").State != pool.TenantWaiting {
		t.Fatalf("tenant %+v", w.tenant("acme"))
	}
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.hold(t, pool.HeldMost)
	w.reconcile()
	w.drainFor(time.Minute, w.once)
	if w.tenant("acme").State != pool.TenantWaiting {
		t.Errorf("served by a busy shelf: %+v", w.tenant("acme"))
	}
	before := w.shelf()
	after := before.Clone()
	clear(after.Held)
	w.must(w.ledger.SaveShelf(t.Context(), before, after))
	w.drain(w.once)
	if w.tenant("acme").State != pool.TenantReady {
		t.Errorf("tenant %+v", w.tenant("acme"))
	}
}

// Signups that fail again and again hold no more than they need of the shelf: others get by.
func TestASignupThatIsTriedAgainTakesUpNoRoomOnTheShelf(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.reconcile()
	w.fail["Tag"] = errNotNow
	w.ask("acme", "10.0.0.1")
	w.drainFor(time.Minute, w.once)
	if tenant := w.tenant("acme"); !tenant.Named() || tenant.State != pool.TenantRequested {
		t.Fatalf("tenant %+v", tenant)
	}
	w.now = w.now.Add(pool.SettleAfter)
	w.reconcile()
	if s := w.shelf(); len(s.Held) != 0 || len(s.Withdrawn) != 0 {
		t.Errorf("held %v, withdrawn %v", s.Held, s.Withdrawn)
	}
}

func TestATierThatIsTakenOutMeanwhileServesWhoIsKnown(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.ask("acme", "10.0.0.1")
	first := true
	w.drain(func(d events.Delivery) error {
		h := w.handler(func(operation string, do func() error) error {
			if operation == "Claim" && first { // the policies change after the message was checked
				first = false
				for i := range w.policies {
					w.policies[i].Tier = "gold"
				}
			}
			return do()
		})
		return h.Message(t.Context(), d)
	})
	if state := w.tenant("acme").State; state != pool.TenantReady {
		t.Errorf("tenant is %s", state)
	}
}

// A record that was put back may name what is another's by now: a signup does not open that.
func TestASignupDoesNotOpenWhatIsAnothersByItsHost(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.reconcile()
	w.fail["Tag"] = errNotNow
	w.ask("acme", "10.0.0.1")
	w.drainFor(time.Minute, w.once)
	w.now = w.now.Add(pool.SettleAfter)
	w.reconcile()
	has := w.tenant("acme").Database
	before := w.host(has.Host)
	after := before.Clone()
	after.Slot(has.Index).Tenant = "globex"
	w.must(w.ledger.SaveHost(context.Background(), before, after, pool.Neutral, w.now))
	delete(w.fail, "Tag")
	w.retryOverdue("acme")
	w.drainFor(time.Minute, w.once)
	if acme := w.tenant("acme"); acme.State != pool.TenantRequested {
		t.Errorf("acme is %s, with what is globex's", acme.State)
	}
}
