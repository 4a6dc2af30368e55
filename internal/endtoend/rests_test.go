package endtoend

import (
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// Slots that rest for a day are free again in half an hour, before a host would be: who waits is told so, gets them, and no host
// is ordered for it.
func TestWhoWaitsGetsTheSlotsThatComeBack(t *testing.T) {
	t.Parallel()
	terms := leavers
	terms.CoolDown = pool.Term(24 * time.Hour)
	one := pool.Policy{SlotsPerHost: 1, Ceiling: 2, UsualLead: pool.Term(time.Hour)}
	s := startWith(t, document{Version: "1", Pools: policies(one, one), Terms: &terms}, byTheClock)
	s.awaitInService(t, 1, 1)
	s.signUp(t, leaver, leftFrom)
	l := &leaving{system: s, ready: s.awaitReady(t, leaver)[leaver], from: leftFrom}
	l.ask(t, "DecommissionRequested", `,"grace":"1m"`)
	resting := func(kind pool.Kind) (pool.Clearance, bool) {
		c, err := s.ledger.Clearance(t.Context(), pool.Clearance{Departure: l.departure(t, 0).ID(), Kind: kind}.ID())
		return c, err == nil && c.State == pool.ClearanceCooling
	}
	l.within(t, "its slots rest", func() bool {
		_, database := resting(pool.Database)
		_, share := resting(pool.Share)
		return database && share
	})
	for _, kind := range pool.Kinds { // most of a day later
		before, _ := resting(kind)
		after := before.Clone()
		after.Due = s.Clock.Now().Add(30 * time.Minute)
		for i := range after.Proofs {
			after.Proofs[i].At = after.Proofs[i].At.Add(after.Due.Sub(before.RestsUntil()))
		}
		_, err := s.ledger.SaveClearance(t.Context(), before, after)
		must(t, err)
	}

	s.signUp(t, "next", "127.30.8.3")
	var told events.StorageWaiting
	s.await(t, "the next is told to wait", func() (ok bool) {
		told, ok = firstOf(s.watch, func(e events.StorageWaiting) string { return e.TenantID })["next"]
		return ok
	})
	if e := told.Estimate; e == nil || time.Duration(e.P90Seconds)*time.Second > 30*time.Minute+2*pool.CheckEvery {
		t.Errorf("it is told to wait for %+v (%s)", e, told.Capped)
	}
	ready := map[string]events.StorageReady{}
	l.within(t, "the next is ready", func() (ok bool) {
		ready = firstOf(s.watch, func(e events.StorageReady) string { return e.TenantID })
		_, ok = ready["next"]
		return ok
	})
	if ordered := heard[events.HostOrdered](s.watch); len(ordered) != 2 {
		t.Errorf("hosts were ordered: %+v", ordered)
	}
}
