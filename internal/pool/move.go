package pool

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A move is a restoration to the present, on another host: the tenant is shut out, its database is copied beside a slot that
// was taken for it, compared, and put into the slot. Then the tenant's record names that one. Until then the tenant is where
// it was, and is let in there again whatever fails; from then on it is there. What it moved away from is kept, shut, until its
// grace is over, and is then cleared as a slot of a tenant that left is.

// moveSteps are the steps of a move, in order, between none and none.
var moveSteps = []Step{"", StepPlace, StepEnter, StepShut, StepCopy, StepSwap, StepSwitch, StepTell, ""}

// Filled is the slot beside which stand-ins are filled.
func (r Restoration) Filled() Holding {
	if r.Move {
		return r.Target
	}
	return r.Database
}

// WhereTo is what a restoration goes to, in words.
func (r Restoration) WhereTo() string {
	switch {
	case !r.Move:
		return r.To.UTC().Format(time.RFC3339)
	case r.Wanted != "":
		return string(r.Wanted)
	}
	return "another host than " + string(r.Database.Host)
}

// recallable says why a move can't be called off, in words that complete "the tenant …"; empty: it can.
func (r Restoration) recallable() string {
	switch {
	case r.State == RestorationRestoring && r.Swapped.IsZero() && r.Step != StepSwitch:
		return ""
	case r.State == RestorationRestoring, r.State == RestorationRestored:
		return "has moved: it can be moved back"
	}
	return "has no move that could be called off"
}

// CallOff ends a move of a holding whose tenant leaves. changed is false when there is none that could come to nothing.
func (r Restoration) CallOff(has Holding, now time.Time) (out Restoration, changed bool, err error) {
	if !r.Move || r.State != RestorationRestoring || !r.Database.Same(has) || !r.Swapped.IsZero() {
		return r, false, nil
	}
	out, err = r.Withdraw("the tenant leaves", false, now)
	return out, err == nil, err
}

const (
	// moveStart is what a task takes to start, and what it does however small a database is.
	moveStart = 90 * time.Second
	// moveRate is how many bytes of a database are copied and compared in a second, at least (docs/decisions/moving.md).
	moveRate = 8 << 20
)

// MoveTakes is for how long a tenant is shut out, about, whose database of a size moves.
func MoveTakes(size int64) time.Duration {
	return (moveStart + time.Duration(size/moveRate)*time.Second).Round(time.Second)
}

// MoveRefused says why a tenant is not shut out for as long as its move takes; empty: it may be. most 0: as long as it takes.
func MoveRefused(size int64, most time.Duration) string {
	if takes := MoveTakes(size); most > 0 && takes > most {
		return fmt.Sprintf("its database has %d MiB: it would be shut out for some %s, and may be for %s", size>>20, takes, most)
	}
	return ""
}

// Landing is a slot that a tenant may move to.
type Landing struct {
	Holding Holding
	Offered bool // it is set out on the shelf
}

// Landings are the slots that a tenant may move to from a host, one a host, those of the hosts with the fewest tenants first;
// and why none is of the others. wanted is the host that it is to be, empty: any. No host goes over limit tenants.
func Landings(from, wanted HostID, hosts []Host, s Shelf, limit int) (landings []Landing, why []string) {
	hosts = slices.Clone(hosts)
	slices.SortFunc(hosts, func(a, b Host) int { return cmp.Or(a.Used()-b.Used(), cmp.Compare(a.ID, b.ID)) })
	for _, h := range hosts {
		if h.ID == from || wanted != "" && h.ID != wanted {
			continue
		}
		landing, refused := h.landing(s, limit)
		if refused != "" {
			why = append(why, fmt.Sprintf("host %s %s", h.ID, refused))
			continue
		}
		landings = append(landings, landing)
	}
	if len(landings)+len(why) == 0 {
		why = append(why, "there is no other host")
	}
	return landings, why
}

