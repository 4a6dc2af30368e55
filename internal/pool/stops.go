package pool

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// StopLevel is what a stop switch stops. Each is switched by itself.
type StopLevel string

const (
	// StopOrder stops what adds to what is there: hosts, and temporary instances of restorations.
	StopOrder StopLevel = "order"
	// StopRepair stops what changes machines, stacks and tenants' data to mend them: repairs and restorations. What they
	// have begun waits at its next step.
	StopRepair StopLevel = "repair"
	// StopDestroy stops whatever can't be had back: slots of tenants that left, stacks of hosts that failed or are empty,
	// and what was kept for a while. A restoration's temporary instance goes all the same: it holds its neighbours' data.
	StopDestroy StopLevel = "destroy"
)

// StopLevels are all levels, in their order.
var StopLevels = []StopLevel{StopOrder, StopRepair, StopDestroy}

// Stops is the stop switch: what may not be done for the time being. Signups go on from what is there. Who may be forbidden
// something reads it consistently just before, so that it is in force at the next call.
type Stops struct {
	Order, Repair, Destroy bool

	// By, Why and At are of the last change.
	By  string
	Why string
	At  time.Time

	Marks   map[StopLevel]StopMark // of the levels that are on
	Untold  []StopChange           // changes that are not in the audit yet, the oldest first
	Version int64                  // of the record; 0 when it was never set
}

// StopMark is who stopped a level and why, and since when it is stopped.
type StopMark struct {
	By  string
	Why string
	At  time.Time
}

// StopChange is a change of the stop switch.
type StopChange struct {
	Version int64 // that the switch had with it
	At      time.Time
	By      string
	Why     string
	What    string // such as "stop order, repair"
}

// untoldMost bounds the changes that wait for their place in the audit.
const untoldMost = 100

// Clone copies a switch so that the copy can be changed without changing s.
func (s Stops) Clone() Stops {
	s.Marks, s.Untold = maps.Clone(s.Marks), slices.Clone(s.Untold)
	return s
}

// On reports whether a level is stopped.
func (s Stops) On(level StopLevel) bool {
	switch level {
	case StopOrder:
		return s.Order
	case StopRepair:
		return s.Repair
	case StopDestroy:
		return s.Destroy
	}
	return false
}

// Mark is who stopped a level; of one that was set when levels bore no marks, who changed the switch last.
func (s Stops) Mark(level StopLevel) StopMark {
	if m, ok := s.Marks[level]; ok {
		return m
	}
	return StopMark{By: s.By, Why: s.Why, At: s.At}
}

// Against says why something may not be done that the given levels stop, by the first of them that is on; empty: it may.
func (s Stops) Against(levels ...StopLevel) string {
	for _, level := range levels {
		if s.On(level) {
			m := s.Mark(level)
			return fmt.Sprintf("the stop switch is on (%s: %s)", m.By, m.Why)
		}
	}
	return ""
}

// Stopped is the switch with levels on. Those that were on already stay so since when they were, for the new reason.
func (s Stops) Stopped(levels []StopLevel, by, why string, now time.Time) Stops {
	before := s
	s = s.changed("stop", levels, by, why, now)
	for _, level := range levels {
		m := StopMark{By: by, Why: why, At: now}
		if before.On(level) {
			m.At = before.Mark(level).At
		}
		s.set(level, true)
		s.Marks[level] = m
	}
	return s
}

// Resumed is the switch with levels off.
func (s Stops) Resumed(levels []StopLevel, by, why string, now time.Time) Stops {
	s = s.changed("resume", levels, by, why, now)
	for _, level := range levels {
		s.set(level, false)
		delete(s.Marks, level)
	}
	return s
}

// Told is the switch without changes that are in the audit, up to the one of a version.
func (s Stops) Told(version int64) Stops {
	s.Untold = slices.DeleteFunc(slices.Clone(s.Untold), func(c StopChange) bool { return c.Version <= version })
	return s
}

// Audit is the line of a change in the audit. Who made it is said by who made it: the table knows nobody.
func (c StopChange) Audit() Audit {
	return Audit{At: c.At, Message: fmt.Sprintf("stops-%d", c.Version), Named: c.By, What: c.What, Of: "stage", Why: c.Why}
}

func (s Stops) changed(what string, levels []StopLevel, by, why string, now time.Time) Stops {
	marks := map[StopLevel]StopMark{}
	for _, level := range StopLevels {
		if s.On(level) {
			marks[level] = s.Mark(level)
		}
	}
	maps.Copy(marks, s.Marks)
	var names []string
	for _, level := range levels {
		names = append(names, string(level))
	}
	s.Marks, s.By, s.Why, s.At = marks, by, why, now
	s.Untold = last(append(slices.Clone(s.Untold), StopChange{
		Version: s.Version + 1, At: now, By: by, Why: why, What: what + " " + strings.Join(names, ", "),
	}), untoldMost)
	return s
}

func (s *Stops) set(level StopLevel, on bool) {
	switch level {
	case StopOrder:
		s.Order = on
	case StopRepair:
		s.Repair = on
	case StopDestroy:
		s.Destroy = on
	}
}
