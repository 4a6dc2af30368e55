package pool

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Renewal is how a new gateway takes the place of one that is given up, over the same buckets (WayGateway). The old one is
// fenced off from the buckets before the new one gets a role that reaches any of them, and the record of the host is moved
// from one to the other in a single write.
type Renewal struct {
	Mark    string     // of the repair that fenced the old gateway off, which the new one bears as a tag; empty: none has
	Side    string     // of the stack, that the new gateway's roles and cache disk are on
	Cache   string     // ID of the new gateway's cache disk
	Gateway string     // ARN of the new gateway; empty: it is not activated
	Shares  []NewShare // of the new gateway
	Lost    string     // what may have been lost with the old gateway, in words
	Moved   bool       // the host's record names the new gateway
}

// NewShare is a share of the new gateway, for one generation of a slot.
type NewShare struct {
	Index      int
	Generation int
	Role       string // ARN of the role by which the new gateway reaches the slot's bucket
	Share      string // its ID; empty: it is not made, or not wanted
}

// NoGateway stands for the gateway of a disk whose machine never was one.
const NoGateway = "none"

// Disks says of which gateway the disks of the machine are that the renewal has made.
func (n Renewal) Disks() string {
	return cmp.Or(Access{Gateway: n.Gateway}.GatewayID(), NoGateway)
}

// KeptDisk is a disk of a machine, or of a gateway, that another one took the place of.
type KeptDisk struct {
	Volume  string
	Until   time.Time // it is not deleted before
	Gateway string    // ID of the gateway that it was of, or NoGateway; empty: the host's
	Dirty   bool      // it may hold what is nowhere else: it is not deleted without a person's word
	Given   string    // who gave that word, and why; empty: nobody
	Repair  int       // number of the repair of the host that left it; 0: not known
}

// Doomed reports whether the disk is deleted once its term is over.
func (k KeptDisk) Doomed() bool { return !k.Dirty || k.Given != "" }

// Destroyed is the line of the audit for a disk that is deleted just now, which a host's repair kept.
func (k KeptDisk) Destroyed(r Repair, now time.Time) Audit {
	why := fmt.Sprintf("it was kept for host %s until %s, by repair %s or one before it", r.Host, k.Until.UTC().Format(time.RFC3339), r.ID())
	if k.Gateway != "" {
		why += ", of gateway " + k.Gateway
	}
	if k.Dirty {
		why += "; it may hold what is nowhere else, and the word was given by " + k.Given
	}
	return Audit{At: now.UTC(), Message: r.ID(), What: "destroyed disk", Of: k.Volume, Why: why}
}

// The sides of a share host's stack: each has a cache disk and roles of its own for the shares, and one of them is there.
const (
	SideA = "A"
	SideB = "B"
)

// OtherSide is the side that a stack is not on.
func OtherSide(side string) string {
	if side == SideB {
		return SideA
	}
	return SideB
}

// SideOutput is how an output of a share host's stack is called on a side, that of a cache disk or of a role.
func SideOutput(name, side string) string {
	if side == SideB {
		return name + SideB
	}
	return name
}

// Renewing reports whether the old gateway is fenced off, and the host's record does not name the new one yet: there is no
// way back then.
func (r Repair) Renewing() bool { return r.Renewal.Mark != "" && !r.Renewal.Moved }

// Unopened reports whether the host's record names a new gateway whose shares were not opened again to whom they are: whatever way
// is gone then, nobody is served before that is done.
func (r Repair) Unopened() bool {
	for _, p := range slices.Backward(r.Proofs) {
		if p.Step == StepReadmit || p.Step == StepMove {
			return p.Step == StepMove
		}
	}
	return false
}

// Keep notes that a disk is kept for a term; dirty is whether it may hold what is nowhere else. One that was kept by an
// earlier repair, and in use again since, is kept anew: what was said of it then is not meant for what it holds now.
func (r Repair) Keep(volume, gateway string, dirty bool, now time.Time) Repair {
	if volume == "" {
		return r
	}
	r = r.Clone()
	for i, k := range r.Kept {
		if k.Volume != volume {
			continue
		}
		if r.Kept[i].Dirty = k.Dirty || dirty; k.Given != "" || !now.Before(k.Until) {
			r.Kept[i].Given, r.Kept[i].Until, r.Kept[i].Repair = "", now.Add(rootTerm).UTC(), r.Number
		}
		return r
	}
	r.Kept = append(r.Kept, KeptDisk{Volume: volume, Until: now.Add(rootTerm).UTC(), Gateway: gateway, Dirty: dirty, Repair: r.Number})
	return r
}

