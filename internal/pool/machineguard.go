package pool

import (
	"fmt"
	"time"
)

// MachineTarget is a machine that is about to be taken away for good, as all was observed just before the call.
type MachineTarget struct {
	Host        Host
	Repair      Repair
	Machine     MachineLook
	Stacked     string      // machine that the host's stack names: it is this one that ends; empty: none
	Other       MachineLook // that one, where it is not the repair's
	Root, Cache Attachment
	Stops       Stops // read consistently
}

// losing reports whether what the target's way does gives up what lies on its disks alone.
func (t MachineTarget) losing() bool { return t.Repair.Way == WayGateway }

// GuardMachine stands before the update of a stack that ends a gateway's machine. It returns every reason against it; none:
// it may be done. What its gateway acknowledged and did not upload is on its disks alone.
func GuardMachine(t MachineTarget) []string {
	var reasons []string
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	r, h, m := t.Repair, t.Host, t.Machine
	refuse(t.Stops.On(StopRepair), "%s", t.Stops.Against(StopRepair))
	refuse(r.State != RepairMending || r.Way != WayMachine && !t.losing(), "the repair is %s by way %q", r.State, r.Way)
	refuse(t.losing() && (r.Consent.Way != WayGateway || r.Consent.By == ""), "nobody has given the word for way %q", WayGateway)
	refuse(t.losing() && h.count(SlotOffered) > 0, "%d of its slots are set out, or on their way to tenants", h.count(SlotOffered))
	refuse(h.ID != r.Host || h.Repair != r.Number, "the host is in repair %s.%d", h.ID, h.Repair)
	refuse(h.State != HostCordoned, "the host is %s", h.State)
	refuse(r.Machine == "" || r.Machine != h.Access.Machine, "the host's machine is %q, not %q", h.Access.Machine, r.Machine)
	// Where the ledger was put back, the stack may have a machine that it does not know, and a gateway on it.
	refuse(t.Stacked != "" && t.Stacked != r.Seat() && !t.Other.bare(), "its stack has machine %s, with %d disks, and not %s", t.Stacked, len(t.Other.Disks), r.Seat())
	refuse(r.Cache == "" || r.Cache != h.Access.Cache, "the host's cache disk is %q, not %q", h.Access.Cache, r.Cache)
	refuse(r.Root == "" && !t.losing() || r.Root == r.Cache, "the root disk is not known")
	refuse(r.To == "", "no image is known for another machine")
	refuse(m.State != "" && m.State != MachineStopped && m.State != MachineTerminated && m.State != MachineShuttingDown, "the machine is %s", m.State)
	refuse(len(m.Disks) > 0, "the machine has %d disks still", len(m.Disks))
	refuse(t.Root.Machine != "", "its root disk is at machine %s", t.Root.Machine)
	refuse(t.Cache.Machine != "", "its cache disk is at machine %s", t.Cache.Machine)
	return reasons
}

// GuardDisk stands before the deletion of an old disk that was kept for a term.
func GuardDisk(h Host, kept KeptDisk, v Volume, stops Stops, now time.Time) []string {
	var reasons []string
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	refuse(stops.On(StopDestroy), "%s", stops.Against(StopDestroy))
	refuse(!kept.Doomed(), "it may hold what is nowhere else, and nobody has given the word")
	refuse(now.Before(kept.Until), "it is kept until %s", kept.Until.UTC().Format(time.RFC3339))
	refuse(v.ID == "" || v.ID != kept.Volume, "it is volume %q, not %q", v.ID, kept.Volume)
	refuse(v.ID == h.Access.Cache, "it is the host's cache disk")
	refuse(v.State != VolumeFree, "it is %s", v.State)
	refuse(v.Tags["headroom:host"] != string(h.ID) || v.Tags["headroom:order"] != h.Mark, "it bears the marks of host %q, order %q", v.Tags["headroom:host"], v.Tags["headroom:order"])
	refuse(v.Tags["headroom:root-of"] == "", "it bears no mark of an old disk")
	refuse(kept.Gateway != "" && v.Tags["headroom:root-of"] != kept.Gateway, "it is of gateway %q, and not of %q", v.Tags["headroom:root-of"], kept.Gateway)
	return reasons
}
