package decommission

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// givenUp returns a world in which acme's departure was given up at a step because a call fails, which it does no more, and
// in which acme has signed up again since, if again says so.
func givenUp(t *testing.T, operation string, step pool.Step, again bool) *world {
	w := newWorld(t)
	w.inspect = func(what, name string) { w.mayDestroy(t, what, name) }
	w.short()
	w.opensUp()
	w.fail[operation] = errNotNow
	w.ask("acme", "")
	w.until(func(d pool.Departure) bool { return d.Stuck == step && d.Step == "" })
	delete(w.fail, operation)
	if again {
		w.now = w.now.Add(time.Second)
		w.signsUp("acme", "10.0.0.1")
		w.run(10*time.Minute, w.once)
		if now := w.tenant("acme"); now.State != pool.TenantReady || now.Mark == "markacme" {
			t.Fatalf("it is %s with the mark %s", now.State, now.Mark)
		}
	}
	return w
}

// stickings are calls that fail, and the steps that a departure is given up at by that.
var stickings = map[string]pool.Step{"NotifyWhenUploaded": pool.StepUpload, "Run": pool.StepArchive, "Retain": pool.StepLock}

func TestADepartureThatWasGivenUpIsResumedWhoeverHasItsNameByNow(t *testing.T) {
	for operation, step := range stickings {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, again %v", step, again), func(t *testing.T) {
				w := givenUp(t, operation, step, again)
				before := w.tenant("acme")
				w.operate(events.DepartureResume, "")
				d := w.left(4 * time.Hour)
				if d.State != pool.DepartureLeft || !strings.Contains(fmt.Sprint(d.History), "resume, by jo: it is mended (message ") {
					t.Fatalf("it is %s at %q, stuck at %q: %s; %v", d.State, d.Step, d.Stuck, d.Error, d.History)
				}
				if last := d.History[len(d.History)-1]; last.Correlation != "of-the-word" {
					t.Errorf("that it is %s came of %q", last.What, last.Correlation)
				}
				now := w.tenant("acme")
				if now.State != before.State || now.Mark != before.Mark || again && (now.Database != before.Database || now.Share != before.Share || !slices.Equal(now.Addresses, before.Addresses)) {
					t.Errorf("the later life was %+v, and is %+v", before, now)
				}
				if again {
					if !slices.Contains(w.groups.Rules("sg-1"), rule("10.0.0.1")) || w.whose("10.0.0.1") != "10.0.0.1 is acme's" {
						t.Errorf("the later life is let in by %v; %s", w.groups.Rules("sg-1"), w.whose("10.0.0.1"))
					}
					if d := w.servers[now.Database.Address].databases[now.Database.Name]; d == nil || !d.login {
						t.Errorf("the later life's database is %+v", d)
					}
				}
				if said := w.said(); strings.Contains(said, "RequestRejected") {
					t.Errorf("said %s", said)
				}
			})
		}
	}
}

// The name may even have left again: each departure is resumed by its own ID.
func TestOnlyTheDepartureThatIsNamedIsResumed(t *testing.T) {
	w := givenUp(t, "Run", pool.StepArchive, true)
	w.fail["Run"] = errNotNow
	w.ask("acme", "")
	mark := w.tenant("acme").Mark
	second := pool.DepartureID("acme." + mark)
	w.run(2*time.Hour, w.once)
	if d := w.departure(second); d.Stuck != pool.StepArchive {
		t.Fatalf("the second departure is at %q, stuck at %q", d.Step, d.Stuck)
	}
	delete(w.fail, "Run")
	w.operate(events.DepartureResume, "")
	if d := w.left(4 * time.Hour); d.State != pool.DepartureLeft {
		t.Errorf("the first is %s at %q, stuck at %q: %s", d.State, d.Step, d.Stuck, d.Error)
	}
	if d := w.departure(second); d.Stuck != pool.StepArchive || d.State != pool.DepartureLeaving {
		t.Errorf("the second is %s at %q, stuck at %q", d.State, d.Step, d.Stuck)
	}
}

func TestAClearanceThatWasGivenUpIsResumedByItsDeparture(t *testing.T) {
	w := graced(t)
	w.fail["Drop"] = errNotNow
	w.run(5*time.Hour, w.once)
	if c := w.clearance(pool.Database); c.Stuck != pool.StepWithdraw {
		t.Fatalf("it is %s, stuck at %q", c.State, c.Stuck)
	}
	delete(w.fail, "Drop")
	w.operate(events.DepartureResume, "")
	if d := w.left(2 * time.Hour); d.State != pool.DepartureLeft {
		t.Errorf("it is %s", d.State)
	}
}

func TestAResumedDepartureKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := givenUp(t, "Retain", pool.StepLock, true)
		w.operate(events.DepartureResume, "")
		w.run(2*time.Hour, w.killable(life))
		return w.outcome()
	})
}
