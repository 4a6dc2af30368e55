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

// orders are all orders in which so many things can come.
func orders(n int) (all [][]int) {
	if n == 0 {
		return [][]int{{}}
	}
	for _, shorter := range orders(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return all
}

// Of leave and undo, in whichever order they come, and twice, the one that was sent last is what is so.
func TestWhatWasSentLastIsSoInEveryOrder(t *testing.T) {
	for name, kinds := range map[string][]string{
		"leave, undo":              {events.TypeDecommissionRequested, events.TypeUndoRequested},
		"leave, undo, leave":       {events.TypeDecommissionRequested, events.TypeUndoRequested, events.TypeDecommissionRequested},
		"leave, undo, leave, undo": {events.TypeDecommissionRequested, events.TypeUndoRequested, events.TypeDecommissionRequested, events.TypeUndoRequested},
		"leave, leave, undo":       {events.TypeDecommissionRequested, events.TypeDecommissionRequested, events.TypeUndoRequested},
	} {
		for _, order := range orders(len(kinds)) {
			for twice := -1; twice < len(kinds); twice++ {
				t.Run(fmt.Sprintf("%s, come as %v, %d twice", name, order, twice), func(t *testing.T) {
					w := newWorld(t)
					sent := w.now
					w.now = w.now.Add(time.Minute)
					deliver := func(n int) {
						w.must(w.once(w.sentAt(sent.Add(time.Duration(n)*time.Second), kinds[n])))
						w.run(3*time.Minute, w.once) // a tenant that is being let in leaves a moment later
					}
					for _, n := range order {
						deliver(n)
						if n == twice {
							deliver(n)
						}
					}
					if twice >= 0 {
						deliver(twice) // late
					}
					want := pool.TenantReady
					if last := len(kinds) - 1; kinds[last] == events.TypeDecommissionRequested {
						want = pool.TenantLeft
					}
					if got := w.tenant("acme").State; got != want {
						t.Errorf("it is %s, not %s", got, want)
					}
				})
			}
		}
	}
}

// A departure that was undone and asked for again has its grace from then on, also if the undo comes last.
func TestALateUndoHasTheGraceBeginAnew(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := newWorld(t)
		sent := w.now
		w.must(w.once(w.sentAt(sent, events.TypeDecommissionRequested)))
		w.run(20*time.Minute, w.once)
		if d := w.departure("acme.markacme"); d.Step != pool.StepGrace {
			t.Fatalf("it is at %q: %s", d.Step, d.Error)
		}
		again := w.now
		locked := w.departure("acme.markacme").Archive.RetainUntil
		w.must(life.Deliver(func() error {
			return w.handler(life.Call).Message(t.Context(), w.sentAt(again, events.TypeDecommissionRequested))
		}))
		w.must(life.Deliver(func() error {
			return w.handler(life.Call).Message(t.Context(), w.sentAt(again.Add(-time.Minute), events.TypeUndoRequested))
		}))
		w.run(5*time.Minute, w.once)
		d := w.departure("acme.markacme")
		if d.State != pool.DepartureLeaving || !d.RequestedAt.Equal(again) || !d.Due.Equal(d.GraceUntil()) || d.Archive.RetainUntil.Sub(locked) != again.Sub(sent) {
			t.Errorf("it is %s since %s, due %s, and its archive is locked until %s, and was until %s", d.State, d.RequestedAt, d.Due, d.Archive.RetainUntil, locked)
		}
		return fmt.Sprint(d.State, d.Step, w.tenant("acme").State)
	})
}

// A ledger that was put back lost that acme leaves, or that it stays, and its recovery asks for that again: as of the last that the
// ledger knows, not as of now. What was asked for between, and waits in the queue, is the last word in either order.
func TestWhatARecoveryAsksForAgainIsNoLaterWordThanWhatWaits(t *testing.T) {
	for kind, want := range map[string]pool.TenantState{
		events.TypeUndoRequested: pool.TenantReady, events.TypeDecommissionRequested: pool.TenantLeft,
	} {
		for _, order := range orders(2) {
			t.Run(fmt.Sprintf("%s waits, %v", kind, order), func(t *testing.T) {
				w := newWorld(t)
				if kind == events.TypeDecommissionRequested { // the recovery has it stay
					w.ask("acme", "")
					w.run(time.Minute, w.once)
				}
				known := w.now.Add(time.Millisecond)
				w.now = w.now.Add(time.Hour)
				waits := w.sentAt(w.now, kind)
				w.now = w.now.Add(time.Minute)
				again := w.sentAt(w.now, map[string]string{
					events.TypeUndoRequested: events.TypeDecommissionRequested, events.TypeDecommissionRequested: events.TypeUndoRequested,
				}[kind])
				again.Body = strings.Replace(again.Body, `"version"`, fmt.Sprintf(`"asOf":%q,"version"`, known.Format(time.RFC3339Nano)), 1)
				both := []events.Delivery{again, waits}
				for _, n := range order {
					w.must(w.once(both[n]))
					w.run(3*time.Minute, w.once)
				}
				if got := w.tenant("acme").State; got != want {
					t.Errorf("it is %s, not %s", got, want)
				}
			})
		}
	}
}

// What is asked for as of an earlier time has all of its grace, and what it leaves is kept as long, from when it is recorded.
func TestWhatIsAskedForAsOfAnEarlierTimeHasAllOfItsGrace(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(100 * 24 * time.Hour)
	began := w.now
	w.ask("acme", fmt.Sprintf(`,"asOf":%q`, w.now.Add(-99*24*time.Hour).Format(time.RFC3339)))
	w.run(20*time.Minute, w.once)
	d := w.departure("acme.markacme")
	if d.State != pool.DepartureLeaving || d.GraceUntil().Before(began.Add(d.Grace)) || d.Archive.RetainUntil.Before(began.Add(d.Grace+d.Retain)) {
		t.Errorf("it is %s, can be undone until %s, and its archive is locked until %s", d.State, d.GraceUntil(), d.Archive.RetainUntil)
	}
	w.run(grace+coolDown+2*time.Hour, w.once)
	if d = w.departure("acme.markacme"); d.State != pool.DepartureLeft {
		t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
}

// Whoever judges again whether the grace is over may have a clock that is behind: nothing is begun in the seconds in which it would tell
// people that it is too early.
func TestNothingIsScrubbedBeforeTheGraceIsOverByEveryClock(t *testing.T) {
	w := newWorld(t)
	w.ask("acme", "")
	w.run(grace-time.Minute, w.once)
	d := w.departure("acme.markacme")
	if d.Step != pool.StepGrace {
		t.Fatalf("it is at %q: %s", d.Step, d.Error)
	}
	for after, want := range map[time.Duration]pool.DepartureState{0: pool.DepartureLeaving, pool.ClockMargin - time.Millisecond: pool.DepartureLeaving, pool.ClockMargin: pool.DepartureScrubbing} {
		w.now = d.GraceUntil().Add(after)
		next, err := w.handler(undisturbed).grace(t.Context(), d)
		if err != nil || next.Record.State != want {
			t.Errorf("%s after its grace it is %s, not %s: %v", after, next.Record.State, want, err)
		}
	}
}
