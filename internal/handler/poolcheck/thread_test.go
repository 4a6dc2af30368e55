package poolcheck

import (
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// A host's history names what it was ordered for; a step that is tried again, past its deadline, goes on for that.
func TestAnOrderNamesWhatItCameOf(t *testing.T) {
	w := newWorld(t)
	id := databases.Host(1)
	thread := func() string {
		h, err := w.ledger.Host(t.Context(), id)
		w.must(err)
		return pool.Thread(h.History)
	}
	check := func(of string) {
		w.must(w.handler(undisturbed).Messages(events.WithCorrelation(t.Context(), of), []events.Delivery{{
			ID: "m", Body: `{"version":"1","type":"PoolCheck","reason":"test"}`,
		}}))
	}
	w.want(databases, func(p *pool.Policy) { p.Floor = 1 })
	check("signup-5")
	if got := thread(); got != "signup-5" {
		t.Errorf("the order came of %q", got)
	}
	h, err := w.ledger.Host(t.Context(), id)
	w.must(err)
	w.now = w.now.Add(pool.Deadline(h.Step) + time.Second)
	check("the schedule's")
	h, err = w.ledger.Host(t.Context(), id)
	w.must(err)
	if last := h.History[len(h.History)-1]; len(h.History) < 2 || last.Correlation != "signup-5" {
		t.Errorf("its last line is %+v", last)
	}
}
