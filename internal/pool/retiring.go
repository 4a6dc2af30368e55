package pool

import (
	"fmt"
	"slices"
	"time"
)

// Retirement is how a host came to be retired, and what is left of it.
type Retirement struct {
	By   string    // who asked for it, and why; empty: the pool check found that the host is not needed
	At   time.Time // when it began
	Off  time.Time // when the last one was called off; zero: none was
	Left []Remnant // what is left of it
}

// Remnant is something of a host that outlives it, for a time.
type Remnant struct {
	What  string    // RemnantSnapshot, RemnantBackups or RemnantBucket
	Name  string    // that AWS knows it by
	Until time.Time // when it is deleted; zero: when a person does
}

// What is left of retired hosts.
const (
	// RemnantSnapshot is the last snapshot of an instance, which Headroom deletes.
	RemnantSnapshot = "final snapshot"
	// RemnantBackups are an instance's automated backups, which RDS lets expire.
	RemnantBackups = "automated backups"
	// RemnantBucket is a bucket that was not proven empty: that of a slot that a person took out of use.
	RemnantBucket = "bucket"
)

// Retire begins the retirement of a host: it takes nobody from here on, and its offers are withdrawn. by is who asks for
// it, if it is not the pool check. Until its recall has ended it can be called off, and nothing of it is touched.
func Retire(h Host, by, why string, now time.Time) (Host, error) {
	if h.Protected != "" {
		return h, fmt.Errorf("retire host %s: it is protected, by %s", h.ID, h.Protected)
	}
	out, err := MoveHost(h, HostRetiring, now, why)
	if err != nil {
		return h, err
	}
	out.Retire = Retirement{By: by, At: now}
	out = Begin(out, StepRecall, now)
	out.Due = now // the next pool check looks
	return out, nil
}

// ByPerson reports whether a person had the host retired, drained it, or the pool check decided on it.
func (h Host) ByPerson() bool { return h.Retire.By != "" }

// CallOff ends a retirement of which nothing was destroyed yet: the host goes back to where it was. That is not announced,
// because nobody heard that it began.
func CallOff(h Host, why string, now time.Time) (Host, error) {
	if h.State != HostRetiring || h.Step != StepRecall && h.Step != StepInspect {
		return h, fmt.Errorf("the retirement of host %s, which is %s at step %q, can't be called off", h.ID, h.State, h.Step)
	}
	to := HostInService
	if len(h.Barred()) > 0 {
		to = HostCordoned
	}
	out, err := MoveHost(h, to, now, "its retirement is called off: "+why)
	if err != nil {
		return h, err
	}
	out.Retire = Retirement{Off: now}
	return Onward(out, now), nil
}

// Recalled decides how a recall stands, from the host and the shelf as it was read after the host: off says why the
// retirement is to be called off; done means that the shelf has nothing of the host, and nobody can get anything of it.
func Recalled(h Host, s Shelf) (done bool, off string) {
	if h.Protected != "" {
		return false, "it is protected, by " + h.Protected
	}
	if off = h.NotEmpty(s); off != "" {
		return false, off
	}
	return h.count(SlotOffered) == 0 && !h.OnShelf(s), ""
}

// StillSpare says why a pool needs a host after all that is being retired and counts no more; empty: it does not.
func StillSpare(o Observed, p Policy, plan Plan, known Outlook, now time.Time) string {
	p.Floor-- // which the host is not among any more
	if s := Spares(o, p, plan, known, now); s.Slots < 0 {
		return "it is needed: " + s.Why
	}
	return ""
}

// AfterRecall is the step that a recalled host goes on with.
func AfterRecall(h Host, now time.Time) Host { return Begin(h, StepInspect, now) }

// RetiredOn is a host whose retirement has come through a step. Past the last nothing is there of it but this record and
// what is left: it costs nothing any more, and that is to be announced.
func RetiredOn(h Host, now time.Time) (Host, error) {
	if next, more := NextRetireStep(h); more {
		return Begin(h, next, now), nil
	}
	why := "retired: the pool check found that it is not needed"
	if h.Retire.By != "" {
		why = "retired, by " + h.Retire.By
	}
	out, err := MoveHost(h, HostDeleted, now, why)
	if err != nil {
		return h, err
	}
	return Begin(out, StepAnnounce, now), nil
}

// sweeping is a retired host of which snapshots are left: they are deleted at their dates.
func sweeping(h Host, now time.Time) Host {
	out := Rest(h)
	for _, r := range h.Retire.Left {
		if r.What == RemnantSnapshot && (out.Step == "" || r.Until.Before(out.Due)) {
			out = Begin(out, StepSweep, now)
			out.Due = r.Until
		}
	}
	return out
}

