package pool

import (
	"fmt"
	"time"
)

// holdingSlot finds the slot of a holding in its host, in the generation that is held.
func (h *Host) holdingSlot(has Holding) (*Slot, error) {
	slot := h.Slot(has.Index)
	if h.ID != has.Host || slot == nil {
		return nil, fmt.Errorf("host %s has no slot %d", has.Host, has.Index)
	}
	if slot.Generation != has.Generation {
		return nil, fmt.Errorf("slot %s/%d is of generation %d, not %d", h.ID, has.Index, slot.Generation, has.Generation)
	}
	return slot, nil
}

// LeaveSlot marks in its host's record that the tenant of a slot leaves; a slot whose claim was not settled yet is
// settled by that. It leaves already: unchanged.
func LeaveSlot(h Host, has Holding, tenant TenantID, now time.Time) (out Host, changed bool, err error) {
	return h.changeSlot(has, tenant, SlotLeaving, now)
}

// StaySlot marks in its host's record that the tenant of a slot stays after all.
func StaySlot(h Host, has Holding, tenant TenantID, now time.Time) (out Host, changed bool, err error) {
	return h.changeSlot(has, tenant, SlotAssigned, now)
}

func (h Host) changeSlot(has Holding, tenant TenantID, to SlotState, now time.Time) (Host, bool, error) {
	out := h.Clone()
	slot, err := out.holdingSlot(has)
	if err != nil {
		return h, false, err
	}
	if slot.State == SlotOffered {
		slot.move(SlotAssigned, now)
		slot.Tenant, slot.Refill = tenant, 0
	} else if slot.Tenant != tenant {
		return h, false, fmt.Errorf("slot %s/%d is not of tenant %s", h.ID, has.Index, tenant)
	}
	if slot.State == to {
		return out, out.Slot(has.Index).State != h.Slot(has.Index).State, nil
	}
	moved, err := MoveSlot(*slot, to, now)
	if err != nil {
		return h, false, err
	}
	*slot = moved
	return out, true, nil
}

// RenewSlot takes the slot of a clearance to its next generation, in which it cools down. Not while a share host is in repair:
// a new gateway is given the shares of the generations that there were when the old one was fenced off.
func RenewSlot(h Host, c Clearance, now time.Time) (out Host, changed bool, err error) {
	out = h.Clone()
	slot := out.Slot(c.Holding.Index)
	switch {
	case slot != nil && c.renewed(*slot):
		return h, false, nil // it was done before
	case c.Stranded(h):
		return h, false, fmt.Errorf("share %s is of gateway %s, and host %s has another", c.NextShare, c.Gateway, h.ID)
	case h.Kind == Share && h.Repair > 0:
		return h, false, fmt.Errorf("host %s is in repair", h.ID)
	}
	if slot, err = out.holdingSlot(c.Holding); err != nil {
		return h, false, err
	}
	renewed, err := Renew(*slot, c.Next, c.NextShare, now)
	if err != nil {
		return h, false, err
	}
	*slot = renewed
	out.Losses = out.forgetLosses()
	return out, true, nil
}

// QuarantineSlot gives the slot of a clearance up, in whichever of its generations it is by now.
func QuarantineSlot(h Host, c Clearance, now time.Time) (out Host, changed bool, err error) {
	out = h.Clone()
	slot := out.Slot(c.Holding.Index)
	if slot == nil || slot.Generation != c.Holding.Generation && slot.Generation != c.Holding.Generation+1 {
		return h, false, fmt.Errorf("slot %s/%d is not of generation %d, nor of the next", h.ID, c.Holding.Index, c.Holding.Generation)
	}
	if slot.State == SlotQuarantined {
		return h, false, nil
	}
	given, err := MoveSlot(*slot, SlotQuarantined, now)
	if err != nil {
		return h, false, err
	}
	*slot = given
	return out, true, nil
}

// ReleaseSlot lets the slot of a clearance be touched again that was quarantined, in whichever of its generations it is.
func ReleaseSlot(h Host, c Clearance, now time.Time) (out Host, changed bool, err error) {
	return h.fromQuarantine(c, func(s Slot) SlotState {
		if s.Generation == c.Holding.Generation {
			return SlotLeaving
		}
		return SlotCooling
	}, now)
}

// RetireSlot takes the slot of a clearance that is quarantined out of use, for good. It is nobody's from then on.
func RetireSlot(h Host, c Clearance, now time.Time) (out Host, changed bool, err error) {
	out, changed, err = h.fromQuarantine(c, func(Slot) SlotState { return SlotRetired }, now)
	if changed {
		out.Slot(c.Holding.Index).Tenant = ""
	}
	return out, changed, err
}

// fromQuarantine moves the slot of a clearance that is quarantined to another state; one that is there: unchanged.
func (h Host) fromQuarantine(c Clearance, to func(Slot) SlotState, now time.Time) (out Host, changed bool, err error) {
	out = h.Clone()
	slot := out.Slot(c.Holding.Index)
	if slot == nil || slot.Generation != c.Holding.Generation && slot.Generation != c.Holding.Generation+1 {
		return h, false, fmt.Errorf("slot %s/%d is not of generation %d, nor of the next", h.ID, c.Holding.Index, c.Holding.Generation)
	}
	if slot.State == to(*slot) {
		return h, false, nil
	}
	if slot.State != SlotQuarantined {
		return h, false, fmt.Errorf("slot %s/%d is not quarantined: it is %s", h.ID, c.Holding.Index, slot.State)
	}
	if *slot, err = MoveSlot(*slot, to(*slot), now); err != nil {
		return h, false, err
	}
	return out, true, nil
}

// FreeSlot puts the slot of a clearance that has cooled down back into the reserve.
func FreeSlot(h Host, c Clearance, now time.Time) (out Host, changed bool, err error) {
	out = h.Clone()
	slot := out.Slot(c.Holding.Index)
	switch {
	case slot == nil || slot.Generation <= c.Holding.Generation:
		return h, false, fmt.Errorf("slot %s/%d is not of a generation after %d", h.ID, c.Holding.Index, c.Holding.Generation)
	case slot.Generation == c.Holding.Generation+1 && (slot.State == SlotQuarantined || slot.State == SlotRetired):
		return h, false, fmt.Errorf("slot %s/%d is %s", h.ID, c.Holding.Index, slot.State)
	case slot.Generation > c.Holding.Generation+1 || slot.State != SlotCooling:
		return h, false, nil // it was done before, and may be set out by now, or have been left again
	}
	freed, err := MoveSlot(*slot, SlotFree, now)
	if err != nil {
		return h, false, err
	}
	*slot = freed
	return out, true, nil
}

// NextMark is what a slot's next generation bears.
func (h Host) NextMark(has Holding) string {
	return h.SlotMark(Slot{Index: has.Index, Generation: has.Generation + 1})
}

// HeldMark is what the generation of a slot bears that a tenant holds.
func (h Host) HeldMark(has Holding) string {
	return h.SlotMark(Slot{Index: has.Index, Generation: has.Generation})
}
