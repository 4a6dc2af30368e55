package pool

import (
	"fmt"
	"slices"
	"time"
)

// timed are steps that end at a time, or are looked at again and again until something elsewhere has happened: that
// their deadline has passed is no failure. What is looked at again gets another deadline.
var timed = []Step{StepGrace, StepScrub, StepCool}

// timedAgain is when a timed step that did not end at its time is looked at again, at the earliest: many that wait for a
// person keep nobody else from being looked at.
const timedAgain = 5 * time.Minute

// OverdueDeparture decides what becomes of a departure whose step is past its deadline: the step is tried again, with
// a new deadline, until MaxTries; then it is given up, and that is to be reported to people. Nothing is destroyed
// by that, and a message that asks for the departure again has it gone on with. changed is false when the deadline has
// not passed.
func OverdueDeparture(d Departure, now time.Time) (out Departure, changed bool) {
	progress, entry, changed := overdueProgress(d.Progress, now)
	if !changed {
		return d, false
	}
	out = d.Clone()
	out.Progress = progress
	if entry != nil {
		out.History = Append(out.History, *entry)
	}
	return out, true
}

// OverdueClearance is OverdueDeparture for the clearance of a slot.
func OverdueClearance(c Clearance, now time.Time) (out Clearance, changed bool) {
	progress, entry, changed := overdueProgress(c.Progress, now)
	if !changed {
		return c, false
	}
	out = c.Clone()
	out.Progress = progress
	if entry != nil {
		out.History = Append(out.History, *entry)
	}
	return out, true
}

// overdueProgress decides what becomes of a step that is past its deadline, and what is to be noted of that.
func overdueProgress(p Progress, now time.Time) (out Progress, note *Entry, changed bool) {
	switch {
	case !p.Overdue(now):
		return p, nil, false
	case slices.Contains(timed, p.Step):
		p.Due = now.Add(max(timedAgain, Deadline(p.Step)))
		return p, nil, true
	case p.Step == StepReport: // until people hear of it
		return p.Retried(now), nil, true
	case p.Tries < MaxTries:
		return p.Retried(now), &Entry{At: now.UTC(), What: "retry", Why: fmt.Sprintf("step %s %s", p.Step, p.late())}, true
	}
	return p.GivenUp(now), &Entry{At: now.UTC(), What: "given up", Why: fmt.Sprintf("step %s was tried %d times and %s", p.Step, p.Tries+1, p.late())}, true
}
