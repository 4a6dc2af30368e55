package pool

import (
	"fmt"
	"time"
)

// alarmGrace is how long an alarm that rang may be missing from what alarms there are: lists lag.
const alarmGrace = 5 * time.Minute

// Recheck compares the marks of a host's alarms that are on with what the alarms say by now (states, by name): one
// that is not there any more lets go, and so does one that has said OK since, and was not heard. changed is
// false when nothing follows.
func Recheck(h Host, states map[string]AlarmMark, now time.Time) (out Host, changed bool, err error) {
	out = h.Clone()
	why := ""
	for _, name := range h.Alarmed() {
		mark := h.Alarms[name]
		state, there := states[name]
		switch {
		case !there && now.Sub(mark.At) > alarmGrace:
			out.Alarms[name] = AlarmMark{At: now}
			why = fmt.Sprintf("there is no alarm %s any more", name)
		case there && !state.On && state.At.After(mark.At):
			out.Alarms[name] = state
			why = fmt.Sprintf("alarm %s is not on any more", name)
		}
	}
	if why == "" {
		return h, false, nil
	}
	if out, err = Reconsider(out, now, why); err != nil {
		return h, false, err
	}
	return out, true, nil
}