// Strays are the disks among those that bear the host's marks which are at no machine and of which the repair knows nothing: of a
// machine that is gone, or that an update made which was rolled back (a root disk outlives its machine).
func (r Repair) Strays(h Host, marked []Volume) []string {
	var strays []string
	for _, v := range marked {
		known := v.ID == r.Root || v.ID == r.NextRoot || v.ID == r.Cache || v.ID == h.Access.Cache || v.ID == r.Renewal.Cache || r.Keeps(v.ID)
		if !known && v.State == VolumeFree {
			strays = append(strays, v.ID)
		}
	}
	return strays
}

// KeepsOf lists the disks of a gateway that are kept.
func (r Repair) KeepsOf(gateway string) []KeptDisk {
	return slices.DeleteFunc(slices.Clone(r.Kept), func(k KeptDisk) bool { return k.Gateway != gateway })
}

// Undecided lists the kept disks that are not deleted without a person's word, which nobody has given.
func (r Repair) Undecided() []KeptDisk {
	return slices.DeleteFunc(slices.Clone(r.Kept), KeptDisk.Doomed)
}

// Discard notes a person's word that the disks which may hold what is nowhere else may go once their term is over, of those
// that were kept when it was given. changed is false when there are none.
func (r Repair) Discard(who string, given, now time.Time) (out Repair, changed bool) {
	out = r.Clone()
	for i, k := range out.Kept {
		if !k.Doomed() && !given.Before(k.Until.Add(-rootTerm)) {
			out.Kept[i].Given, changed = who, true
		}
	}
	if changed && out.State.Ended() {
		out = out.sweeping(now)
	}
	return out, changed
}

// Fenced is a repair whose old gateway reaches no bucket any more: machine and roles are as good as gone, as the guard saw and
// CloudFormation has done. side is the one that the stack was on.
func (r Repair) Fenced(h Host, side string) Repair {
	r = r.Clone()
	r.Renewal = Renewal{Mark: r.ID(), Side: OtherSide(side), Lost: r.Loss(h)}
	r.Next, r.NextRoot = "", "" // a machine that the old gateway was to move to has ended with it
	for i, k := range r.Kept {
		if k.Gateway == "" { // it was the host's, and will be so no more
			r.Kept[i].Gateway = h.Access.GatewayID()
		}
	}
	for _, s := range h.Slots {
		r.Renewal.Shares = append(r.Renewal.Shares, NewShare{Index: s.Index, Generation: s.Generation})
	}
	return r
}

// Loss words what may be lost with a host's gateway: what it acknowledged and had not uploaded, as far as the last look at it told.
func (r Repair) Loss(h Host) string {
	var tenants []string
	for _, s := range h.Slots {
		if s.held() {
			tenants = append(tenants, string(s.Tenant))
		}
	}
	slices.Sort(tenants)
	whose := "nobody's: no tenant had a share of it"
	if len(tenants) > 0 {
		whose = "that may be the last writes of " + strings.Join(tenants, ", ")
	}
	seen := r.seenOf(h)
	says := []string{
		fmt.Sprintf("what gateway %s acknowledged and had not uploaded is not in the buckets: %s", h.Access.GatewayID(), seen.Amount(r.Quiet)), whose, seen.Files(),
	}
	where := "the cache disk " + r.Cache + " has it, and is kept until a person says that it may go"
	if r.Proved(StepDetach) && !r.Keeps(r.Cache) {
		where = "the cache disk " + r.Cache + " is gone, and it is with it"
	}
	return strings.Join(append(says, where), "; ")
}

// seenOf is the last look at what a host's gateway had not uploaded; zero when it was at another one.
func (r Repair) seenOf(h Host) LastLook {
	if r.Seen.Gateway != h.Access.GatewayID() {
		return LastLook{}
	}
	return r.Seen
}

