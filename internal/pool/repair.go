package pool

import (
	"fmt"
	"slices"
	"time"
)

// Way is a way of mending a share host that keeps what its gateway acknowledged.
type Way string

// The ways, the least harmful first. What they do is AWS's own procedure ("Recovering from an unexpected virtual machine
// shutdown" and "Replacing your existing S3 File Gateway" in the user guide of S3 File Gateway).
const (
	// WayReboot reboots the machine.
	WayReboot Way = "reboot"
	// WayRestart stops the machine and starts it, on other hardware.
	WayRestart Way = "restart"
	// WayMachine makes a new machine that goes on as the same gateway, with the old one's cache.
	WayMachine Way = "machine"
	// WayGateway makes a new gateway over the same buckets: what was not uploaded is on the old one's cache disk alone.
	WayGateway Way = "gateway"
	// WayUpdate brings the host's stack to the template that new hosts are made from.
	WayUpdate Way = "update"
	// WayResize gives the machine another size, by a stop and a start.
	WayResize Way = "resize"
)

// RepairState is where a repair stands.
type RepairState string

const (
	// RepairLooking: something is wrong; it is looked at again, for it may pass.
	RepairLooking RepairState = "looking"
	// RepairWaiting: it needs mending, and waits for others, or for the stop switch.
	RepairWaiting RepairState = "waiting"
	// RepairMending: it is being mended.
	RepairMending RepairState = "mending"
	// RepairAsking: what is left to be tried needs a person's word.
	RepairAsking RepairState = "asking"
	// RepairMended: the host is as it was.
	RepairMended RepairState = "mended"
	// RepairPassed: it passed by itself; nothing was done.
	RepairPassed RepairState = "passed"
	// RepairDropped: a person ended it.
	RepairDropped RepairState = "dropped"
)

var repairMoves = map[RepairState][]RepairState{
	RepairLooking: {RepairWaiting, RepairPassed, RepairDropped},
	RepairWaiting: {RepairMending, RepairAsking, RepairPassed, RepairDropped},
	RepairMending: {RepairAsking, RepairMended},
	RepairAsking:  {RepairWaiting, RepairPassed, RepairDropped},
	RepairMended:  {RepairLooking},
	RepairPassed:  {RepairLooking},
	RepairDropped: {RepairLooking},
}

// Ended reports whether nothing more becomes of the repair.
func (s RepairState) Ended() bool {
	return s == RepairMended || s == RepairPassed || s == RepairDropped
}

// Repair is the record of how a share host is mended, or replaced as somebody wants it. A host has one, whose number
// counts the times.
type Repair struct {
	Host   HostID
	Number int // of this repair of the host, from 1
	Cause  string
	Began  time.Time

	State RepairState
	Progress

	Way      Way       // that is under way, or asked for
	Tried    []Try     // of this repair, in order
	Well     int       // good looks in a row
	Sign     time.Time // first sign of what ails it, until a look finds that its tenants can write; zero: none is known of
	Quiet    time.Time // since when its tenants could not write, as far as was noticed; zero: not known to be so
	Wanted   Wanted    // of a person; zero: it is Headroom's own
	Consent  Consent   // of a person, for the way that is asked for; zero: none yet
	Asked    string    // what was told when it was asked
	Machine  string    // ID of the machine that it began with
	Root     string    // ID of that machine's root disk
	Cache    string    // ID of the gateway's cache disk
	Image    string    // that the machine is made from
	To       string    // image of the machine that takes its place
	Next     string    // ID of the machine that takes its place
	NextRoot string    // ID of that machine's root disk; empty: not known yet
	Update   int       // counts the updates of the stack, whose tokens they are part of
	Told     string    // what people were told last of why it waits
	Blind    string    // what people were told of why it can't be looked at
	Seen     LastLook  // of what the gateway had not uploaded, when its giving up was asked for or done
	Probe    Probe     // of a share that is nobody's, before the host goes into service again

	Ended   []time.Time // when the last repairs of the host were ended that did something, the oldest first
	Kept    []KeptDisk  // old disks that are kept for a term
	Renewal Renewal     // of the gateway, by WayGateway
	Proofs  []Proof
	History []Entry
	Version int64 // of the record; 0 when it is not written yet
}

// Try is a way that was tried.
type Try struct {
	Way  Way
	At   time.Time // when it was begun
	Came string    // what came of it
}

// Wanted is what a person wants of a host that is well.
type Wanted struct {
	By, Why string
	Image   string // of the machine that takes the place of the one there is; empty: no other machine
	Update  bool   // its stack is to be as that of a new host
	Size    string // that the machine is to have, such as "m6i.2xlarge"; empty: as it is
}

// Planned reports whether the repair is a person's wish, and not a failure's.
func (r Repair) Planned() bool { return r.Wanted.By != "" }

// Consent is a person's word for a way that is not gone without.
type Consent struct {
	By, Why string
	Way     Way
	At      time.Time // when it was sent
}