func (h Host) landing(s Shelf, limit int) (Landing, string) {
	if h.State != HostInService {
		return Landing{}, "is " + string(h.State)
	}
	offered := -1
	for i, slot := range h.Slots {
		switch {
		case slot.State == SlotFree && h.Used() < limit:
			return Landing{Holding: h.holding(slot)}, ""
		case slot.State == SlotOffered && offered < 0 && slices.Contains(s.Databases, slot.Offer(h.ID)):
			offered = i
		}
	}
	if offered >= 0 { // what is set out counts as used already
		return Landing{Holding: h.holding(h.Slots[offered]), Offered: true}, ""
	}
	return Landing{}, "has no slot to give"
}

func (h Host) holding(slot Slot) Holding {
	return Holding{Host: h.ID, Index: slot.Index, Generation: slot.Generation, Name: slot.Name, Address: h.Access.Address, Port: h.Access.Port}
}

// ErrSlotTaken means that a slot that a tenant was to move to is another's by now.
var ErrSlotTaken = errors.New("the slot is another's by now")

// LandSlot makes a slot in reserve the tenant's that moves there. It is the tenant's already: unchanged. A slot that is set
// out has to be taken from the shelf before (SetAside), and one that is another's is ErrSlotTaken.
func LandSlot(h Host, has Holding, tenant TenantID, now time.Time) (out Host, changed bool, err error) {
	out = h.Clone()
	slot, err := out.holdingSlot(has)
	switch {
	case err != nil:
		return h, false, errors.Join(ErrSlotTaken, err)
	case slot.State == SlotAssigned && slot.Tenant == tenant:
		return h, false, nil
	case slot.State != SlotFree || h.State != HostInService:
		return h, false, fmt.Errorf("slot %s/%d: %w: it is %s, and its host %s", h.ID, has.Index, ErrSlotTaken, slot.State, h.State)
	}
	slot.move(SlotAssigned, now)
	slot.Tenant, slot.Refill = tenant, 0
	return out, true, nil
}

// SetAside takes a slot from the shelf for a tenant that moves there, on its way into its host's record (PutBack). false: it
// is not set out any more.
func SetAside(s Shelf, has Holding, tenant TenantID) (Shelf, bool) {
	at := slices.IndexFunc(s.Databases, func(o Offer) bool {
		return Key{Database, s.Tier}.Host(o.Host) == has.Host && o.Index == has.Index && o.Generation == has.Generation
	})
	if at < 0 {
		return s, false
	}
	s = s.Clone()
	s.Withdrawn = append(s.Withdrawn, Listed{Kind: Database, Offer: s.Databases[at], Tenant: tenant, Moves: true})
	s.Databases = slices.Delete(s.Databases, at, at+1)
	return s, true
}

// Settled is the tenant whose database a move has brought to its target. One that is there already is as it was.
func (r Restoration) Settled(t Tenant, now time.Time) (Tenant, error) {
	if t.Database.Same(r.Target) {
		return t, nil
	}
	if t.State != TenantReady || t.Mark != r.Mark || !t.Database.Same(r.Database) || t.Undone != r.Undone {
		return t, fmt.Errorf("settle move %s: the tenant is not as it was when that was begun", r.ID())
	}
	t = t.Clone()
	t.Database, t.MovedAt = r.Target, now.UTC()
	t.History = Append(t.History, Entry{At: now.UTC(), What: "moved", Why: fmt.Sprintf("its database is on %s, and was on %s: %s wanted that: %s",
		r.Target.Host, r.Database.Host, r.RequestedBy, r.Reason)})
	return t, nil
}

// KeepMoved notes that a tenant has moved, and that the slot which it moved away from is kept. slot is that one's.
func (r Restoration) KeepMoved(slot MarkedSlot, now time.Time) Restoration {
	r = r.Clone()
	for i, k := range r.Kept {
		if k.of(r.Database) { // of an earlier restoration: its tenant is to be known by what it has now
			r.Kept[i].Now = r.Target
		}
	}
	if !r.keeps(slot) {
		r.Kept = append(r.Kept, KeptDatabase{Holding: r.Database, Slot: slot, Until: now.Add(r.Grace).UTC(), Move: r.ID(), Now: r.Target})
	}
	return r
}

