package pool

import (
	"fmt"
	"time"
)

// MaxTries bounds how often a step is tried again past its deadline before the host is quarantined.
const MaxTries = 5

// deadlines say how long each step may take before the pool check tries it again. They are several
// times what AWS documents or is seen to take: an RDS instance up to 40 minutes, an appliance 15.
var deadlines = map[Step]time.Duration{
	StepOrder:     2 * time.Minute,
	StepBuild:     60 * time.Minute,
	StepActivate:  20 * time.Minute,
	StepStabilize: 20 * time.Minute,
	StepCache:     5 * time.Minute,
	StepShares:    10 * time.Minute,
	StepAvailable: 10 * time.Minute,
	StepHarden:    5 * time.Minute,
	StepSlots:     10 * time.Minute,
	StepAnnounce:  2 * time.Minute,
	StepDelete:    30 * time.Minute,
}

// Deadline is how long a step may take before it is tried again.
func Deadline(s Step) time.Duration { return deadlines[s] }

// SignupDeadline is how long a signup may be under way before the pool check sends it again.
const SignupDeadline = 5 * time.Minute

// Overdue decides what becomes of a host whose step is past its deadline: the step is tried again,
// with a new deadline, until MaxTries; then the host is quarantined, and that is to be announced.
// changed is false when the deadline has not passed.
func Overdue(h Host, now time.Time) (out Host, changed bool, err error) {
	if h.Step == "" || h.Due.IsZero() || now.Before(h.Due) {
		return h, false, nil
	}
	late := "step " + string(h.Step) + " was not done by its deadline"
	// A host that has come to rest is never given up for an announcement that got lost; it is announced
	// until somebody hears of it.
	if h.Tries < MaxTries || h.State == InService || h.State == Cordoned || h.State == Quarantined {
		out = h.Clone()
		out.Tries++
		out.Due = now.Add(Deadline(h.Step))
		out.History = Append(out.History, Entry{At: now, What: "retry", Why: late})
		return out, true, nil
	}
	out, err = Move(h, Quarantined, now, fmt.Sprintf("step %s was tried %d times and was not done by its deadline", h.Step, h.Tries+1))
	if err != nil {
		return h, false, fmt.Errorf("give host %s up: %w", h.ID, err)
	}
	out.Stuck = h.Step
	return Begin(out, StepAnnounce, now), true, nil
}
