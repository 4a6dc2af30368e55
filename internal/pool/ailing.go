package pool

import (
	"slices"
	"strings"
	"time"
)

// mendable are the ends of the names of a share host's alarms that a repair may end. What else a gateway's alarms say, that
// it can't upload or keep up, no new machine mends.
var mendable = []string{"-status", "-availability", "-health"}

// mendable reports whether one of a host's alarms rings for what a repair may end.
func (h Host) mendable(alarm string) bool {
	return slices.ContainsFunc(mendable, func(end string) bool { return strings.HasSuffix(alarm, "-"+string(h.ID)+end) })
}

// FirstSign is when there was the first sign of what ails a host out of service: the first of the failures or of the bad looks by
// which it came into doubt, or when CloudWatch says that an alarm began to ring that a repair may end. Zero: it is not known.
func (h Host) FirstSign() time.Time {
	var first time.Time
	other := false
	note := func(at time.Time) {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	for _, name := range h.Alarmed() {
		if h.mendable(name) {
			note(h.Alarms[name].At)
		} else {
			other = true // which may have rung long before it came into doubt
		}
	}
	if n := len(h.Rang); n > 0 && h.Doubt != "" && !other {
		note(h.Rang[n-1])
	}
	return first.UTC()
}

// Ailing says whether a share host is out of service for a reason that a repair may mend, and for which: it is in doubt, or
// an alarm on its machine or gateway is on. One that is in repair already is none.
func Ailing(h Host) (cause string, ailing bool) {
	if h.Kind != Share || h.State != HostCordoned || h.Repair > 0 {
		return "", false
	}
	var why []string
	for _, name := range h.Alarmed() {
		if h.mendable(name) {
			why = append(why, "alarm "+name+" is on")
		}
	}
	if h.Doubt != "" {
		why = append(why, h.Doubt)
	}
	return strings.Join(why, "; "), len(why) > 0
}
