package signup

import (
	"context"
	"testing"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// stalled delivers a signup of acme to an invocation that stalls when an operation was carried out, until
// something else has happened meanwhile, such as the delivery of a copy.
func (w *world) stalled(t *testing.T, operation string, meanwhile func(copied events.Delivery)) (left error) {
	t.Helper()
	w.ask("acme", "10.0.0.7")
	d, ok := w.signups.Receive(visibility)
	if !ok {
		t.Fatal("there is no message")
	}
	happened := false
	var call killtest.Call = func(op string, do func() error) error {
		err := do()
		if op == operation && !happened {
			happened = true
			meanwhile(d)
		}
		return err
	}
	left = w.handler(call).Message(t.Context(), d)
	if !happened {
		t.Fatalf("there was no %s", operation)
	}
	if left == nil {
		w.signups.Delete(d.ID)
	}
	return left
}

// doubt puts a host out of service.
func (w *world) doubt(id pool.HostID) {
	w.t.Helper()
	before := w.host(id)
	doubted, err := pool.Suspect(before, "it does not answer", w.now)
	w.must(err)
	w.must(w.ledger.SaveHost(context.Background(), before, doubted, pool.Neutral, w.now))
}

// A copy of its message has served the tenant: what this one could not open then is the tenant's, and in use.
func TestATenantThatIsServedMeanwhileKeepsItsSlots(t *testing.T) {
	w, dead := deadHost(t, undisturbed)
	_ = w.stalled(t, "Open", func(copied events.Delivery) {
		w.dead = map[string]bool{}
		w.must(w.once(copied))
		w.doubt(dead)
	})
	acme := w.tenant("acme")
	if acme.State != pool.TenantReady || acme.Database.Host != dead || len(acme.Spent) != 0 {
		t.Errorf("acme is %s on %q, exchanged %d times", acme.State, acme.Database.Host, len(acme.Spent))
	}
}

// Of two copies that can't open the same slots, one has the tenant begin anew.
func TestSlotsAreExchangedByOneOfTwoCopies(t *testing.T) {
	w, dead := deadHost(t, undisturbed)
	_ = w.stalled(t, "Open", func(copied events.Delivery) {
		w.doubt(dead)
		w.must(w.once(copied))
	})
	if n := len(w.tenant("acme").Spent); n != 1 {
		t.Errorf("exchanged %d times", n)
	}
	w.drain(w.once)
	if acme := w.tenant("acme"); acme.State != pool.TenantReady || acme.Database.Host == dead || len(acme.Spent) != 1 {
		t.Errorf("acme is %s on %s, exchanged %d times", acme.State, acme.Database.Host, len(acme.Spent))
	}
}

// What was opened is recorded only while it is what the tenant is to have: not when it was exchanged meanwhile.
func TestSlotsThatWereExchangedMeanwhileAreNotRecorded(t *testing.T) {
	w, dead := deadHost(t, undisturbed)
	w.dead = map[string]bool{}
	_ = w.stalled(t, "Open", func(copied events.Delivery) {
		w.doubt(dead)
		w.dead[w.host(dead).Access.Address] = true
		w.must(w.once(copied))
		w.dead = map[string]bool{}
	})
	w.drain(w.once)
	acme := w.tenant("acme")
	if acme.State != pool.TenantReady || acme.Database.Host == dead || len(acme.Returning) != 0 {
		t.Fatalf("acme is %s on %s, and has %v to give back", acme.State, acme.Database.Host, acme.Returning)
	}
	w.reconcile()
	for _, slot := range w.host(dead).Slots {
		if slot.State != pool.SlotReturned && slot.Tenant == "acme" {
			t.Errorf("slot %d of the host in doubt is acme's", slot.Index)
		}
	}
}
