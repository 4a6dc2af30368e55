package pool

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Probe is a look into a share of a host in repair that is no tenant's, by a task to which alone it is opened.
type Probe struct {
	Look     int       // counts the tasks that were run for it
	Share    string    // ID of the share that the last of them looks into; empty: none was run
	Task     string    // ARN of the task that is at it; empty: none is
	TaskAt   time.Time // when that was run
	Address  string    // that the share was opened to; empty: the task was not heard of
	Closed   time.Time // when it was closed again; zero: it may be open
	Found    string    // what the task found, CleanReport when that is nothing; empty: nothing is known yet
	Failures int       // of tasks in a row that came to nothing
	Failed   string    // why the last of them did
}

// ProbesMost is how many tasks may come to nothing before a share is taken for one that can't be read.
const ProbesMost = 3

// Open reports whether a task is at a share, or a share may be open to one.
func (p Probe) Open() bool { return p.Task != "" || p.Address != "" && p.Closed.IsZero() }

// Fail is a probe whose task came to nothing.
func (p Probe) Fail(why string) Probe {
	p.Task, p.Failed = "", why
	p.Failures++
	return p
}

// Anew is a probe that begins again after it has come to an end. Its tasks are counted on, for each has a name of its own.
func (p Probe) Anew() Probe {
	p.Found, p.Failures, p.Failed = "", 0, ""
	return p
}

// Touched reports whether the repair's way has touched the machine, so that it does not go without saying that shares are
// served as before.
func (r Repair) Touched() bool { return r.Way != WayUpdate }

// Unassigned is a slot of a share host out of service whose share can be opened to a prober: it was made, is closed, and
// nobody has it or may get it meanwhile. What was returned may be half open to somebody, and what is offered is on its way
// to one. false: there is none.
func (h Host) Unassigned() (Slot, bool) {
	for _, state := range []SlotState{SlotFree, SlotCooling} {
		for _, s := range h.Slots {
			if s.State == state && s.Share != "" {
				return s, true
			}
		}
	}
	return Slot{}, false
}

// UnassignedShare reports whether a share is one of those which Unassigned can name.
func (h Host) UnassignedShare(id string) bool {
	for _, s := range h.Slots {
		if s.Share == id {
			return id != "" && (s.State == SlotFree || s.State == SlotCooling)
		}
	}
	return false
}

// RestProbed has a share rest, and be closed, that the host's repair leaves behind as open to a prober, for all that is known: its
// gateway may not have answered since. One that cools is closed by its clearance, and whoever has it by now sets its list anew.
func RestProbed(h Host, r Repair, now time.Time) (Host, error) {
	if r.Probe.Address == "" || r.closedForGood() || h.State != HostInService && h.State != HostCordoned {
		return h, nil
	}
	out := h.Clone()
	for i, s := range out.Slots {
		if s.Share != r.Probe.Share || s.State != SlotFree {
			continue
		}
		var err error
		if out.Slots[i], err = MoveSlot(s, SlotReturned, now); err != nil {
			return h, fmt.Errorf("have the share rest that repair %s looked into: %w", r.ID(), err)
		}
	}
	return out, nil
}

// closedForGood reports whether the step that looks into a share is done, which closes it once more after whoever stood still.
func (r Repair) closedForGood() bool {
	return slices.ContainsFunc(r.Proofs, func(p Proof) bool { return p.Step == StepProbe && !p.At.Before(r.Probe.TaskAt) })
}

// ParseRepairID is the host and the number that a repair's ID names; false when it names none.
func ParseRepairID(id string) (host HostID, number int, ok bool) {
	i := strings.LastIndex(id, ".")
	if i <= 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(id[i+1:])
	if err != nil || number < 1 || strconv.Itoa(number) != id[i+1:] {
		return "", 0, false
	}
	return HostID(id[:i]), number, true
}

// Evidence is what was seen last before the host was put into service again, in words.
func (r Repair) Evidence() []string {
	words := []string{}
	for _, step := range []Step{StepProve, StepProbe, StepClean} {
		for _, p := range slices.Backward(r.Proofs) {
			if p.Step == step {
				words = append(words, p.What)
				break
			}
		}
	}
	return words
}

// WritableAt is since when tenants are known to be able to write again: since the shares were looked at, before one was read.
func (r Repair) WritableAt() time.Time {
	for _, p := range slices.Backward(r.Proofs) {
		if p.Step != StepProbe {
			return p.At
		}
	}
	return r.Began
}