// ID names the repair and its number, for tokens and marks.
func (r Repair) ID() string { return fmt.Sprintf("%s.%d", r.Host, r.Number) }

// Clone copies a repair so that the copy can be changed without changing r.
func (r Repair) Clone() Repair {
	r.Tried, r.Ended, r.Proofs, r.History = slices.Clone(r.Tried), slices.Clone(r.Ended), slices.Clone(r.Proofs), slices.Clone(r.History)
	r.Kept, r.Renewal.Shares, r.Seen.Named = slices.Clone(r.Kept), slices.Clone(r.Renewal.Shares), slices.Clone(r.Seen.Named)
	return r
}

const (
	// passedLull is how long a host that turned out well is not looked at again for the same.
	passedLull = 10 * time.Minute
	// droppedLull is how long a host is left alone whose repair a person ended: they may be at it themselves.
	droppedLull = time.Hour
)

// lull is how long another repair is not begun by itself after one that came to a state.
func (s RepairState) lull() time.Duration {
	switch s {
	case RepairPassed:
		return passedLull
	case RepairDropped:
		return droppedLull
	}
	return 0
}

// since is when the repair came to its state.
func (r Repair) since() time.Time {
	if n := len(r.History); n > 0 {
		return r.History[n-1].At
	}
	return r.Began
}

// BeginRepair is the next repair of a host: last is the one before, zero for the first. One that has not ended is
// returned as it is, with fresh false; so is one that passed, or was dropped, a moment ago, unless a person wants another.
func BeginRepair(last Repair, h Host, cause string, wanted Wanted, now time.Time) (r Repair, fresh bool) {
	if last.Number > 0 && !last.State.Ended() {
		return last, false
	}
	if wanted.By == "" && last.Number > 0 && now.Sub(last.since()) < last.State.lull() {
		return last, false
	}
	r = Repair{
		Host: h.ID, Number: last.Number + 1, Cause: cause, Began: now.UTC(), State: RepairLooking, Progress: Started(StepExamine, now),
		Wanted: wanted, Machine: h.Access.Machine, Cache: h.Access.Cache, Image: h.Image,
		Ended: slices.Clone(last.Ended), Kept: slices.Clone(last.Kept),
		History: Append(slices.Clone(last.History), Entry{At: now.UTC(), What: string(RepairLooking), Why: cause}),
		Version: last.Version,
	}
	if at := h.FirstSign(); at.After(last.since()) && at.Before(now) { // else the repair before it has found them to write since
		r.Sign = at
	}
	if last.State != RepairMended && last.Machine == h.Access.Machine && !last.TookOver() {
		// It may have been dropped in the midst of a move: the gateway is on its old root still, whatever a new machine starts from.
		r.Machine, r.Root, r.Next, r.NextRoot, r.To = last.Machine, last.Root, last.Next, last.NextRoot, last.To
	}
	return r, true
}

// MoveRepair takes a repair to another state, with a step that begins then (empty: it rests), and notes why. Being there
// already is no error and changes nothing but the step.
func MoveRepair(r Repair, to RepairState, step Step, now time.Time, why string) (Repair, error) {
	r = r.Clone()
	if r.State != to {
		if !slices.Contains(repairMoves[r.State], to) {
			return r, fmt.Errorf("repair %s cannot go from %s to %s", r.ID(), r.State, to)
		}
		r.State = to
		r.History = Append(r.History, Entry{At: now.UTC(), What: string(to), Why: why})
	}
	r.Progress = Progress{}
	if step != "" {
		r.Progress = Started(step, now)
	}
	return r, nil
}

// SawDisks notes the root disk of the machine in the seat, while it has it: once that is gone, nothing tells it from others that
// were left behind.
func (r Repair) SawDisks(m MachineLook) Repair {
	for _, d := range m.Disks {
		switch {
		case !d.Root:
		case r.Next == "":
			r.Root = d.Volume
		default:
			r.NextRoot = d.Volume
		}
	}
	return r
}

// KnowsRoot reports whether the root disk is known of the machine on which the gateway runs.
func (r Repair) KnowsRoot() bool {
	if r.TookOver() {
		return r.NextRoot != ""
	}
	return r.Root != ""
}

// Saw notes what a look found: the root disk, and since when nobody could write. That is since the first sign of it, if no look
// found since that they could.
func (r Repair) Saw(f Findings, now time.Time) Repair {
	r = r.Clone().SawDisks(f.Machine)
	switch d := Diagnose(f); {
	case d.Well, d.Cut:
		r.Sign = time.Time{}
	case r.Quiet.IsZero():
		if r.Quiet = r.Sign; r.Quiet.IsZero() {
			r.Quiet = now.UTC()
		}
	}
	return r
}

