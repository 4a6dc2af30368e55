package restore

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func (w *world) stop(t *testing.T, on bool) {
	t.Helper()
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Repair: on, By: "ops", Why: "a drill"}))
}

// Whose databases are changing places is let in to one of them, whatever is stopped.
func TestAStopSwitchShutsNobodyOut(t *testing.T) {
	for name, test := range map[string]struct {
		fails   string
		prepare func(*world) // until the tenant is shut out
		then    func(*world) // once the switch is on
	}{
		"a swap that fails until it is undone": {"Swap exchange", func(*world) {}, func(*world) {}},
		"a swap that is called off":            {"Swap exchange", func(*world) {}, func(w *world) { w.undo() }},
		"a swap back": {"SwapBack exchange", func(w *world) {
			w.run(40*time.Minute, w.once)
			w.undo()
		}, func(w *world) { delete(w.fail, "SwapBack exchange") }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.complain = false
			w.fail[test.fails] = errors.New("a session that can't be ended is in it")
			w.ask("database", then)
			test.prepare(w)
			w.until(func(pool.Restoration) bool { return !w.database("acme").login })
			w.stop(t, true)
			test.then(w)
			w.run(2*time.Hour, w.once)
			r, d := w.restoration(), w.database("acme")
			if !d.login || r.State != pool.RestorationUndone || !slices.Equal(d.rows, since) {
				t.Errorf("it is %s at %q, told %q: login %v, rows %v", r.State, r.Step, r.Told, d.login, d.rows)
			}
			w.spares(t)
		})
	}
}

// A change of places that has not begun waits for the switch, and its tenant is let in all the while.
func TestAnUndoThatHasNotBegunWaitsForTheStopSwitch(t *testing.T) {
	w := newWorld(t)
	w.ask("database", then)
	w.run(40*time.Minute, w.once)
	w.stop(t, true)
	w.undo()
	w.run(30*time.Minute, w.once)
	if r, d := w.restoration(), w.database("acme"); r.Step != pool.StepSwapBack || !d.login || !slices.Equal(d.rows, wanted) {
		t.Fatalf("it is %s at %q: login %v, rows %v", r.State, r.Step, d.login, d.rows)
	}
	w.stop(t, false)
	w.run(30*time.Minute, w.once)
	if r, d := w.restoration(), w.database("acme"); r.State != pool.RestorationUndone || !d.login || !slices.Equal(d.rows, since) {
		t.Errorf("it is %s at %q: login %v, rows %v", r.State, r.Step, d.login, d.rows)
	}
}

// What was filled may be gone once the tenant was shut out: it is let in, whether or not anything comes of it.
func TestWhoseStandInIsGoneIsLetIn(t *testing.T) {
	w := newWorld(t)
	w.complain = false
	w.fail["Swap exchange"] = errors.New("a session that can't be ended is in it")
	w.ask("database", then)
	w.until(func(r pool.Restoration) bool { return !r.Swapping.IsZero() && r.Count > 1 })
	delete(w.fail, "Swap exchange")
	r := w.restoration()
	delete(w.databaseServer().databases, r.StandInSlot("").Name)
	w.run(30*time.Minute, w.once)
	if r, d := w.restoration(), w.database("acme"); r.State != pool.RestorationWithdrawn || !r.Failed || !d.login || !slices.Equal(d.rows, since) {
		t.Errorf("it is %s at %q: login %v, rows %v", r.State, r.Step, d.login, d.rows)
	}
}

// Who is shut out for long is told of, once, however its failures are worded.
func TestWhoStaysShutOutIsToldOfOnce(t *testing.T) {
	for _, back := range []bool{false, true} {
		w := newWorld(t)
		w.complain = false
		w.ask("database", then)
		fails := "Swap exchange"
		if back {
			w.run(40*time.Minute, w.once)
			w.undo()
			fails = "SwapBack exchange"
		}
		w.fail[fails] = errors.New("a session is in it")
		w.until(func(r pool.Restoration) bool { return !r.Swapping.IsZero() })
		w.run(2*time.Minute, w.once)
		told := w.topic.Notes()
		if len(told) != 1 || !strings.Contains(told[0].Message, "shut out of its database") || !strings.Contains(told[0].Message, "a session is in it") {
			t.Fatalf("back %v: told %v", back, told)
		}
		w.fail[fails] = errors.New("another session is in it")
		w.run(5*time.Minute, w.once)
		if told := w.topic.Notes(); len(told) != 1 {
			t.Errorf("back %v: told %v", back, told)
		}
		delete(w.fail, fails)
		w.run(20*time.Minute, w.once)
		if r, d := w.restoration(), w.database("acme"); !r.State.Ended() || !d.login {
			t.Errorf("back %v: it is %s at %q: login %v", back, r.State, r.Step, d.login)
		}
	}
}

