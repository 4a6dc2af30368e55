package demo

import (
	"testing"
	"time"

	"headroom/events"
)

func TestAnEstimateHoldsUpToWhatWasToldAtMost(t *testing.T) {
	told := events.StorageWaiting{Estimate: &events.WaitEstimate{P50Seconds: 60, P90Seconds: 300}}
	for name, c := range map[string]struct {
		e           events.StorageWaiting
		took        time.Duration
		told, holds bool
	}{
		"in time":              {told, 5 * time.Minute, true, true},
		"too late":             {told, 5*time.Minute + time.Second, true, false},
		"nothing was told":     {events.StorageWaiting{Capped: "ceiling"}, time.Second, false, false},
		"the wrong way around": {events.StorageWaiting{Estimate: &events.WaitEstimate{P50Seconds: 2, P90Seconds: 1}}, time.Second, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := isTold(c.e); (err == nil) != c.told {
				t.Errorf("that it was told: %v", err)
			}
			if got := holds(c.e, c.took); got != c.holds {
				t.Errorf("that it holds: %v", got)
			}
		})
	}
}

// Of ten, P(X ≤ 4) = 0.00015 and P(X ≤ 5) = 0.0016. Of one or two none may hold: 0.1 and 0.01; of three none does with 0.001. Of
// twenty, P(X ≤ 12) = 0.0004 and P(X ≤ 13) = 0.0024.
func TestSoManyEstimatesMustHold(t *testing.T) {
	for told, least := range map[int]int{0: 0, 1: 0, 2: 0, 4: 1, 10: 5, 20: 13} {
		if got := leastOf(told); got != least {
			t.Errorf("of %d at least %d must hold, want %d", told, got, least)
		}
		if err := mostHold(least, told); err != nil {
			t.Errorf("%d of %d: %v", least, told, err)
		}
		if err := mostHold(least-1, told); err == nil {
			t.Errorf("%d of %d is right", least-1, told)
		}
	}
}

func TestASurgeIsSeenInTheOrdersOfItsTier(t *testing.T) {
	for name, c := range map[string]struct {
		h    host
		seen bool
	}{
		"its tier":     {host{tier: "standard", reason: "database standard: 0 free; wanted 9 for 99 %, surge; 1 ordered"}, true},
		"another tier": {host{tier: "gold", reason: "surge"}, false},
		"no surge":     {host{tier: "standard", reason: "database standard: 1 ordered"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			crowd := &Crowd{tier: "standard", hosts: map[string]host{"h": c.h}}
			if done := crowd.surgeWasSeen(t.Context()); len(done) != 1 || (done[0].Err == nil) != c.seen {
				t.Errorf("it says %v", done)
			}
		})
	}
}
