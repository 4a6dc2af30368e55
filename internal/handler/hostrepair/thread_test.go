package hostrepair

import (
	"testing"

	"headroom/events"
	"headroom/internal/pool"
)

// A repair's lines bear the id of the message that it came of.
func TestHistoriesOfRepairsNameWhatTheyCameOf(t *testing.T) {
	w := newWorld(t, 1)
	id := w.ids[0]
	q := events.RepairRequest{Version: events.Version, Type: events.TypeRepairRequest, HostID: string(id), Action: events.RepairResize, Size: "m5.2xlarge", RequestedBy: "ops", Reason: "because"}
	w.must(w.handler(undisturbed).request(events.WithCorrelation(t.Context(), "ops-17"), q, w.now, false))
	r, err := w.ledger.Repair(t.Context(), id)
	w.must(err)
	if got := pool.Thread(r.History); got != "ops-17" {
		t.Errorf("the repair came of %q", got)
	}
}
