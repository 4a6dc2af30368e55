package pool

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ClearanceState is where the clearance of a slot stands.
type ClearanceState string

const (
	// ClearanceScrubbing: what the tenant left in the slot is destroyed, the slot is made anew, and proven clean.
	ClearanceScrubbing ClearanceState = "scrubbing"
	// ClearanceCooling: it is clean, and rests.
	ClearanceCooling ClearanceState = "cooling"
	// ClearanceReturned: the slot is free again.
	ClearanceReturned ClearanceState = "returned"
	// ClearanceQuarantined: given up, after too many tries or because the slot was found unclean too often. Nothing
	// touches it until a person does.
	ClearanceQuarantined ClearanceState = "quarantined"
	// ClearanceRetired: a person took the slot out of use. It was not proven clean, and nobody ever gets it.
	ClearanceRetired ClearanceState = "retired"
)

var clearanceMoves = map[ClearanceState][]ClearanceState{
	ClearanceScrubbing:   {ClearanceCooling, ClearanceQuarantined},
	ClearanceCooling:     {ClearanceReturned, ClearanceQuarantined},
	ClearanceQuarantined: {ClearanceScrubbing, ClearanceRetired},
}

// Ended reports whether nothing more becomes of the clearance.
func (s ClearanceState) Ended() bool { return s == ClearanceReturned || s == ClearanceRetired }

// ClearanceID names a clearance: "<departure>/<kind>".
type ClearanceID string

// Departure is the departure that the clearance belongs to.
func (id ClearanceID) Departure() DepartureID {
	d, _, _ := strings.Cut(string(id), "/")
	return DepartureID(d)
}

const (
	// CleanLooks is how many clean looks prove a scrub, and CleanApart the least time between them.
	CleanLooks = 2
	CleanApart = 3 * time.Minute
	// UncleanLooks is how many looks that found something quarantine a slot.
	UncleanLooks = 3
	// coolLeast is how long a slot rests in any case: an invocation that had stalled while the slot was looked into, and
	// may open or close it, has ended by then.
	coolLeast = 70 * time.Second
)

// CleanReport is the report of a task that found nothing.
const CleanReport = "clean"

// Clearance is the record of one slot's way from a tenant that left back into its pool. The two slots of a tenant go
// their ways side by side.
type Clearance struct {
	Departure DepartureID
	Kind      Kind
	Holding   Holding // the generation that is cleared
	CoolDown  time.Duration

	State ClearanceState
	Progress

	Failing   Failing // files of the share that fail to upload
	Next      string  // name of the slot's next generation
	NextShare string  // ID of the share that was made anew
	Gateway   string  // ARN of the gateway that it is of
	Cursor    string  // how far the step has come, where it takes more than one look
	Destroyed int64   // object versions, delete markers and unfinished uploads that were deleted so far
	Clean     int     // looks in a row that found nothing
	LookedAt  time.Time
	Unclean   int       // looks that found something
	Task      string    // ARN of the task that looks into the share
	TaskAt    time.Time // when it was run
	Address   string    // of the task, which the share is opened to; empty: it is not
	Report    string    // what the task has found; "" until it has said so, and then CleanReport if that is nothing
	Look      int       // number of the look that the task is at, from 1

	Proofs  []Proof
	History []Entry
	Version int64 // of the record; 0 when it is not written yet
}

// ID names the clearance.
func (c Clearance) ID() ClearanceID { return ClearanceID(string(c.Departure) + "/" + string(c.Kind)) }

// Clone copies a clearance so that the copy can be changed without changing c.
func (c Clearance) Clone() Clearance {
	c.Failing = c.Failing.Clone()
	c.Proofs, c.History = slices.Clone(c.Proofs), slices.Clone(c.History)
	return c
}

// Clear is the clearance of one slot of a departure whose grace is over; next is the name of the slot's next
// generation.
func Clear(d Departure, kind Kind, next string, now time.Time) Clearance {
	holding, failing := d.Tenant.Database, Failing{}
	if kind == Share {
		holding, failing = d.Tenant.Share, d.Failing.Left()
	}
	return Clearance{
		Departure: d.ID(), Kind: kind, Holding: holding, CoolDown: d.CoolDown, Failing: failing, Next: next,
		State: ClearanceScrubbing, Progress: Started(StepWithdraw, now),
		History: []Entry{{At: now.UTC(), What: string(ClearanceScrubbing), Why: "the grace of departure " + string(d.ID()) + " is over", Correlation: Thread(d.History)}},
	}
}

// Proven notes what the step that is done came to, and begins the next.
func (c Clearance) Proven(next Step, now time.Time, what string) Clearance {
	c = c.Clone()
	c.Proofs = append(c.Proofs, Proof{Step: c.Step, At: now.UTC(), What: what})
	c.Progress, c.Cursor = Started(next, now), ""
	return c
}

// MoveClearance takes a clearance to another state, with a step that begins then (empty: it rests), and notes why.
// Being there already is no error and changes nothing; a move that the life of a clearance does not have is an error.
func MoveClearance(c Clearance, to ClearanceState, step Step, now time.Time, why string) (Clearance, error) {
	if c.State == to {
		return c, nil
	}
	if !slices.Contains(clearanceMoves[c.State], to) {
		return c, fmt.Errorf("clearance %s cannot go from %s to %s", c.ID(), c.State, to)
	}
	c = c.Clone()
	stuck := c.Progress
	c.State, c.Progress = to, Progress{}
	if step != "" {
		c.Progress = Started(step, now)
	}
	if to == ClearanceQuarantined {
		c.Stuck, c.Error = stuck.Step, stuck.Error
	}
	c.History = Append(c.History, Entry{At: now.UTC(), What: string(to), Why: why})
	return c, nil
}

// RestsUntil is until when a slot that was proven clean rests.
func (c Clearance) RestsUntil() time.Time {
	for _, p := range slices.Backward(c.Proofs) {
		if p.Step == StepProve {
			return p.At.Add(max(c.CoolDown, coolLeast))
		}
	}
	return time.Time{}
}

// LookFailed decides what becomes of a clearance whose look came to nothing: there is another, until MaxTries did; then it
// is given up, and that is to be reported to people.
func (c Clearance) LookFailed(why error, now time.Time) Clearance {
	c = c.Clone()
	if c.Progress = c.Failed(why); c.Tries < MaxTries {
		c.Progress = c.Retried(now)
		return c
	}
	c.Progress = c.GivenUp(now)
	c.History = Append(c.History, Entry{At: now.UTC(), What: "given up", Why: fmt.Sprintf("looks came to nothing %d times: %s", MaxTries+1, c.Error)})
	return c
}

// Looked notes what a look into a slot that was scrubbed found; nothing: it is clean. proven says that it was clean
// often enough, quarantine that it was not too often. A look that comes too soon after a clean one counts for nothing.
func (c Clearance) Looked(found []string, now time.Time) (out Clearance, proven, quarantine bool) {
	out = c.Clone()
	if len(found) > 0 {
		out.Clean, out.Unclean = 0, c.Unclean+1
		return out, false, out.Unclean >= UncleanLooks
	}
	if c.Clean > 0 && now.Before(c.LookedAt.Add(CleanApart)) {
		return out, false, false
	}
	out.Clean, out.LookedAt = c.Clean+1, now.UTC()
	return out, out.Clean >= CleanLooks, false
}
