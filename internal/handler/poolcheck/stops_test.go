package poolcheck

import (
	"testing"
	"time"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// Who writes the switch can't write the audit: the pool check does, each change once, whatever is killed and whoever changes it
// meanwhile.
func TestWhoChangesTheStopSwitchIsInTheAuditOnce(t *testing.T) {
	w := newWorld(t)
	change := func(change func(pool.Stops) pool.Stops) {
		w.t.Helper()
		s, err := w.ledger.Stops(t.Context())
		w.must(err)
		w.must(w.ledger.SwitchStops(t.Context(), s, change(s)))
	}
	began := w.now
	change(func(s pool.Stops) pool.Stops {
		return s.Stopped([]pool.StopLevel{pool.StopOrder}, "arn:jo", "a drill", began)
	})
	again := false
	w.must(w.checkBy(func(operation string, do func() error) error {
		err := do()
		if operation == "Audit" && !again {
			again = true
			change(func(s pool.Stops) pool.Stops {
				return s.Resumed(pool.StopLevels, "arn:mo", "it is over", began.Add(time.Second))
			})
		}
		return err
	}))
	w.must(w.check())
	w.must(w.check())
	lines, err := w.ledger.Audits(t.Context(), began)
	w.must(err)
	if len(lines) != 2 || lines[0].What != "stop order" || lines[0].Named != "arn:jo" || lines[0].Why != "a drill" || lines[1].What != "resume order, repair, destroy" || lines[1].Named != "arn:mo" {
		t.Errorf("the audit says %+v", lines)
	}
	if s, _ := w.ledger.Stops(t.Context()); len(s.Untold) != 0 || s.Order {
		t.Errorf("the switch is %+v", s)
	}
}

func TestForHowLongALevelIsStoppedIsMeasured(t *testing.T) {
	w := newWorld(t)
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}.Stopped([]pool.StopLevel{pool.StopDestroy}, "jo", "a drill", w.now)))
	w.now = w.now.Add(5 * time.Hour)
	w.must(w.check())
	if on, off := w.last(telemetry.StopAge, "destroy"), w.last(telemetry.StopAge, "repair"); on != 5*3600 || off != 0 {
		t.Errorf("destroy for %v s, repair for %v s", on, off)
	}
}
