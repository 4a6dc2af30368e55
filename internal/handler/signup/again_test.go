package signup

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// gone returns a world in which acme was served, and has left; held says that what it may hold is not taken back yet.
func gone(t fatal, call killtest.Call, held bool) *world {
	w := newWorld(t, call, 0)
	w.remark = true
	w.add(pool.Database, 3)
	w.add(pool.Share, 3)
	w.reconcile()
	w.drain(w.undisturbed)
	w.ask("acme", "10.0.0.1")
	w.drain(w.undisturbed)
	w.now = w.now.Add(time.Minute)
	w.leaves("acme", held)
	w.now = w.now.Add(time.Minute)
	return w
}

// undisturbed delivers a message to a handler that is not killed.
func (w *world) undisturbed(d events.Delivery) error {
	return w.handler(undisturbed).Message(context.Background(), d)
}

// leaves records the departure of a tenant, whose claim is settled before.
func (w *world) leaves(id pool.TenantID, held bool) {
	w.t.Helper()
	ctx := context.Background()
	w.now = w.now.Add(pool.SettleAfter)
	w.reconcile()
	t := w.tenant(id)
	left, d, err := pool.Leave(t, pool.Departure{Reason: "it ends", RequestedBy: "billing", RequestedAt: w.now}, pool.DefaultTerms, w.now)
	w.must(err)
	left.Held = held
	w.must(w.ledger.Depart(ctx, t, left, d))
}

// takenBack lets the name of a tenant that left sign up again.
func (w *world) takenBack(id pool.TenantID) {
	w.t.Helper()
	_, _, err := ledger.UpdateTenant(context.Background(), w.ledger, id, func(t pool.Tenant) (pool.Tenant, error) {
		t.Held = false
		return t, nil
	})
	w.must(err)
}

func TestATenantThatLeftSignsUpAgainKilledAtEveryCall(t *testing.T) {
	for name, address := range map[string]string{"with the same address": "10.0.0.1", "with another": "10.0.0.9"} {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
				w := gone(t, life.Call, false)
				w.ask("acme", address)
				w.deliver(life)
				if again := w.tenant("acme"); again.State != pool.TenantReady || again.Mark == "mark000001" || !slices.Equal(again.Addresses, []string{address}) {
					t.Errorf("it is %+v", again)
				}
				return w.markless(w.outcome("acme"))
			})
		})
	}
}

func TestALateSignupKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := gone(t, life.Call, false)
		w.forgets("acme")
		for _, address := range []string{"10.0.0.1", "10.0.0.9"} { // sent before it left
			w.late("acme", address, life)
		}
		for _, address := range []string{"10.0.0.1", "10.0.0.9"} {
			if err := w.ledger.Register(context.Background(), address, "somebody"); err != nil {
				t.Errorf("%s: %v", address, err)
			}
		}
		if left := w.tenant("acme"); left.State != pool.TenantLeft {
			t.Errorf("it is %s", left.State)
		}
		return w.markless(w.outcome("acme"))
	})
}

// A tombstone whose slots are being taken back waits for that: its next life would be given them.
func TestATenantWhoseSlotsAreTakenBackSignsUpAgainAfterThat(t *testing.T) {
	w := gone(t, undisturbed, true)
	w.ask("acme", "10.0.0.1")
	for range 3 {
		d, ok := w.signups.Receive(visibility)
		if !ok {
			t.Fatal("its message is gone")
		}
		if err := w.undisturbed(d); !errors.Is(err, pool.ErrHeld) {
			t.Fatalf("it is answered %v", err)
		}
		w.now = w.now.Add(visibility + time.Second)
	}
	if left := w.tenant("acme"); left.State != pool.TenantLeft {
		t.Fatalf("it is %s", left.State)
	}
	w.takenBack("acme")
	w.drain(w.undisturbed)
	if again := w.tenant("acme"); again.State != pool.TenantReady || again.Share.Index == 1 {
		t.Errorf("it is %s, with slot %d", again.State, again.Share.Index)
	}
}

