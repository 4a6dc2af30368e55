package pool

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// alarmGrace is how long an alarm that rang may be missing from what alarms there are: lists lag.
const alarmGrace = 5 * time.Minute

// AlarmLook is what an alarm was seen to say. One that is neither on nor OK has too little data: that is no news, good or bad.
type AlarmLook struct {
	On, OK bool
	At     time.Time // when it came to say so
}

// Rechecks names the alarms of a host that are to be looked at now, sorted: those that are on, and before it is let in
// again all that were heard of. None: nothing would follow.
func Rechecks(h Host, term time.Duration, now time.Time) []string {
	if h.Steady(term, now) {
		return slices.Sorted(maps.Keys(h.Alarms))
	}
	return h.Alarmed()
}

// Recheck compares the marks of a host's alarms with what they were seen to say (looks, by name: those that Rechecks names, and
// of a host that is to be let in all of its stack's that ring, of which nothing may have been heard yet). One
// that is on and not there any more lets go, and so does one that has said OK since, and was not heard; one that rings and
// was not heard counts. A host that nothing has ailed for long enough by now, as its record says, is let in again if none
// of them rings; term is the policy's. changed is false when nothing follows.
func Recheck(h Host, looks map[string]AlarmLook, term time.Duration, now time.Time) (out Host, changed bool, err error) {
	out = h.Clone()
	why, rings := "", false
	names := slices.Concat(slices.Collect(maps.Keys(h.Alarms)), slices.Collect(maps.Keys(looks)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		mark := h.Alarms[name]
		look, there := looks[name]
		rings = rings || look.On
		switch {
		case mark.On && !there && now.Sub(mark.At) > alarmGrace:
			out = Marked(out, name, AlarmMark{At: now}, now)
			why = fmt.Sprintf("there is no alarm %s any more", name)
		case mark.On && look.OK && look.At.After(mark.At):
			out = Marked(out, name, AlarmMark{At: look.At}, now)
			why = fmt.Sprintf("alarm %s is not on any more", name)
		case !mark.On && look.On && !look.At.Before(mark.At):
			out = Marked(out, name, AlarmMark{On: true, At: look.At}, now)
			why = fmt.Sprintf("alarm %s is on, which was not heard", name)
		}
	}
	if h.Steady(term, now) && !rings {
		out.Calm = time.Time{}
		why = fmt.Sprintf("what ailed it has been over for %s", now.Sub(h.Calm).Round(time.Second))
	}
	if why == "" {
		return h, false, nil
	}
	if out, err = Reconsider(out, now, why); err != nil {
		return h, false, err
	}
	return out, true, nil
}
