package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	plans "headroom/internal/pool/recovery"
)

const recovered = `database-standard-1 in-service "": 1 assigned acme 1 assigned globex 1 free ; share-standard-1 in-service "": 1 assigned acme 1 assigned globex 1 free ; ` +
	`acme ready [10.0.0.7] <nil>; globex left [] <nil>; 1 hosts, 2 used, 1 in reserve, 0 coming`

func TestATableThatWasPutBackIsMadeTrueAgain(t *testing.T) {
	w := newWorld(t, true)
	before := w.state(t)
	if came := w.ask(t, events.RecoverLook); !strings.HasPrefix(came, "looked: 7 to do") || w.state(t) != before {
		t.Errorf("a look came to %q and %s", came, w.state(t))
	}
	if came := w.ask(t, events.RecoverHold); !strings.Contains(came, "the stop switch must be on") || w.state(t) != before {
		t.Errorf("without the stop switch: %q", came)
	}
	if came := w.ask(t, events.RecoverApply); !strings.Contains(came, "nothing is held") || w.state(t) != before {
		t.Errorf("without a hold: %q", came)
	}
	w.stop(t)
	if came := w.ask(t, events.RecoverHold); !strings.HasPrefix(came, "held") || !strings.Contains(w.state(t), "database-standard-1 cordoned") {
		t.Errorf("a hold came to %q and %s", came, w.state(t))
	}
	w.ask(t, events.RecoverLook)
	if came := w.ask(t, events.RecoverApply); !strings.Contains(came, "may go on for") {
		t.Errorf("at once: %q", came)
	}
	w.now = w.now.Add(plans.Rest)
	w.full[bucket+"3"] = "there are versions of objects in it"
	if came := w.ask(t, events.RecoverApply); !strings.Contains(came, "look again") || strings.Contains(w.state(t), "acme ready") {
		t.Errorf("with another plan than was meant: %q, %s", came, w.state(t))
	}
	delete(w.full, bucket+"3")
	w.ask(t, events.RecoverLook)
	if came := w.ask(t, events.RecoverApply); !strings.HasPrefix(came, "done: 7,") || w.state(t) != recovered {
		t.Errorf("it came to %q\n%s", came, w.state(t))
	}
	if err := w.ledger.Register(t.Context(), "10.0.0.7", "hooli"); !errors.Is(err, pool.ErrTaken) {
		t.Errorf("acme's address is anybody's: %v", err)
	}
	if came := w.ask(t, events.RecoverLook); !strings.HasPrefix(came, "looked: 0 to do") {
		t.Errorf("a look afterwards: %q", came)
	}
}

// Nothing is on record, as when the table was lost: all that stands is adopted.
func TestATableThatWasLostIsMadeAnew(t *testing.T) {
	w := newWorld(t, false)
	w.stop(t)
	w.ask(t, events.RecoverHold)
	w.now = w.now.Add(plans.Rest)
	w.ask(t, events.RecoverLook)
	if came := w.ask(t, events.RecoverApply); !strings.HasPrefix(came, "done") || w.state(t) != recovered {
		t.Errorf("it came to %q\n%s", came, w.state(t))
	}
}

func TestAHoldIsDropped(t *testing.T) {
	w := newWorld(t, true)
	before := w.state(t)
	w.stop(t)
	w.ask(t, events.RecoverHold)
	if came := w.ask(t, events.RecoverDrop); !strings.HasPrefix(came, "nothing is held") || w.state(t) != before {
		t.Errorf("it came to %q and %s", came, w.state(t))
	}
}

// A host that comes into service after others are held hands out until it is held too: only then does the rest begin.
func TestWhatIsHeldLaterRestsAsLongAgain(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := newWorld(t, true)
		w.stop(t)
		w.ask(t, events.RecoverHold)
		w.now = w.now.Add(plans.Rest)
		before, err := w.ledger.Host(t.Context(), dbHost)
		must(t, err)
		serving, _, err := plans.Freed(before, w.now)
		must(t, err)
		must(t, w.ledger.SaveHost(t.Context(), before, serving, pool.Neutral, w.now))
		d := events.Delivery{ID: "again", Body: w.body(t, events.RecoverHold), SentAt: w.now}
		if err := life.Deliver(func() error { return w.handler(t, life.Call).Message(context.Background(), d) }); err != nil {
			t.Fatal(err)
		}
		w.ask(t, events.RecoverLook)
		came := w.ask(t, events.RecoverApply)
		if !strings.Contains(came, "may go on for") {
			t.Errorf("it came to %q while what a host handed out just now may go on", came)
		}
		return came
	})
	w := newWorld(t, true)
	w.stop(t)
	w.ask(t, events.RecoverHold)
	w.now = w.now.Add(plans.Rest)
	w.ask(t, events.RecoverHold)
	w.ask(t, events.RecoverLook)
	if came := w.ask(t, events.RecoverApply); !strings.HasPrefix(came, "done") {
		t.Errorf("held again for nothing, it came to %q", came)
	}
}

