package restore

import (
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

// Databases may have to wait before they change places. The temporary instance, which has others' data, does not.
func TestTheInstanceDoesNotStayWhileTheSwapWaits(t *testing.T) {
	w := newWorld(t)
	w.ask("database", then)
	w.until(func(r pool.Restoration) bool { return r.Step == pool.StepCopy })
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Repair: true, By: "ops", Why: "an incident"}))
	w.run(2*time.Hour, w.once)
	if r := w.restoration(); r.Step != pool.StepSwap || !slices.Equal(w.database("acme").rows, since) {
		t.Fatalf("it is at %q: %s", r.Step, r.Error)
	}
	for range 5 { // RDS is slow to delete, and the fake counts looks
		_, _ = outside{w, undisturbed}.Look(t.Context(), w.restoration().Instance)
	}
	if names := w.rds.Names(); !slices.Equal(names, []string{source}) {
		t.Errorf("there are %v", names)
	}
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}))
	w.run(30*time.Minute, w.once)
	if r := w.restoration(); r.State != pool.RestorationRestored || !slices.Equal(w.database("acme").rows, wanted) {
		t.Errorf("it is %s at %q: %s", r.State, r.Step, r.Error)
	}
}
