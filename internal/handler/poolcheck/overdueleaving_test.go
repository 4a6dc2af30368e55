package poolcheck

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// leave records the departure of a tenant that is ready.
func (w *world) leave(id pool.TenantID) pool.Departure {
	w.request(id)
	w.move(id, pool.TenantReady, func(t *pool.Tenant) { t.Mark = "mark" })
	t := w.tenant(id)
	left, d, err := pool.Leave(t, pool.Departure{Reason: "it ends", RequestedBy: "billing", RequestedAt: w.now}, pool.DefaultTerms, w.now)
	w.must(err)
	w.must(w.ledger.Depart(w.t.Context(), t, left, d))
	return d
}

// scrub begins the clearances of a departure.
func (w *world) scrub(id pool.DepartureID) pool.Clearance {
	before, err := w.ledger.Departure(w.t.Context(), id)
	w.must(err)
	after, err := pool.MoveDeparture(before, pool.DepartureScrubbing, pool.StepScrub, w.now, "its grace is over")
	w.must(err)
	c := pool.Clear(after, pool.Share, "next", w.now)
	w.must(w.ledger.BeginScrub(w.t.Context(), before, after, []pool.Clearance{c}))
	return c
}

func TestStepsOfDeparturesAndClearancesAreTriedAgainAndThenGivenUp(t *testing.T) {
	w := newWorld(t)
	d := w.leave("acme")
	other := w.scrub(w.leave("other").ID())
	w.must(w.check())
	if got := sent(w.leaving); len(got) > 0 {
		t.Fatalf("sent before the deadline: %v", got)
	}
	w.now = w.now.Add(pool.Deadline(pool.StepWithdraw))
	w.must(w.check())
	got := sent(w.leaving)
	for _, want := range []string{`"of":"departure","id":"acme.mark","step":"shut","try":1`, `"of":"clearance","id":"other.mark/share","step":"withdraw","try":1`} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("sent %v, not %s", got, want)
		}
	}
	for range pool.MaxTries + 1 {
		w.now = w.now.Add(pool.Deadline(pool.StepWithdraw))
		w.must(w.check())
	}
	w.now = w.now.Add(time.Hour)
	w.must(w.check())
	subjects := strings.Join(w.subjects(), "\n")
	for _, want := range []string{"the departure of tenant acme is stuck", "the scrub of other.mark/share is stuck"} {
		if strings.Count(subjects, want) != 1 {
			t.Errorf("people were told %d times that %s:\n%s", strings.Count(subjects, want), want, subjects)
		}
	}
	stuck, err := w.ledger.Departure(t.Context(), d.ID())
	w.must(err)
	if stuck.Step != "" || stuck.Stuck != pool.StepShut {
		t.Errorf("it is at %q, stuck at %q", stuck.Step, stuck.Stuck)
	}
	c, err := w.ledger.Clearance(t.Context(), other.ID())
	w.must(err)
	if c.Step != "" || c.Stuck != pool.StepWithdraw || c.State != pool.ClearanceScrubbing {
		t.Errorf("it is %s at %q, stuck at %q", c.State, c.Step, c.Stuck)
	}
}

// A grace of days is no failure.
func TestGraceIsLookedAtWhenItEnds(t *testing.T) {
	w := newWorld(t)
	d := w.leave("acme")
	before, err := w.ledger.Departure(t.Context(), d.ID())
	w.must(err)
	after := before.Proven(pool.StepGrace, w.now, "test")
	after.Due = w.now.Add(72 * time.Hour)
	_, err = w.ledger.SaveDeparture(t.Context(), before, after)
	w.must(err)
	w.now = w.now.Add(71 * time.Hour)
	w.must(w.check())
	if got := sent(w.leaving); len(got) > 0 {
		t.Fatalf("sent during grace: %v", got)
	}
	w.now = w.now.Add(time.Hour)
	w.must(w.check())
	if got := sent(w.leaving); len(got) != 1 || !strings.Contains(got[0], `"step":"grace"`) {
		t.Errorf("sent: %v", got)
	}
}

func TestManyThatLeaveKeepNoSignupFromBeingLookedAt(t *testing.T) {
	w := newWorld(t)
	for i := range 4 * leavingAtOnce {
		w.leave(pool.TenantID(fmt.Sprintf("gone-%d", i)))
	}
	w.now = w.now.Add(time.Second)
	w.request("behind")
	w.now = w.now.Add(pool.Deadline(pool.StepOpen) + pool.Deadline(pool.StepShut))
	w.must(w.check())
	if len(sent(w.signups)) != 1 || len(sent(w.leaving)) != leavingAtOnce {
		t.Errorf("%d signups, %d departures", len(sent(w.signups)), len(sent(w.leaving)))
	}
}