// A bucket that can't be looked into is not full, and not empty: its host keeps what it has on record, and nobody gets anything of it.
func TestAHostWhoseBucketCantBeLookedIntoIsLeftAlone(t *testing.T) {
	w := newWorld(t, true)
	w.shut = errors.New("slow down")
	w.stop(t)
	w.ask(t, events.RecoverHold)
	w.now = w.now.Add(plans.Rest)
	w.ask(t, events.RecoverLook)
	if came := w.ask(t, events.RecoverApply); !strings.HasPrefix(came, "done") ||
		!strings.Contains(w.state(t), "share-standard-1 cordoned \""+pool.RecoveryHold+"\": 1 free  1 free  1 free") {
		t.Errorf("it came to %q\n%s", came, w.state(t))
	}
	w.shut = nil
	w.ask(t, events.RecoverHold)
	w.now = w.now.Add(plans.Rest)
	w.ask(t, events.RecoverLook)
	if came := w.ask(t, events.RecoverApply); !strings.HasPrefix(came, "done") || w.state(t) != recovered {
		t.Errorf("it came to %q\n%s", came, w.state(t))
	}
}

// A host that does not answer keeps what it has on record, and who is on it too.
func TestAHostThatDoesNotAnswerIsLeftAlone(t *testing.T) {
	w := newWorld(t, true)
	w.down = errors.New("no route")
	w.stop(t)
	w.ask(t, events.RecoverHold)
	w.now = w.now.Add(plans.Rest)
	w.ask(t, events.RecoverLook)
	if came := w.ask(t, events.RecoverApply); !strings.HasPrefix(came, "done") || strings.Contains(w.state(t), "acme ready") || !strings.Contains(w.state(t), "database-standard-1 cordoned \"the recovery") {
		t.Errorf("it came to %q\n%s", came, w.state(t))
	}
	r, err := w.ledger.Recovery(t.Context())
	must(t, err)
	asks := ""
	for _, l := range r.Unsure {
		asks += l.String() + "\n"
	}
	for _, want := range []string{"look again at host database-standard-1", "look for the database of tenant acme"} {
		if !strings.Contains(asks, want) {
			t.Errorf("people are not asked to %s, but\n%s", want, asks)
		}
	}
}

