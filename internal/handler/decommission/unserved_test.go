package decommission

import (
	"context"
	"slices"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// unserved are ways to have a tenant "other" whose signup has not come to its end.
var unserved = map[string]func(*world){
	"it was just heard of": func(w *world) { w.heard() },
	"it holds slots":       func(w *world) { w.claims(w.heard()) },
	"its credentials are stored": func(w *world) {
		t := w.heard()
		w.credentials(t, w.claims(t))
	},
	"its share is open": func(w *world) {
		t := w.heard()
		claim := w.claims(t)
		w.credentials(t, claim)
		w.must(w.handler(undisturbed).Access.Set(context.Background(), t, claim.Share.ShareRef(), claim.Share.Access.SecurityGroup))
	},
	"its slots are named": func(w *world) { w.names() },
	"its slots are named, and settled": func(w *world) {
		w.names()
		w.now = w.now.Add(pool.SettleAfter)
		w.reconcile()
	},
	"it is given other slots": func(w *world) {
		w.change("other", func(t pool.Tenant) pool.Tenant {
			t.Returning = []pool.Holding{t.Database, t.Share}
			t.Database, t.Share, t.Secret = pool.Holding{}, pool.Holding{}, ""
			return t
		}, w.names)
	},
	"it was given up": func(w *world) {
		w.change("other", func(t pool.Tenant) pool.Tenant {
			t.Progress = pool.Progress{Stuck: pool.StepOpen, Error: "the database does not answer"}
			return t
		}, w.names)
	},
	"it waits": func(w *world) {
		t := w.heard()
		seq, err := w.ledger.Draw(context.Background(), tier, t.ID, false)
		w.must(err)
		waiting, err := pool.MoveTenant(t, pool.TenantWaiting, w.now, "test")
		w.must(err)
		waiting.Seq = seq
		_, err = w.ledger.SaveTenant(context.Background(), t, waiting)
		w.must(err)
	},
}

// heard records a tenant whose signup is under way, and stalls.
func (w *world) heard() pool.Tenant {
	w.t.Helper()
	w.must(w.ledger.Register(context.Background(), "10.0.0.2", "other"))
	t, _, err := w.ledger.Request(context.Background(), pool.Tenant{
		ID: "other", Tier: tier, Mark: "markother", Addresses: []string{"10.0.0.2"}, State: pool.TenantRequested, RequestedAt: w.now,
	})
	w.must(err)
	return t
}

func (w *world) claims(t pool.Tenant) pool.Claim {
	w.t.Helper()
	claim, err := w.ledger.Claim(context.Background(), tier, t.ID, false)
	w.must(err)
	return claim
}

func (w *world) credentials(t pool.Tenant, claim pool.Claim) string {
	w.t.Helper()
	_, arn, err := (outside{w, undisturbed}).vault().Tenant(context.Background(), string(t.ID), t.Mark, func(password string) events.Credentials {
		return events.Credentials{Engine: "postgres", DBName: claim.Database.Offer.Name, Password: password}
	})
	w.must(err)
	return arn
}

// names has a tenant whose slots are named in its record, and open half: to its address, and not to its role.
func (w *world) names() {
	w.t.Helper()
	t := w.heard()
	claim := w.claims(t)
	named := t.Clone()
	named.Secret = w.credentials(t, claim)
	named.Database, named.Share = pool.HoldingOf(claim.Database), pool.HoldingOf(claim.Share)
	named, err := w.ledger.SaveTenant(context.Background(), t, named)
	w.must(err)
	w.must(w.handler(undisturbed).Access.Set(context.Background(), named, claim.Share.ShareRef(), claim.Share.Access.SecurityGroup))
}

// change changes a tenant that is begun.
func (w *world) change(id pool.TenantID, change func(pool.Tenant) pool.Tenant, begin func()) {
	w.t.Helper()
	begin()
	before := w.tenant(id)
	_, err := w.ledger.SaveTenant(context.Background(), before, change(before.Clone()))
	w.must(err)
}

func TestATenantThatWasNotServedLeavesAndSignsUpAgain(t *testing.T) {
	for name, begin := range unserved {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.opensUp()
			begin(w)
			w.add(pool.Database, 1)
			w.add(pool.Share, 1)
			w.ask("other", "")
			w.run(0, w.once)
			if left := w.tenant("other"); left.State != pool.TenantLeft || !left.Held {
				t.Fatalf("it is %+v", left)
			}
			// What it may hold still would be its next life's: that is told to come again.
			w.signsUp("other", "10.0.0.3")
			w.run(0, w.once)
			if left := w.tenant("other"); left.State != pool.TenantLeft {
				t.Fatalf("it signed up again as %+v", left)
			}
			w.run(30*time.Minute, w.once)
			d := w.departure("other.markother")
			if d.State != pool.DepartureLeft {
				t.Fatalf("its departure is %s at %q: %s", d.State, d.Step, d.Error)
			}
			again := w.tenant("other")
			if again.State != pool.TenantReady || again.Mark == "markother" {
				t.Fatalf("its next life is %+v", again)
			}
			if whose := w.whose("10.0.0.2"); whose != "10.0.0.2 is free" {
				t.Errorf("its address: %s", whose)
			}
			for group, want := range map[string]string{"sg-1": rule("10.0.0.1"), "sg-2": rule("10.0.0.3")} {
				if rules := w.groups.Rules(group); again.Share.Host == "share-standard-2" && !slices.Equal(rules, []string{want}) {
					t.Errorf("rules of %s: %v", group, rules)
				}
			}
			for name := range w.secrets.Secrets() {
				if name == "headroom/dev/tenant/other/markother" {
					t.Error("its secret is there still")
				}
			}
			held := map[pool.SlotState]int{}
			for _, id := range w.hosts {
				for _, slot := range w.host(id).Slots {
					if slot.Tenant == "other" && slot.State != pool.SlotReturned { // that one says whom it was taken from
						held[slot.State]++
					}
				}
			}
			if held[pool.SlotAssigned] > 2 || len(held) > 1 {
				t.Errorf("slots that it has: %v", held)
			}
		})
	}
}

// What it holds is taken back by its departure, and not left to whoever looks at the shelf next.
func TestWhatAnUnservedTenantHoldsIsTakenBack(t *testing.T) {
	for name, begin := range unserved {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.opensUp()
			begin(w)
			w.ask("other", "")
			for range 100 {
				if w.run(0, w.once); !w.tenant("other").Held && w.tenant("other").State == pool.TenantLeft {
					break
				}
			}
			if shelf, err := w.ledger.Shelf(t.Context(), tier); err != nil || shelf.Held["other"] != (pool.Hold{}) {
				t.Errorf("it holds %+v: %v", shelf.Held["other"], err)
			}
		})
	}
}

func TestNothingIsTakenBackWhileTheStopSwitchIsOn(t *testing.T) {
	w := newWorld(t)
	w.opensUp()
	w.names()
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Destroy: true, By: "ops", Why: "drill"}))
	w.inspect = func(what, name string) { t.Errorf("%s %s is destroyed", what, name) }
	w.ask("other", "")
	w.run(26*time.Hour, w.once)
	d := w.departure("other.markother")
	if d.Step != pool.StepShut || d.State != pool.DepartureLeaving || !w.tenant("other").Held {
		t.Fatalf("it is %s at %q, stuck at %q", d.State, d.Step, d.Stuck)
	}
	if notes := w.topic.Notes(); len(notes) != 1 {
		t.Errorf("told: %v", notes)
	}
	w.inspect = nil
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}))
	w.run(time.Hour, w.once)
	if d = w.departure(d.ID()); d.State != pool.DepartureLeft {
		t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
}