// Swept is a retired host without the snapshots that are deleted now.
func Swept(h Host, deleted []string, now time.Time) Host {
	out := h.Clone()
	out.Retire.Left = slices.DeleteFunc(out.Retire.Left, func(r Remnant) bool {
		return r.What == RemnantSnapshot && slices.Contains(deleted, r.Name)
	})
	for _, name := range deleted {
		out.History = Append(out.History, Entry{At: now, What: "swept", Why: "its final snapshot " + name + " is deleted"})
	}
	return sweeping(out, now)
}

// Protect keeps a host from being retired by a person's word, who is who and why; empty takes that back. A retirement
// of which nothing was destroyed yet ends by it.
func Protect(h Host, who string, now time.Time) (Host, error) {
	if h.State == HostDeleted || h.State == HostLost || h.State == HostDeleting {
		return h, fmt.Errorf("host %s can't be protected: it is %s", h.ID, h.State)
	}
	out := h.Clone()
	before := out.Protected
	out.Protected = who
	what, why := "protected", who
	if who == "" {
		what, why = "unprotected", "it was protected by "+before
	}
	out.History = Append(out.History, Entry{At: now, What: what, Why: why})
	if who != "" && h.State == HostRetiring && (h.Step == StepRecall || h.Step == StepInspect) {
		return CallOff(out, "it is protected, by "+who, now)
	}
	return out, nil
}

// Drain has a host take no more and go once it is empty, by a person's word, or the pool check's; empty takes that back.
func Drain(h Host, who string, now time.Time) (Host, error) {
	if h.State != HostInService && h.State != HostCordoned {
		return h, fmt.Errorf("host %s can't be drained: it is %s", h.ID, h.State)
	}
	out := h.Clone()
	before := out.Drained
	out.Drained = who
	why := "drained, by " + who
	if who == "" {
		why = "no longer drained, by " + before
	}
	after, err := Reconsider(out, now, why)
	if err == nil && after.State == h.State { // which no line of its history says then
		after.History = Append(after.History, Entry{At: now, What: string(h.State), Why: why})
	}
	return after, err
}

// Closes reports whether slots of a drained host are to be closed that were returned, and have rested. Those of other cordoned
// hosts wait until these are in service again, which a drained one never is.
func (h Host) Closes(now time.Time) bool {
	return h.State == HostCordoned && h.Drained != "" && h.Doubt == "" && h.Trouble == "" && h.Repair == 0 &&
		slices.ContainsFunc(h.Slots, func(s Slot) bool { return s.Rested(now) })
}

// Emptied says why a host that is drained is not retired yet; empty: it is empty, and nothing else keeps it. One of which a
// retirement was called off rests first, as an empty host does.
func Emptied(h Host, s Shelf, now time.Time) string {
	switch {
	case h.Drained == "":
		return "it is not drained"
	case h.Protected != "":
		return "it is protected, by " + h.Protected
	case h.State != HostCordoned:
		return fmt.Sprintf("it is %s", h.State)
	case h.HeldByRecovery():
		return "it is held by a recovery, and what it has may not be known"
	case h.Repair > 0:
		return fmt.Sprintf("it is being repaired (%s.%d)", h.ID, h.Repair)
	case h.Doubt != "" || h.Trouble != "":
		return "it does not answer as it should, and so can't be looked into"
	case !h.Retire.Off.IsZero() && now.Sub(h.Retire.Off) < emptyFor:
		return fmt.Sprintf("its retirement was called off at %s", h.Retire.Off.UTC().Format(time.RFC3339))
	}
	return h.NotEmpty(s)
}

// Leave notes something that is left of a host, once.
func (r Retirement) Leave(left Remnant) Retirement {
	if !slices.ContainsFunc(r.Left, func(known Remnant) bool { return known.What == left.What && known.Name == left.Name }) {
		r.Left = append(slices.Clone(r.Left), left)
	}
	return r
}

// Ours reports whether a snapshot is the last one of a host's instance, which was made when the host was retired: not one
// of an earlier bearer of the name, nor one that a person made before.
func (s Snapshot) Ours(h Host) bool {
	return h.Mark != "" && s.Mark == h.Mark && !s.Made.Before(h.Retire.At.Truncate(time.Second))
}

// InstanceLook is the instance of a database host, as RDS says.
type InstanceLook struct {
	Name      string
	Status    string
	Mark      string // of the order that it was made for
	Protected bool   // from deletion
	Retention int    // days that its automated backups are kept
}

// Snapshot is a snapshot of an instance.
type Snapshot struct {
	Name, ARN string
	Status    string
	Made      time.Time
	Mark      string    // of the order that its instance was made for
	Until     time.Time // when it is deleted, as it says itself; zero: it does not say
}