// A sort of things can't be listed, when it is looked or when a plan is carried out: an empty plan is not taken for one that is done, and
// nothing is handed out.
func TestWhatCantBeListedEndsNoHold(t *testing.T) {
	held := func(t *testing.T, w *world, came string) {
		t.Helper()
		r, err := w.ledger.Recovery(t.Context())
		must(t, err)
		if r.Done || r.HeldAt.IsZero() || !strings.Contains(w.state(t), "database-standard-1 cordoned \"the recovery") {
			t.Errorf("it came to %q and %s", came, w.state(t))
		}
	}
	blind := []inventory.Unseen{{Sort: inventory.Gateways, Why: "the rate is exceeded"}}
	t.Run("at a look", func(t *testing.T) {
		w := newWorld(t, true)
		w.stop(t)
		w.ask(t, events.RecoverHold)
		w.now, w.seen.Unseen = w.now.Add(plans.Rest), blind
		came := w.ask(t, events.RecoverLook)
		r, err := w.ledger.Recovery(t.Context())
		must(t, err)
		if r.Digest != "" || !strings.Contains(came, "there is no plan: could not look at gateways: the rate is exceeded") {
			t.Errorf("it came to %q, and the plan is %q", came, r.Digest)
		}
		held(t, w, came)
		none := plans.Plan{}.Digest() // who asks for nothing to be done all the same
		d := events.Delivery{ID: "none", Body: strings.Replace(w.body(t, events.RecoverApply), `"digest":""`, `"digest":"`+none+`"`, 1), SentAt: w.now.Add(time.Second)}
		must(t, w.handler(t, undisturbed).Message(t.Context(), d))
		held(t, w, "apply")
	})
	t.Run("while a plan is carried out", func(t *testing.T) {
		w := newWorld(t, true)
		w.stop(t)
		w.ask(t, events.RecoverHold)
		w.now = w.now.Add(plans.Rest)
		w.ask(t, events.RecoverLook)
		body := w.body(t, events.RecoverApply)
		w.seen.Unseen = blind
		d := events.Delivery{ID: "apply", Body: body, SentAt: w.now.Add(time.Second)}
		must(t, w.handler(t, undisturbed).Message(t.Context(), d))
		held(t, w, "apply")
		// It was about to change the ledger when it was killed.
		r, err := w.ledger.Recovery(t.Context())
		must(t, err)
		killed := r.Clone()
		killed.Applying = r.Digest
		must(t, w.ledger.SaveRecovery(t.Context(), r, killed))
		w.now = w.now.Add(time.Minute)
		again := events.Delivery{ID: "again", Body: body, SentAt: w.now}
		must(t, w.handler(t, undisturbed).Message(t.Context(), again))
		held(t, w, "apply")
		w.seen.Unseen = nil
		w.messages = 10
		if came := w.ask(t, events.RecoverApply); !strings.HasPrefix(came, "done: 7,") || w.state(t) != recovered {
			t.Errorf("it came to %q\n%s", came, w.state(t))
		}
	})
}

func TestWhatIsOvertakenOrNoRequestIsIgnored(t *testing.T) {
	w := newWorld(t, true)
	w.stop(t)
	w.ask(t, events.RecoverHold)
	w.ask(t, events.RecoverDrop)
	before := w.state(t)
	for _, d := range []events.Delivery{
		{ID: "late", Body: w.body(t, events.RecoverHold), SentAt: began},
		{ID: "m2", Body: w.body(t, events.RecoverDrop), SentAt: w.now}, // again
		{ID: "bad", Body: `{"version":"1","type":"RecoverRequest","action":"burn"}`, SentAt: w.now.Add(time.Minute)},
	} {
		must(t, w.handler(t, undisturbed).Message(t.Context(), d))
	}
	if w.state(t) != before {
		t.Errorf("it is %s", w.state(t))
	}
}

func TestRecoveriesKilledAtEveryCall(t *testing.T) {
	for name, known := range map[string]bool{"put back": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
				w := newWorld(t, known)
				w.recovers(t, life)
				if w.state(t) != recovered {
					t.Error(w.state(t))
				}
				r, err := w.ledger.Recovery(t.Context())
				must(t, err)
				return fmt.Sprint(r.Done, r.HeldAt.IsZero(), r.Applying, len(r.Unsure))
			})
		})
	}
}

// A tenant has another address than by its record. The former is free afterwards, whenever whoever frees it is killed.
func TestAnAddressThatATenantHasNoMoreIsFree(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := newWorld(t, true)
		must(t, w.ledger.Register(t.Context(), "10.0.0.5", "acme"))
		stored, _, err := w.ledger.Request(t.Context(), pool.Tenant{ID: "acme", Tier: "standard", State: pool.TenantRequested, Mark: "m1", RequestedAt: began, Addresses: []string{"10.0.0.5"}})
		must(t, err)
		ready := stored.Clone()
		ready.State, ready.Secret, ready.ReadyAt = pool.TenantReady, "arn:secret1", began
		ready.Database, ready.Share = pool.Holding{Host: dbHost, Index: 1, Generation: 1, Name: "d1"}, pool.Holding{Host: shHost, Index: 1, Generation: 1, Name: "s1"}
		_, err = w.ledger.SaveTenant(t.Context(), stored, ready)
		must(t, err)
		// The address that acme has is that of one who has left since, by the record of before.
		must(t, w.ledger.Unregister(t.Context(), "10.0.0.7", pool.Tenant{ID: "initech", Version: 1}))
		must(t, w.ledger.Register(t.Context(), "10.0.0.7", "wonka"))
		stored, _, err = w.ledger.Request(t.Context(), pool.Tenant{ID: "wonka", Tier: "standard", State: pool.TenantRequested, Mark: "m7", RequestedAt: began, Addresses: []string{"10.0.0.7"}})
		must(t, err)
		ready = stored.Clone()
		ready.State, ready.Secret, ready.ReadyAt = pool.TenantReady, "arn:secret7", began
		ready.Database, ready.Share = pool.Holding{Host: dbHost, Index: 3, Name: "d0"}, pool.Holding{Host: shHost, Index: 3, Name: "s0"}
		_, err = w.ledger.SaveTenant(t.Context(), stored, ready)
		must(t, err)
		w.recovers(t, life)
		if w.state(t) != recovered {
			t.Error(w.state(t))
		}
		if err := w.ledger.Register(t.Context(), "10.0.0.7", "hooli"); !errors.Is(err, pool.ErrTaken) {
			t.Errorf("the address that acme has is anybody's: %v", err)
		}
		if err := w.ledger.Register(t.Context(), "10.0.0.5", "hooli"); err != nil {
			t.Errorf("the address that acme had is not free: %v", err)
		}
		return w.state(t)
	})
}

