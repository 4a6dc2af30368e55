package pool

import (
	"fmt"
	"slices"
	"time"
)

// RetireTarget is something of a host that is retired, which is about to be destroyed, as all was observed just before the
// call.
type RetireTarget struct {
	What     string // such as "stack", "share", "bucket"
	Name     string // the very name or ID that the call will bear
	Want     string // that it has by the host's record
	Mark     string // that the thing bears itself
	WantMark string // that it must bear; empty where things of this sort bear none
	Step     Step   // at which it is destroyed

	Host   Host   // read consistently
	Shelf  Shelf  // of its tier, read after the host
	Repair Repair // the last of the host; zero: there was none
	Bays   Bays
	Stops  Stops    // read consistently
	Found  []string // what was found in it, or at it, that is not as it was made
}

// GuardRetire stands before every call that destroys something of a host that is retired. It returns every reason against
// it; none: it may be done. It believes nothing that was not read just now.
func GuardRetire(t RetireTarget) []string {
	var reasons []string
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	h := t.Host
	refuse(t.Stops.On(StopDestroy), "%s", t.Stops.Against(StopDestroy))
	refuse(h.State != HostRetiring, "the host is %s", h.State)
	refuse(h.Step != t.Step || !t.Step.OfRetirement(), "the host is at step %q, not at %q", h.Step, t.Step)
	refuse(h.Protected != "", "the host is protected, by %s", h.Protected)
	refuse(h.Repair > 0, "the host is in repair %s.%d", h.ID, h.Repair)
	remains := t.Repair.Remains()
	refuse(remains != "", "%s", remains)
	for _, slot := range h.Slots {
		refuse(slot.State != SlotFree && slot.State != SlotRetired, "slot %d is %s", slot.Index, slot.State)
		refuse(slot.Tenant != "" && slot.State != SlotRetired, "slot %d names tenant %s", slot.Index, slot.Tenant)
	}
	refuse(h.OnShelf(t.Shelf), "the shelf has something of it")
	refuse(slices.ContainsFunc(t.Bays.Taken, func(b Bay) bool { return b.Host == h.ID }), "somebody copies from it")
	refuse(t.Name == "" || t.Name != t.Want, "%s %q is not the one that it has, %q", t.What, t.Name, t.Want)
	refuse(rootOrPattern(t.Name), "%s %q is a root or a pattern", t.What, t.Name)
	refuse(t.WantMark != "" && t.Mark != t.WantMark, "%s %q bears the mark %q, not %q", t.What, t.Name, t.Mark, t.WantMark)
	for _, found := range t.Found {
		refuse(true, "%s %q: %s", t.What, t.Name, found)
	}
	return reasons
}

// GuardSnapshot stands before the deletion of the last snapshot of a host's instance.
func GuardSnapshot(h Host, s Snapshot, stops Stops, now time.Time) []string {
	var reasons []string
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	refuse(stops.On(StopDestroy), "%s", stops.Against(StopDestroy))
	refuse(h.State != HostDeleted || h.Retire.At.IsZero(), "the host is %s", h.State)
	refuse(s.Name == "" || rootOrPattern(s.Name), "snapshot %q is a root or a pattern", s.Name)
	refuse(!s.Ours(h), "snapshot %s bears the mark %q of %s, and is not the last one of host %s", s.Name, s.Mark, s.Made.UTC().Format(time.RFC3339), h.ID)
	refuse(s.Until.IsZero() || now.Before(s.Until), "snapshot %s is kept until %s", s.Name, s.Until.UTC().Format(time.RFC3339))
	return reasons
}