// ExpireBeside ends what is kept beside a database that its tenant moved away from, on the same slot: the role of that owns
// things in all of it. changed is false when there is nothing, or it ends already.
func (r Restoration) ExpireBeside(kept KeptDatabase, now time.Time) (out Restoration, changed bool) {
	out = r.Clone()
	for i, k := range out.Kept {
		if k.Move == "" && k.Holding.Same(kept.Holding) {
			out.Kept[i].Until, changed = now.UTC(), true
		}
	}
	if !changed {
		return r, false
	}
	// First, so that the sweep comes to them first.
	slices.SortStableFunc(out.Kept, func(a, b KeptDatabase) int { return cmp.Compare(a.Move, b.Move) })
	return out.sweeping(now), true
}

// ClearMoved is the clearance of a slot that a tenant moved away from, whose grace is over. next is the name of the slot's
// next generation.
func ClearMoved(k KeptDatabase, coolDown time.Duration, next string, now time.Time) Clearance {
	return Clearance{
		Departure: DepartureID(k.Move), Kind: Database, Holding: k.Holding, CoolDown: coolDown, Next: next,
		State: ClearanceScrubbing, Progress: Started(StepWithdraw, now),
		History: []Entry{{At: now.UTC(), What: string(ClearanceScrubbing), Why: "the grace of move " + string(k.Move) + " is over"}},
	}
}

// OfMove reports whether a clearance is of a slot that a tenant moved away from, by which move.
func (id ClearanceID) OfMove() (move RestorationID, ok bool) {
	move = RestorationID(id.Departure())
	_, _, ok = move.Parse()
	return move, ok
}

// ShutsOut reports whether the tenant may be shut out for a move: it is let in again once that has come to its end, on whichever host.
func (r Restoration) ShutsOut() bool {
	return r.Move && !r.State.Ended() && !r.Shut.IsZero() && r.Swapped.IsZero()
}

// GuardMoved is Guard for a slot that a tenant moved away from: it holds what that tenant has elsewhere, or had when it left.
// r is the record of its restorations, t the tenant, left its departures, all read just now. A departure that was undone had
// nothing the tenant did not have again, and may have moved away from since.
func GuardMoved(target Target, r Restoration, t Tenant, left []Departure, now time.Time) []string {
	var reasons []string
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	had := func(has Holding) bool {
		return t.Database.Same(has) || slices.ContainsFunc(left, func(d Departure) bool {
			return d.State != DepartureUndone && d.Tenant.Database.Same(has)
		})
	}
	c := target.Clearance
	move, _ := c.ID().OfMove()
	at := slices.IndexFunc(r.Kept, func(k KeptDatabase) bool { return k.Move == move && k.Holding.Same(c.Holding) })
	refuse(target.Stops.On(StopDestroy), "%s", target.Stops.Against(StopDestroy))
	refuse(at < 0, "no move is known that left it")
	if at >= 0 {
		refuse(now.Before(r.Kept[at].Until), "its grace lasts until %s", r.Kept[at].Until.UTC().Format(time.RFC3339))
		// It moves on: its record names the next slot a moment before it is noted here that the data is there by now. It may leave in that
		// moment, too.
		on := r.Move && !r.State.Ended() && r.ID() != move && r.Target.Host != "" && r.Kept[at].Now.Same(r.Database) && had(r.Target)
		refuse(!had(r.Kept[at].Now) && !on, "its tenant does not have what it moved to, and did not leave with that")
	}
	refuse(had(c.Holding), "%s %q is held by tenant %s, or was when it left", target.What, target.Name, t.ID)
	refuse(c.State != ClearanceScrubbing, "the clearance is %s", c.State)
	refuse(target.Name == "" || target.Name != target.Want, "%s %q is not the one that it had, %q", target.What, target.Name, target.Want)
	refuse(rootOrPattern(target.Name), "%s %q is a root or a pattern", target.What, target.Name)
	refuse(target.Slot.Index != c.Holding.Index || target.Slot.Generation != c.Holding.Generation,
		"the slot is %d of generation %d, not %d of generation %d", target.Slot.Index, target.Slot.Generation, c.Holding.Index, c.Holding.Generation)
	refuse(target.Slot.State != SlotLeaving, "the slot is %s", target.Slot.State)
	refuse(target.Slot.Tenant != r.Tenant, "the slot is of tenant %q", target.Slot.Tenant)
	return reasons
}