// What a signup of the earlier life took late is given back before the next life takes its own.
func TestWhatAnEarlierLifeTookLateIsNotTheNextOnes(t *testing.T) {
	w := gone(t, undisturbed, false)
	late, err := w.ledger.Claim(context.Background(), tier, "acme", false)
	w.must(err)
	w.ask("acme", "10.0.0.1")
	w.drain(w.undisturbed)
	again := w.tenant("acme")
	if again.State != pool.TenantReady || again.Anew || again.Database.Same(pool.HoldingOf(late.Database)) || again.Share.Same(pool.HoldingOf(late.Share)) {
		t.Fatalf("it is %+v, and the earlier life had taken %+v", again, late)
	}
	w.now = w.now.Add(pool.SettleAfter)
	w.reconcile()
	host := w.host(late.Share.Host)
	if slot := host.Slot(late.Share.Offer.Index); slot.State != pool.SlotReturned {
		t.Errorf("the slot that was taken late is %+v", *slot)
	}
}

func TestTheAddressOfATenantThatLeftIsNotTakenFromOthers(t *testing.T) {
	w := gone(t, undisturbed, false)
	w.forgets("acme")
	w.ask("other", "10.0.0.1")
	w.drain(w.undisturbed)
	w.ask("acme", "10.0.0.1")
	w.drain(w.undisturbed)
	if left := w.tenant("acme"); left.State != pool.TenantLeft || !strings.Contains(string(w.bus.Of("SignupRejected")[0]), "belongs to another tenant") {
		t.Errorf("it is %s; said %s", left.State, w.bus.Of("SignupRejected"))
	}
	if w.said("StorageReady") != "acme other" {
		t.Errorf("ready: %s", w.said("StorageReady"))
	}
}

// forgets frees the addresses of a tenant that left, as the end of its departure does.
func (w *world) forgets(id pool.TenantID) {
	w.t.Helper()
	ctx := context.Background()
	addresses := w.tenant(id).Addresses
	_, left, err := ledger.UpdateTenant(ctx, w.ledger, id, func(t pool.Tenant) (pool.Tenant, error) {
		t.Addresses = nil
		return t, nil
	})
	w.must(err)
	for _, address := range addresses {
		w.must(w.ledger.Unregister(ctx, address, left))
	}
}

// late delivers a signup that was sent before its tenant left.
func (w *world) late(tenant, address string, life *killtest.Life) {
	w.t.Helper()
	d := queuetest.Delivery(queuetest.Message{
		ID: "late", Body: `{"version":"1","tenantId":"` + tenant + `","tier":"standard","instanceIp":"` + address + `"}`, SentAt: start,
	})
	w.must(life.Deliver(func() error { return w.handler(life.Call).Message(context.Background(), d) }))
}

// markless is an outcome without the marks, of which a signup that is killed draws another.
func (w *world) markless(o outcome) outcome {
	for _, list := range [][]string{o.Tenants, o.Events, o.Secrets, o.Shares, o.Logins} {
		for i := range list {
			list[i] = drawnMark.ReplaceAllString(list[i], "mark")
		}
	}
	return o
}

// Two copies of the message of one who signs up again are handled at once. One has read that something may have to be given
// back, and is overtaken: what the other has claimed since is the tenant's own.
func TestWhatWasClaimedAnewIsNotGivenBackByACopyOfTheMessage(t *testing.T) {
	w := gone(t, undisturbed, false)
	w.ask("acme", "10.0.0.1")
	d, _ := w.signups.Receive(time.Hour)
	overtaken := false
	w.must(w.handler(func(operation string, do func() error) error {
		if operation == "Shelf" && !overtaken { // the first look of the giving back
			overtaken = true
			w.must(w.once(d))
		}
		return do()
	}).Message(context.Background(), d))
	if !overtaken {
		t.Fatal("nothing was given back")
	}
	w.now = w.now.Add(pool.SettleAfter)
	w.reconcile()
	acme := w.tenant("acme")
	for _, has := range []pool.Holding{acme.Database, acme.Share} {
		h := w.host(has.Host)
		if slot := h.Slot(has.Index); acme.State != pool.TenantReady || slot.State != pool.SlotAssigned || slot.Tenant != "acme" {
			t.Errorf("acme is %s, and its slot %+v", acme.State, slot)
		}
	}
}