// shutAtOnce runs for so long, and returns for how long tenant acme was shut out at once, at most, and how often.
func (w *world) shutAtOnce(d time.Duration, deliver func(events.Delivery) error) (longest time.Duration, bouts int) {
	var since time.Time
	for end := w.now.Add(d); w.now.Before(end); {
		w.run(time.Second, deliver)
		switch {
		case w.database("acme").login:
			since = time.Time{}
		case since.IsZero():
			since, bouts = w.now, bouts+1
		}
		if !since.IsZero() {
			longest = max(longest, w.now.Sub(since))
		}
	}
	return longest, bouts
}

// A change of places that does not come about lets the tenant in to what it has, and is tried again, until it is given up.
func TestNobodyIsShutOutForLong(t *testing.T) {
	for name, test := range map[string]struct {
		fails  string
		back   bool
		helped bool // in the end
	}{
		"a swap that comes about later":      {"Swap exchange", false, true},
		"a swap that never does":             {"Swap exchange", false, false},
		"a swap back that comes about later": {"SwapBack exchange", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.complain = false
			w.ask("database", then)
			has, gets := since, wanted
			if test.back {
				w.run(40*time.Minute, w.once)
				w.undo()
				has, gets = wanted, since
			}
			w.fail[test.fails] = errors.New("a session that can't be ended is in it")
			w.until(func(pool.Restoration) bool { return !w.database("acme").login })
			longest, bouts := w.shutAtOnce(25*time.Minute, w.once)
			if d := w.database("acme"); longest > shutMost+time.Minute || bouts < 2 || !slices.Equal(d.rows, has) {
				t.Errorf("shut out for %v at once, in %d bouts; rows %v", longest, bouts, d.rows)
			}
			if !test.helped {
				if longest, _ := w.shutAtOnce(time.Hour, w.once); longest > shutMost+time.Minute {
					t.Errorf("shut out for %v at once", longest)
				}
				if r, d := w.restoration(), w.database("acme"); r.State != pool.RestorationUndone || !r.Failed || !d.login || !slices.Equal(d.rows, since) {
					t.Errorf("it is %s at %q: login %v, rows %v", r.State, r.Step, d.login, d.rows)
				}
				w.spares(t)
				return
			}
			delete(w.fail, test.fails)
			w.run(30*time.Minute, w.once)
			r, d := w.restoration(), w.database("acme")
			if r.Failed || !d.login || !slices.Equal(d.rows, gets) || !r.Shut.IsZero() || !r.Swapping.IsZero() {
				t.Errorf("it is %s at %q: login %v, rows %v", r.State, r.Step, d.login, d.rows)
			}
			if r.Refused < shutMost || r.Refused > 15*time.Minute {
				t.Errorf("it says that nobody was let in for %v", r.Refused)
			}
		})
	}
}

func TestASwapThatFailsForLongKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.complain = false
		w.terms.Grace = pool.Term(5 * time.Hour)
		w.fail["Swap exchange"] = errors.New("a session that can't be ended is in it")
		w.ask("database", then)
		w.until(func(r pool.Restoration) bool { return !r.Swapping.IsZero() })
		w.run(25*time.Minute, w.killable(life))
		if r := w.restoration(); !r.Shut.IsZero() && w.now.Sub(r.Shut) > shutMost+visibility {
			t.Errorf("it is shut out since %v", w.now.Sub(r.Shut))
		}
		delete(w.fail, "Swap exchange")
		w.run(40*time.Minute, w.killable(life))
		return w.outcome()
	})
}
