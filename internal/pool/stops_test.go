package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestLevelsAreStoppedAndResumedByThemselves(t *testing.T) {
	s := pool.Stops{}.Stopped([]pool.StopLevel{pool.StopOrder, pool.StopDestroy}, "jo", "a drill", noon)
	s = s.Stopped([]pool.StopLevel{pool.StopDestroy}, "mo", "an audit", noon.Add(time.Hour))
	if !s.Order || s.Repair || !s.Destroy || s.Against(pool.StopRepair) != "" {
		t.Fatalf("stopped is %+v", s)
	}
	if m := s.Mark(pool.StopDestroy); m.By != "mo" || m.Why != "an audit" || !m.At.Equal(noon) {
		t.Errorf("destruction is stopped by %+v", m)
	}
	if why := s.Against(pool.StopRepair, pool.StopOrder); why != "the stop switch is on (jo: a drill)" {
		t.Errorf("an order is forbidden: %q", why)
	}
	before := s.Clone()
	s = s.Resumed([]pool.StopLevel{pool.StopOrder}, "mo", "it is over", noon.Add(2*time.Hour))
	if s.Order || !s.Destroy || len(s.Untold) != 3 || s.Mark(pool.StopDestroy).By != "mo" {
		t.Errorf("since orders go on it is %+v", s)
	}
	if !before.Order || len(before.Untold) != 2 || before.Marks[pool.StopOrder].By != "jo" {
		t.Errorf("the switch of before was changed: %+v", before)
	}
	if told := s.Told(0); len(told.Untold) != 3 || len(s.Told(1).Untold) != 0 {
		t.Errorf("versions are all 1 while nothing is saved: %+v", told.Untold)
	}
}

// One that was set by hand bears no marks.
func TestASwitchSetByHandSaysWhoChangedItLast(t *testing.T) {
	s := pool.Stops{Repair: true, By: "jo", Why: "AWS has trouble"}
	if why := s.Against(pool.StopRepair); why != "the stop switch is on (jo: AWS has trouble)" {
		t.Error(why)
	}
	s = s.Stopped([]pool.StopLevel{pool.StopOrder}, "mo", "a drill", noon)
	if m := s.Mark(pool.StopRepair); m.By != "jo" {
		t.Errorf("repairs are stopped by %+v", m)
	}
}