// By the record hooli has slots that were made anew since, and nothing but these records leads to it. It is found to have left, whenever
// whoever carries that out is killed.
func TestWhoHasLeftSinceIsKnownToTheEnd(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := newWorld(t, true)
		w.served(t, "hooli", "m6", 3)
		w.databases[2].Mark = string(dbHost) + "/order/3/2"
		w.seen.Shares[2].Generation, w.seen.Buckets[2].Slot = "2", string(shHost)+"/order/3/2"
		w.recovers(t, life)
		hooli, err := w.ledger.Tenant(t.Context(), "hooli")
		must(t, err)
		if hooli.State != pool.TenantLeft {
			t.Errorf("hooli is %s", hooli.State)
		}
		return w.state(t)
	})
}

func TestEveryFieldIsRequired(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("it is made of nothing")
	}
}

// Somebody signed up from the address that acme's share serves, since the ledger was lost, and waits: nothing is found of that one, but
// that the address is registered to it. To whom what the share serves is, is for people to say.
func TestWhoWaitsWithTheAddressOfAnotherIsKnown(t *testing.T) {
	w := newWorld(t, true)
	must(t, w.ledger.Unregister(t.Context(), "10.0.0.7", pool.Tenant{ID: "initech", Version: 1}))
	must(t, w.ledger.Register(t.Context(), "10.0.0.7", "wonka"))
	_, _, err := w.ledger.Request(t.Context(), pool.Tenant{ID: "wonka", Tier: "standard", State: pool.TenantWaiting, Mark: "m7", RequestedAt: began, Addresses: []string{"10.0.0.7"}})
	must(t, err)
	p, _, err := w.handler(t, undisturbed).plan(t.Context())
	must(t, err)
	if !slices.ContainsFunc(p.Unsure, func(l plans.Line) bool {
		return l.Of == "tenant acme" && strings.Contains(l.Why, "its share serves 10.0.0.7, which is tenant wonka's")
	}) || slices.ContainsFunc(p.Tenants, func(c plans.TenantChange) bool { return c.After.ID == "acme" }) {
		t.Errorf("it does %v, and is unsure of %v", p.Lines, p.Unsure)
	}
}

// acme's database is shut and empty, and its share is open: its signup goes on, with an address that is its own from then on. If there are
// files in the share it has been in, and a person is asked.
func TestWhatASignupGoesOnWithIsRegisteredAndWasNeverUsed(t *testing.T) {
	for files, state := range map[string]pool.TenantState{"": pool.TenantRequested, "versions": pool.TenantReady} {
		w := newWorld(t, true)
		w.databases[0].Open, w.databases[0].Holds = false, false
		w.full[bucket+"1"] = files
		w.stop(t)
		w.ask(t, events.RecoverHold)
		w.now = w.now.Add(plans.Rest)
		w.ask(t, events.RecoverLook)
		w.ask(t, events.RecoverApply)
		acme, err := w.ledger.Tenant(t.Context(), "acme")
		must(t, err)
		if owner, err := w.ledger.Owner(t.Context(), "10.0.0.7"); acme.State != state || owner != "acme" || err != nil {
			t.Errorf("with %q in its share it is %s, and its address is %q's: %v", files, acme.State, owner, err)
		}
	}
}