// held reports whether what a slot has is a tenant's, also of one that leaves.
func (s Slot) held() bool {
	return s.Tenant != "" && (s.State == SlotAssigned || s.State == SlotLeaving)
}

// Proved reports whether a step came to its end in this repair.
func (r Repair) Proved(s Step) bool {
	return slices.ContainsFunc(r.Proofs, func(p Proof) bool { return p.Step == s })
}

// Abandon gives up a new gateway that no client ever had: its machine is gone, and another one is made. Its cache disk holds
// nothing that is nowhere else.
func (r Repair) Abandon(now time.Time) Repair {
	n := r.Renewal
	r = r.Keep(n.Cache, n.Disks(), false, now)
	r.Renewal, r.Next, r.NextRoot = Renewal{}, "", ""
	return r
}

// Renewed is a repair whose host was moved to the new gateway: from here on it is about that one.
func (r Repair) Renewed() Repair {
	r = r.Clone()
	r.Renewal.Moved = true
	r.Machine, r.Image, r.Cache = r.Next, r.To, r.Renewal.Cache
	r.Root = r.NextRoot
	r.Next, r.NextRoot = "", ""
	r.Probe = Probe{Look: r.Probe.Look} // its share is the old gateway's: nobody reaches it
	return r
}

// firstOfRenewal is the step that WayGateway begins with, or goes on from.
func (r Repair) firstOfRenewal() Step {
	switch n := r.Renewal; {
	case !r.Renewing():
		return StepStop
	case r.Next == "":
		return StepRefit
	case n.Gateway == "":
		return StepAttach
	default:
		return StepStabilize
	}
}

// MoveTarget is a host that is about to be moved to a new gateway, as all was observed just before.
type MoveTarget struct {
	Host   Host
	Repair Repair
	Stops  Stops // read consistently
}

// MoveToGateway moves a host to its repair's new gateway. reasons are all that are against it; none: it may be saved.
func MoveToGateway(t MoveTarget) (moved Host, reasons []string) {
	r, h, n := t.Repair, t.Host.Clone(), t.Repair.Renewal
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	refuse(t.Stops.On(StopRepair), "%s", t.Stops.Against(StopRepair))
	refuse(r.State != RepairMending || r.Way != WayGateway, "the repair is %s by way %q", r.State, r.Way)
	refuse(h.ID != r.Host || h.Repair != r.Number, "the host is in repair %s.%d", h.ID, h.Repair)
	refuse(h.State != HostCordoned, "the host is %s", h.State)
	refuse(!r.Renewing(), "no gateway is fenced off")
	refuse(n.Gateway == "" || n.Gateway == h.Access.Gateway, "the new gateway is %q", n.Gateway)
	refuse(n.Cache == "" || n.Cache == h.Access.Cache, "the new cache disk is %q", n.Cache)
	refuse(r.Next == "" || r.Next == h.Access.Machine, "the new machine is %q", r.Next)
	h = h.lose(r)
	h.Access.Gateway, h.Access.Cache, h.Access.CacheGiB, h.Access.Machine, h.Image = n.Gateway, n.Cache, 0, r.Next, r.To
	h.Gateways++
	for i := range h.Slots {
		s := &h.Slots[i]
		at := slices.IndexFunc(n.Shares, func(f NewShare) bool { return f.Index == s.Index })
		if at < 0 || n.Shares[at].Role == "" || n.Shares[at].Role == s.Role {
			refuse(true, "slot %d has no new role", s.Index)
			continue
		}
		fresh := n.Shares[at]
		refuse(fresh.Generation != s.Generation, "slot %d is of generation %d, and its new share of %d", s.Index, s.Generation, fresh.Generation)
		refuse(s.State == SlotOffered, "slot %d is set out, or on its way to a tenant", s.Index)
		refuse(fresh.Share == "" && s.NeedsShare(), "slot %d, which is %s, has no new share", s.Index, s.State)
		s.Role, s.Share = fresh.Role, fresh.Share
	}
	return h, reasons
}

// NeedsShare reports whether a slot is nothing without a share. One whose tenant leaves may have lost its own already.
func (s Slot) NeedsShare() bool {
	return s.State != SlotLeaving && s.State != SlotQuarantined && s.State != SlotRetired
}
