package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// TestAPlannedChangeWaitsForItsCache has a person want a gateway changed that has not uploaded all: it is waited for, within bounds,
// and said.
func TestAPlannedChangeWaitsForItsCache(t *testing.T) {
	for action, word := range map[string]string{events.RepairReplace: wanted, events.RepairResize: "m6i.2xlarge"} {
		w := newWorld(t, 1)
		w.measures(3)
		w.must(w.request(first, action, word))
		w.run(8 * time.Minute)
		if r := w.repair(first); r.Step != pool.StepClean || w.made() != "" || !w.serves(first) {
			t.Fatalf("%s: it is at %q, calls %s", action, r.Step, w.made())
		}
		if len(w.said) != 1 || !strings.Contains(w.said[0], "is not all uploaded (3.0 per cent of its cache") {
			t.Errorf("%s: said %q", action, w.said)
		}
		w.measures(0)
		w.run(2 * time.Minute)
		if r := w.repair(first); r.Step == pool.StepClean {
			t.Errorf("%s: it waits still: %s", action, r.Error)
		}
		w.run(2 * time.Hour)
		w.inService(first)
		if got := strings.Join(w.repair(first).Evidence(), "; "); !strings.Contains(got, "all that it had acknowledged was uploaded") {
			t.Errorf("%s: %s", action, got)
		}
	}
}

func TestAPlannedChangeGoesOnWithoutACleanCacheAndSaysSo(t *testing.T) {
	for dirty, want := range map[float64]string{3: "although not all was uploaded", 0: "nothing was measured lately"} {
		w := newWorld(t, 1)
		if dirty > 0 {
			w.measures(dirty)
		}
		w.must(w.request(first, events.RepairReplace, wanted))
		w.run(3 * time.Hour)
		w.inService(first)
		if got := strings.Join(w.repair(first).Evidence(), "; "); !strings.Contains(got, want) || w.tried(first) != "machine" {
			t.Errorf("%v per cent: tried %s; %s", dirty, w.tried(first), got)
		}
	}
	w := newWorld(t, 1)
	w.fail["Unuploaded"] = errNotNow
	w.must(w.request(first, events.RepairReplace, wanted))
	w.run(3 * time.Hour)
	w.inService(first)
}

// measures has CloudWatch say that so much of the first host's cache is not uploaded.
func (w *world) measures(percent float64) {
	w.gateway(first).measured = pool.Unuploaded{Dirty: percent, DirtyAt: w.now}
}

// TestWhatFailsWaitsForNothing has a gateway fail whose cache is dirty: who can't write is not kept waiting.
func TestWhatFailsWaitsForNothing(t *testing.T) {
	w := newWorld(t, 1)
	w.measures(3)
	w.breaks(first, "nothing")
	w.run(5 * time.Hour)
	w.inService(first)
	for _, p := range w.repair(first).Proofs {
		if p.Step == pool.StepClean {
			t.Errorf("it waited for its cache: %s", p.What)
		}
	}
}
