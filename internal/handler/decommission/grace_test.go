package decommission

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// What asks for a departure may lie in a queue for longer than its grace is: a dead letter that is sent on, a function that was
// held. Who is told that the tenant leaves has all of the grace to undo it all the same, and no longer.
func TestAGraceCountsFromWhenTheDepartureIsRecorded(t *testing.T) {
	for name, test := range map[string]struct {
		undone time.Duration // before the end of the grace
		state  pool.DepartureState
		said   string
	}{
		"undone at the last moment": {time.Second, pool.DepartureUndone, "TenantClosed TenantReopened"},
		"undone too late":           {-time.Minute, pool.DepartureLeft, "TenantClosed TenantReleased RequestRejected"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			asked := w.request()
			w.now = w.now.Add(2 * grace)
			recorded := w.now
			w.must(w.once(asked))
			w.run(time.Minute, w.once)
			told := w.bus.Of("TenantClosed")
			if len(told) == 0 {
				t.Fatalf("said %s", w.said())
			}
			var closed events.TenantClosed
			w.must(json.Unmarshal([]byte(told[0]), &closed))
			if left := closed.GraceUntil.Sub(recorded.Add(grace)).Abs(); left > time.Second {
				t.Errorf("recorded at %s, with a grace of %s, it is told that it can be undone until %s", recorded, grace, closed.GraceUntil)
			}
			w.run(recorded.Add(grace-test.undone).Sub(w.now), w.once)
			w.undo("acme")
			w.run(24*time.Hour+coolDown, w.once)
			if d := w.departure("acme.markacme"); d.State != test.state || !strings.HasPrefix(w.said(), test.said) {
				t.Errorf("it is %s at %q: %s; said %s", d.State, d.Step, d.Error, w.said())
			}
		})
	}
}

// TestWhatWasMadeAnewIsNotHandedBack has a departure be in its grace by a table that was put back, whose share was made anew since.
func TestWhatWasMadeAnewIsNotHandedBack(t *testing.T) {
	for name, becomes := range map[string]func(h *pool.Host, s *pool.Slot){
		"made anew":          func(_ *pool.Host, s *pool.Slot) { s.Generation, s.State, s.Tenant = s.Generation+1, pool.SlotFree, "" },
		"gone with its host": func(h *pool.Host, _ *pool.Slot) { h.State = pool.HostDeleted },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.ask("acme", "")
			w.until(func(d pool.Departure) bool { return d.Step == pool.StepGrace })
			share := w.departure("acme.markacme").Tenant.Share
			w.alter(share.Host, func(h pool.Host) pool.Host {
				becomes(&h, h.Slot(share.Index))
				return h
			})
			w.undo("acme")
			w.run(time.Minute, w.once)
			if d := w.departure("acme.markacme"); d.State != pool.DepartureLeaving || w.tenant("acme").State != pool.TenantLeft || w.said() != "TenantClosed RequestRejected" {
				t.Errorf("it is %s at %q, and acme %s; said %s", d.State, d.Step, w.tenant("acme").State, w.said())
			}
		})
	}
}
