package hostrepair

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// A machine that takes another's place leaves a disk, which costs: at the cap the move waits, people are told once, and nothing of
// the host is touched.
func TestAMoveWaitsAtTheCapOnMoney(t *testing.T) {
	w := newWorld(t, 1)
	w.moneyCap = 7
	w.breaks(first, "nothing")
	w.run(3 * time.Hour)
	w.sound()
	if r := w.repair(first); r.Step != pool.StepChoose || r.Tries != 0 || !strings.Contains(r.Error, "limit moneyCap: nearly all of the cap $7 is spent, and what is kept of its disks costs $8") {
		t.Fatalf("%+v", r)
	}
	told := 0
	for _, said := range w.said {
		if strings.Contains(said, "moneyCap") {
			told++
		}
	}
	if told != 1 || strings.Contains(w.made(), "Detach") {
		t.Errorf("told %d times: %q; calls %s", told, w.said, w.made())
	}
	w.moneyCap = 8
	w.run(5 * time.Hour)
	w.inService(first)
	held, err := w.ledger.HeldMoney(t.Context())
	w.must(err)
	if r := w.repair(first); len(held) != 1 || held[0] != (pool.HeldMoney{Name: r.MoneyName(), Price: pool.RootDiskPrice}) || !r.HoldsMoney(r.Number) {
		t.Errorf("held is %+v, for repair %s that keeps %v", held, r.ID(), r.Kept)
	}
	w.run(15 * 24 * time.Hour)
	if r := w.repair(first); r.HoldsMoney(r.Number) {
		t.Errorf("it holds money still, and keeps %v", r.Kept)
	}
}

// TestANewGatewayHoldsMoneyForBothOldDisks has a gateway be given up, whose cache disk is kept beside its root.
func TestANewGatewayHoldsMoneyForBothOldDisks(t *testing.T) {
	w := newWorld(t, 1)
	w.moneyCap = 1000
	before := w.host(first)
	w.beyond(first)
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(2 * time.Hour)
	w.renewed(first, before)
	held, err := w.ledger.HeldMoney(t.Context())
	w.must(err)
	if want := pool.Cents(704 + 4400); len(held) != 1 || held[0].Price != want {
		t.Errorf("held is %+v, and not %s", held, want)
	}
}
