package pool

import (
	"fmt"
	"slices"
	"time"
)

// SlotState is where a slot stands.
type SlotState string

const (
	// SlotPlanned: its name is chosen; it is being made.
	SlotPlanned SlotState = "planned"
	// SlotFree: made, closed to everyone, and not set out yet.
	SlotFree SlotState = "free"
	// SlotOffered: set out on the shelf, or taken from it by a claim that is not settled yet.
	SlotOffered SlotState = "offered"
	// SlotReturned: taken from a tenant again before it was handed over, because the other half of its pair, or
	// this one, could not be opened; or its host's repair left it open to a prober. It may be half open: it rests, and is closed,
	// before it is free again.
	SlotReturned SlotState = "returned"
	// SlotAssigned: a tenant holds it.
	SlotAssigned SlotState = "assigned"
	// SlotLeaving: its tenant leaves; what it holds is archived, then scrubbed.
	SlotLeaving SlotState = "leaving"
	// SlotCooling: scrubbed and made anew; it rests before it is free again.
	SlotCooling SlotState = "cooling"
	// SlotQuarantined: it could not be scrubbed, or was not found clean, or it was not known whose it is. Nothing touches it
	// until a person does.
	SlotQuarantined SlotState = "quarantined"
	// SlotRetired: a person took it out of use, because it can't be proven clean. Nobody ever gets it.
	SlotRetired SlotState = "retired"
)

// slotMoves lists the states that each state may be left for. A slot of a host that failed is never
// moved: it goes with its host.
var slotMoves = map[SlotState][]SlotState{
	SlotPlanned:     {SlotFree},
	SlotFree:        {SlotOffered, SlotAssigned, SlotReturned}, // a tenant moves there; a prober may be let in still
	SlotOffered:     {SlotFree, SlotAssigned, SlotReturned},
	SlotReturned:    {SlotFree, SlotQuarantined},
	SlotAssigned:    {SlotLeaving, SlotReturned},
	SlotLeaving:     {SlotCooling, SlotAssigned, SlotQuarantined},
	SlotCooling:     {SlotFree, SlotQuarantined},
	SlotQuarantined: {SlotLeaving, SlotCooling, SlotRetired, SlotReturned},
}

// Slot is what one tenant gets of a host.
type Slot struct {
	Index      int    // from 1
	Generation int    // counts the slot's assignments, from 1: each has a name, account, share and secret of its own
	Name       string // opaque and random: the database's and role's name, the share's path
	State      SlotState
	Since      time.Time // of the state
	Bucket     string    // of a share: its bucket, as the stack names it
	Role       string    // of a share: the role by which the gateway reaches the bucket, as the stack names it
	Share      string    // of a share: its ID
	Refill     int64     // the refill that set it out
	Tenant     TenantID  // that has it, or had it before it was returned
	Doubt      string    // of one in quarantine: why it could not be said whose it is when the ledger was recovered, or what it held when it was taken back; empty: neither
}

// Reuse puts a returned slot that was closed back into the reserve, with nothing of whom it was taken from.
func Reuse(s Slot, now time.Time) (Slot, error) {
	if s.State != SlotReturned {
		return s, fmt.Errorf("slot %d was not returned: it is %s", s.Index, s.State)
	}
	s.State, s.Since, s.Tenant = SlotFree, now, ""
	return s, nil
}

// DoubtReturned is a returned slot that holds something, which nobody who was to get it ever put in, or that does not stand: a person says
// what becomes of it.
func DoubtReturned(s Slot, why string, now time.Time) (Slot, error) {
	doubted, err := MoveSlot(s, SlotQuarantined, now)
	doubted.Doubt = "it was taken back as never handed over, and is not as it was made: " + why
	return doubted, err
}

// Offer is the slot as an offer of its host.
func (s Slot) Offer(host HostID) Offer {
	_, seq, _ := host.Parse()
	return Offer{Host: seq, Index: s.Index, Generation: s.Generation, Name: s.Name, Share: s.Share}
}

// MoveSlot takes a slot to another state. Being there already is no error and changes nothing; a move
// that the life of a slot does not have is an error.
func MoveSlot(s Slot, to SlotState, now time.Time) (Slot, error) {
	if s.State == to {
		return s, nil
	}
	if !slices.Contains(slotMoves[s.State], to) {
		return s, fmt.Errorf("slot %d cannot go from %s to %s", s.Index, s.State, to)
	}
	s.State, s.Since = to, now
	return s, nil
}

// Renew takes a slot whose tenant left, and that was scrubbed, to its next generation: with a name and a
// share of its own, and nothing of the last tenant. It cools down then.
func Renew(s Slot, name, share string, now time.Time) (Slot, error) {
	if s.State != SlotLeaving {
		return s, fmt.Errorf("slot %d cannot be renewed: it is %s", s.Index, s.State)
	}
	if name == "" || name == s.Name || share != "" && share == s.Share {
		return s, fmt.Errorf("slot %d cannot be renewed: its next generation needs a name and a share of its own", s.Index)
	}
	next, err := MoveSlot(s, SlotCooling, now)
	if err != nil {
		return s, err
	}
	next.Generation++
	next.Name, next.Share, next.Tenant, next.Refill = name, share, "", 0
	return next, nil
}
