package pool

import (
	"fmt"
	"slices"
	"time"
)

// Overdue decides what becomes of a host whose step is past its deadline: the step is tried again,
// with a new deadline, until MaxTries; then the host is quarantined, and that is to be announced.
// changed is false when the deadline has not passed.
//
// Nothing is given up here for what could not be told: a failed host whose announcement is refused is deleted
// all the same, and it is told afterwards. Nor is an order: whether it is given up depends on whether there is a
// stack (GiveUpOrder).
func Overdue(h Host, now time.Time) (out Host, changed bool, err error) {
	if !h.Overdue(now) {
		return h, false, nil
	}
	switch {
	case h.Step == StepWatch, h.Step == StepClose, h.Step == StepRecall, h.Step == StepSweep: // which are done again and again, at their time
		out = h.Clone()
		out.Due = now.Add(Deadline(h.Step))
		return out, true, nil
	case h.State == HostDeleting && h.Step == StepAnnounce && h.Tries >= MaxTries:
		out = Begin(h, StepDelete, now)
		out.Untold = true
		out.History = Append(out.History, Entry{At: now, What: "untold", Why: fmt.Sprintf("step %s %s", h.Step, h.late())})
		return out, true, nil
	// A host that has come to rest is never given up for an announcement that got lost; it is announced
	// until people hear of it. Nor is one that has tenants.
	case h.Tries < MaxTries || h.Step == StepAnnounce || slices.Contains([]HostState{HostOrdered, HostInService, HostCordoned, HostQuarantined}, h.State):
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

// OrderStuck reports whether an order was tried so often that it is to be given up if it made no stack.
func (h Host) OrderStuck() bool { return h.State == HostOrdered && h.Tries > MaxTries }

// GiveUpOrder gives up an order that made no stack: there is no host then. That is to be announced.
func GiveUpOrder(h Host, now time.Time) (Host, error) {
	given, err := MoveHost(h, HostDeleted, now, fmt.Sprintf("its stack was asked for %d times, and there is none: %s", h.Tries, h.Error))
	if err != nil {
		return h, err
	}
	given = Begin(given, StepAnnounce, now)
	given.Stuck = StepOrder
	return given, nil
}

// OverdueTenant decides what becomes of a tenant whose step is past its deadline: the step is tried
// again, with a new deadline, until MaxTries; then it is given up, and that is to be reported to
// people. The report itself is tried until people hear of it. A change of addresses that has not ended is reported
// at once. changed is false when the deadline has not passed.
func OverdueTenant(t Tenant, now time.Time) (out Tenant, changed bool) {
	if !t.Overdue(now) {
		return t, false
	}
	out = t.Clone()
	if t.Step == StepOverlap {
		out.Progress = Started(StepReport, now)
		out.Stuck = StepOverlap
		return out, true
	}
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