// Proven notes what the step that is done came to, and begins the next.
func (r Repair) Proven(next Step, now time.Time, what string) Repair {
	r = r.Clone()
	r.Proofs = append(r.Proofs, Proof{Step: r.Step, At: now.UTC(), What: what})
	r.Progress, r.Well = Started(next, now), 0
	return r
}

// Try begins a way, with its first step; that which has made a new machine already goes on with it.
func (r Repair) Try(w Way, now time.Time) (Repair, error) {
	r, err := MoveRepair(r, RepairMending, r.first(w), now, "tries way "+string(w))
	if err != nil {
		return r, err
	}
	r.Way, r.Well = w, 0
	r.Tried = append(r.Tried, Try{Way: w, At: now.UTC()})
	return r, nil
}

// TookOver reports whether the gateway has run on the new machine.
func (r Repair) TookOver() bool {
	for _, p := range slices.Backward(r.Proofs) {
		if p.Step == StepTakeOver || p.Step == StepSeat || p.Step == StepFence {
			return p.Step == StepTakeOver && r.Next != ""
		}
	}
	return false
}

// Found notes that the gateway was found to run on the new machine: a person went on with the move, or a step was cut short.
func (r Repair) Found(now time.Time) Repair {
	if r.Next == "" || r.TookOver() {
		return r
	}
	r = r.Clone()
	r.Proofs = append(r.Proofs, Proof{Step: StepTakeOver, At: now.UTC(), What: "the gateway was found to run on machine " + r.Next})
	return r
}

// Lost is a repair whose new machine is gone. If the gateway ran there it is that machine's root disk which a next one needs, and
// which is to be found by its marks where it is not known; the root before is kept for its term.
func (r Repair) Lost(now time.Time) Repair {
	r = r.Clone()
	if r.TookOver() {
		r.Kept = append(r.Kept, KeptDisk{Volume: r.Root, Until: now.Add(rootTerm).UTC(), Repair: r.Number})
		r.Machine, r.Image, r.Root = r.Next, r.To, r.NextRoot
	}
	r.Next, r.NextRoot = "", ""
	return r
}

// Came notes what came of the way that was tried.
func (r Repair) Came(what string) Repair {
	r = r.Clone()
	if n := len(r.Tried); n > 0 {
		r.Tried[n-1].Came = what
	}
	return r
}

// tried reports whether a way was tried in this repair.
func (r Repair) tried(w Way) bool {
	return slices.ContainsFunc(r.Tried, func(t Try) bool { return t.Way == w })
}

// Given reports whether a person's word for a way was given, and has not been used.
func (r Repair) Given(w Way) bool {
	used := slices.ContainsFunc(r.Tried, func(t Try) bool { return t.Way == w && !t.At.Before(r.Consent.At) })
	return r.Consent.Way == w && !used
}

// Worded reports whether a person gave the word for a way, which has not been gone by it.
func (r Repair) Worded() bool { return r.Consent.Way != "" && r.Given(r.Consent.Way) }

// Seat is the machine that the gateway is on, or is to be on.
func (r Repair) Seat() string {
	if r.Next != "" {
		return r.Next
	}
	return r.Machine
}

// AskedAt is since when a repair asks; zero: it asks for nothing.
func (r Repair) AskedAt() time.Time {
	if r.State != RepairAsking {
		return time.Time{}
	}
	return r.since()
}

// Moving reports whether the old machine was given up for a new one.
func (r Repair) Moving() bool { return r.tried(WayMachine) }

// Seated is the host with the machine that the repair has made for it, once its gateway has run there.
func (r Repair) Seated(h Host) Host {
	if r.TookOver() {
		h.Access.Machine, h.Image = r.Next, r.To
	}
	return h
}

// OverdueRepair decides what becomes of a repair whose step is past its deadline: it is tried again, with a new deadline,
// until MaxTries. Then its way is given up, and another is chosen; where none can be chosen, a person is asked. What is left
// of a host that serves again already is never given up. changed is false when the deadline has not passed.
func OverdueRepair(r Repair, now time.Time) (out Repair, changed bool, err error) {
	if !r.Overdue(now) {
		return r, false, nil
	}
	out = r.Clone()
	if r.State != RepairMending || r.Step == StepDischarge || r.Tries < MaxTries {
		out.Progress = r.Retried(now)
		return out, true, nil
	}
	what := fmt.Sprintf("step %s was tried %d times and %s", r.Step, r.Tries+1, r.late())
	if r.Step == StepChoose {
		out, err = out.Ask(r.Way, what, now)
		return out, err == nil, err
	}
	out = r.Came(what)
	out.Progress = Started(StepChoose, now)
	out.Stuck = r.Step
	return out, true, nil
}

// Ask has a person asked for the word that a way is not gone without.
func (r Repair) Ask(w Way, why string, now time.Time) (Repair, error) {
	r, err := MoveRepair(r, RepairAsking, StepAsk, now, why)
	r.Way, r.Asked, r.Consent, r.Well = w, "", Consent{}, 0
	return r, err
}
