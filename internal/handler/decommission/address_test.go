package decommission

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// lived returns a world with room for another life of acme, at another gateway if it comes while the first is there.
func lived(t *testing.T) *world {
	w := newWorld(t)
	w.inspect = func(what, name string) { w.mayDestroy(t, what, name) }
	w.short()
	w.serve("second", "10.0.1.2", 2)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.opensUp()
	return w
}

func TestATenantSignsUpAgainAtOnce(t *testing.T) {
	w := lived(t)
	w.furnish("acme")
	w.ask("acme", "")
	w.run(0, w.once)
	w.now = w.now.Add(time.Second)
	w.signsUp("acme", "10.0.0.1")
	w.run(30*time.Second, w.once)
	again := w.tenant("acme")
	if again.State != pool.TenantReady || again.Share.Host != "share-standard-2" {
		t.Fatalf("it is %s at %s", again.State, again.Share.Host)
	}
	w.lives(t, again)
	w.run(3*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
		t.Fatalf("its departure is %s at %q: %s", d.State, d.Step, d.Error)
	}
	w.lives(t, w.tenant("acme"))
	if whose := w.whose("10.0.0.1"); whose != "10.0.0.1 is acme's" {
		t.Error(whose)
	}
	if here, there := w.groups.Rules("sg-1"), w.groups.Rules("sg-2"); !slices.Equal(here, []string{rule("10.0.1.2")}) || !slices.Equal(there, []string{rule("10.0.0.1")}) {
		t.Errorf("rules: %v, %v", here, there)
	}
}

// One that waits for slots when its last life ends is let in at no gateway.
func TestATenantThatWaitsForItsNextLifeIsLetInNowhere(t *testing.T) {
	w := newWorld(t)
	w.short()
	w.serve("second", "10.0.1.2", 2)
	w.terms.CoolDown = pool.Term(time.Hour)
	w.opensUp()
	goOn := w.stall(w.request(), "Close") // and it waits before its rule is gone
	w.now = w.now.Add(time.Second)
	w.signsUp("acme", "10.0.0.1")
	w.run(10*time.Second, func(events.Delivery) error { return nil })
	if again := w.tenant("acme"); again.State != pool.TenantWaiting {
		t.Fatalf("it is %s", again.State)
	}
	goOn()
	w.run(10*time.Minute, w.once)
	if rules := w.groups.Rules("sg-1"); !slices.Equal(rules, []string{rule("10.0.1.2")}) {
		t.Errorf("rules: %v", rules)
	}
	w.run(4*time.Hour, w.once)
	again := w.tenant("acme")
	if again.State != pool.TenantReady || again.Database.Generation != 2 || again.Share.Generation != 2 || !slices.Contains(w.groups.Rules("sg-1"), rule("10.0.0.1")) {
		t.Errorf("it is %s at %+v; rules: %v", again.State, again.Share, w.groups.Rules("sg-1"))
	}
	w.lives(t, again)
}

// A life that leaves while an earlier one is not gone yet keeps its address until it is gone itself: it may stay after
// all.
func TestAnEarlierLifeFreesNoAddressOfALaterOne(t *testing.T) {
	w := lived(t)
	w.ask("acme", "")
	w.run(10*time.Minute, w.once)
	w.signsUp("acme", "10.0.0.1")
	w.run(time.Minute, w.once)
	second := w.tenant("acme")
	w.ask("acme", `,"grace":"5h"`)
	w.run(2*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
		t.Fatalf("its first departure is %s at %q: %s", d.State, d.Step, d.Error)
	}
	if whose := w.whose("10.0.0.1"); whose != "10.0.0.1 is acme's" {
		t.Error(whose)
	}
	w.undo("acme")
	w.run(10*time.Minute, w.once)
	if back := w.tenant("acme"); back.State != pool.TenantReady || back.Mark != second.Mark || !slices.Equal(back.Addresses, []string{"10.0.0.1"}) {
		t.Fatalf("it is %+v", back)
	}
	w.ask("acme", "")
	w.run(4*time.Hour, w.once)
	if whose := w.whose("10.0.0.1"); whose != "10.0.0.1 is free" {
		t.Error(whose)
	}
}

// A signup from before, which comes when its tenant is gone, takes nobody's address.
func TestALateSignupKeepsNoAddress(t *testing.T) {
	w := lived(t)
	w.signsUp("acme", "10.0.0.1")
	var late queuetest.Message
	for _, m := range w.signups.Messages() {
		if strings.Contains(m.Body, "10.0.0.1") {
			late = m
			w.signups.Delete(m.ID)
		}
	}
	w.now = w.now.Add(time.Second)
	for name, at := range map[string]time.Duration{"while it leaves": 10 * time.Minute, "when it is gone": 3 * time.Hour} {
		if _, err := w.ledger.Departure(t.Context(), "acme.markacme"); err != nil {
			w.ask("acme", "")
		}
		w.run(at, w.once)
		w.must(w.signer(undisturbed).Message(context.Background(), queuetest.Delivery(late)))
		if left := w.tenant("acme"); left.State != pool.TenantLeft {
			t.Fatalf("%s: it has signed up again by a message from before", name)
		}
	}
	w.run(3*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
		t.Fatalf("its departure is %s", d.State)
	}
	w.must(w.signer(undisturbed).Message(context.Background(), queuetest.Delivery(late)))
	if whose := w.whose("10.0.0.1"); whose != "10.0.0.1 is free" {
		t.Error(whose)
	}
}

// upTo starts what makes its calls one at a time, and lets it come up to a call.
func upTo(operation string, run func(killtest.Call) error) *killtest.Schedule {
	s := &killtest.Schedule{}
	s.Start(run)
	for s.Running() > 0 && s.Next(0) != operation {
		_, _ = s.Step(0)
	}
	return s
}

