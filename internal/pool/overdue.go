package pool

import (
	"fmt"
	"time"
)

// Overdue decides what becomes of a host whose step is past its deadline: the step is tried again,
// with a new deadline, until MaxTries; then the host is quarantined, and that is to be announced.
// changed is false when the deadline has not passed.
func Overdue(h Host, now time.Time) (out Host, changed bool, err error) {
	if !h.Overdue(now) {
		return h, false, nil
	}
	// A host that has come to rest is never given up for an announcement that got lost; it is announced
	// until people hear of it.
	if h.Tries < MaxTries || h.State == HostInService || h.State == HostCordoned || h.State == HostQuarantined || h.State == HostDeleted {
		out = h.Clone()
		out.Progress = h.Retried(now)
		out.History = Append(out.History, Entry{At: now, What: "retry", Why: fmt.Sprintf("step %s %s", h.Step, h.late())})
		return out, true, nil
	}
	out, err = MoveHost(h, HostQuarantined, now, fmt.Sprintf("step %s was tried %d times and %s", h.Step, h.Tries+1, h.late()))
	if err != nil {
		return h, false, fmt.Errorf("give host %s up: %w", h.ID, err)
	}
	out = Begin(out, StepAnnounce, now)
	out.Stuck = h.Step
	return out, true, nil
}

// OverdueTenant decides what becomes of a tenant whose step is past its deadline: the step is tried
// again, with a new deadline, until MaxTries; then it is given up, and that is to be reported to
// people. The report itself is tried until people hear of it. changed is false when the deadline
// has not passed.
func OverdueTenant(t Tenant, now time.Time) (out Tenant, changed bool) {
	if !t.Overdue(now) {
		return t, false
	}
	out = t.Clone()
	if t.Tries < MaxTries || t.Step == StepReport {
		out.Progress = t.Retried(now)
		if t.Step != StepReport { // a topic that refuses must not crowd out the tenant's history
			out.History = Append(t.History, Entry{At: now, What: "retry", Why: fmt.Sprintf("step %s %s", t.Step, t.late())})
		}
		return out, true
	}
	out.Progress = Started(StepReport, now)
	out.Stuck, out.Error = t.Step, t.Error
	out.History = Append(t.History, Entry{At: now, What: "given up", Why: fmt.Sprintf("step %s was tried %d times and %s", t.Step, t.Tries+1, t.late())})
	return out, true
}

// late words that a step is late, with its last error.
func (p Progress) late() string {
	why := "was not done by its deadline"
	if p.Error != "" {
		why += ": " + p.Error
	}
	return why
}