// Whoever signs up again and whoever frees the address of the life before meet in any order.
func TestAnAddressIsFreedAndTakenAtOnce(t *testing.T) {
	for _, taking := range []string{"Register", "Request", "SignAgain", "Claim"} {
		for _, freeing := range []string{"Put", "Evict", "SaveTenant", "Unregister", "Publish", "SaveDeparture"} {
			for _, first := range []string{"taken", "freed"} {
				t.Run(taking+" "+freeing+", "+first+" first", func(t *testing.T) {
					w := lived(t)
					w.ask("acme", "")
					w.until(func(d pool.Departure) bool { return d.State == pool.DepartureScrubbing })
					var last events.Delivery
					w.run(2*time.Hour, func(d events.Delivery) error {
						if strings.Contains(d.Body, `"step":"scrub"`) {
							last = d // it waits until the end
							return nil
						}
						return w.once(d)
					})
					last.Redelivered = true // that others have looked since is no matter
					freed := upTo(freeing, func(call killtest.Call) error { return w.handler(call).Message(context.Background(), last) })
					w.signsUp("acme", "10.0.0.1")
					m := slices.IndexFunc(w.signups.Messages(), func(m queuetest.Message) bool { return strings.Contains(m.Body, "10.0.0.1") })
					signup := w.signups.Messages()[m]
					taken := upTo(taking, func(call killtest.Call) error {
						return w.signer(call).Message(context.Background(), queuetest.Delivery(signup))
					})
					if freed.Running() == 0 || taken.Running() == 0 {
						t.Fatalf("they do not make the calls: %d, %d", freed.Running(), taken.Running())
					}
					order := []*killtest.Schedule{freed, taken}
					if first == "taken" {
						slices.Reverse(order)
					}
					for _, s := range order {
						for s.Running() > 0 {
							_, _ = s.Step(0)
						}
					}
					w.run(2*time.Hour, w.once)
					if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
						t.Fatalf("its departure is %s at %q: %s", d.State, d.Step, d.Error)
					}
					again := w.tenant("acme")
					if whose := w.whose("10.0.0.1"); again.State != pool.TenantReady || whose != "10.0.0.1 is acme's" {
						t.Fatalf("it is %s, and %s", again.State, whose)
					}
					_, n, _ := again.Share.Host.Parse()
					if rules := w.groups.Rules(map[int]string{1: "sg-1", 2: "sg-2"}[n]); !slices.Contains(rules, rule("10.0.0.1")) {
						t.Errorf("rules: %v", rules)
					}
				})
			}
		}
	}
}

// Else the shelf would give the same slots, and what is in them, to whoever signs up next under this name.
func TestTheClaimOfOneWhoLeavesIsSettledBefore(t *testing.T) {
	w := lived(t)
	w.signsUp("third", "10.0.0.3")
	w.run(time.Minute, w.once) // claims are settled now, and not again for some minutes
	w.signsUp("other", "10.0.0.2")
	w.run(0, w.once)
	if shelf, err := w.ledger.Shelf(t.Context(), tier); err != nil || shelf.Held["other"] == (pool.Hold{}) {
		t.Fatalf("its claim is settled already: %v", err)
	}
	w.furnish("other")
	was := w.tenant("other")
	w.ask("other", "")
	w.run(0, w.once)
	if shelf, err := w.ledger.Shelf(t.Context(), tier); err != nil || shelf.Held["other"] != (pool.Hold{}) {
		t.Errorf("it is held still: %v", err)
	}
	for _, has := range []pool.Holding{was.Database, was.Share} {
		if slot := w.slot(has.Host, has.Index); slot.State != pool.SlotLeaving || slot.Tenant != "other" {
			t.Errorf("its slot is %+v", *slot)
		}
	}
	w.run(3*time.Hour, w.once)
	if d := w.departure(pool.DepartureIDOf(was)); d.State != pool.DepartureLeft {
		t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
}

// A rule that stays because a next life may get a slot at the same gateway goes when it has one at another.
func TestARuleThatTheNextLifeMightHaveNeededGoesInTheEnd(t *testing.T) {
	w := lived(t)
	goOn := w.stall(w.request(), "Close")
	w.now = w.now.Add(time.Second)
	w.signsUp("acme", "10.0.0.1")
	m := slices.IndexFunc(w.signups.Messages(), func(m queuetest.Message) bool { return strings.Contains(m.Body, "10.0.0.1") })
	signup := w.signups.Messages()[m]
	taken := upTo("Claim", func(call killtest.Call) error {
		return w.signer(call).Message(context.Background(), queuetest.Delivery(signup))
	})
	goOn()
	if rules := w.groups.Rules("sg-1"); !slices.Contains(rules, rule("10.0.0.1")) {
		t.Fatalf("rules: %v", rules)
	}
	w.signups.Delete(signup.ID)
	w.until(func(d pool.Departure) bool { return d.Step == pool.StepGrace })
	for taken.Running() > 0 {
		_, _ = taken.Step(0)
	}
	w.run(3*time.Hour, w.once)
	if d, again := w.departure("acme.markacme"), w.tenant("acme"); d.State != pool.DepartureLeft || again.Share.Host != "share-standard-2" {
		t.Fatalf("its departure is %s, and it is at %s", d.State, again.Share.Host)
	}
	if here, there := w.groups.Rules("sg-1"), w.groups.Rules("sg-2"); slices.Contains(here, rule("10.0.0.1")) || !slices.Contains(there, rule("10.0.0.1")) {
		t.Errorf("rules: %v, %v", here, there)
	}
}
