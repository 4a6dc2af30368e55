package pool

import (
	"fmt"
	"time"
)

// Doubted reports whether a slot is in quarantine because it was not known whose it is when the ledger was recovered, or whose what it
// holds is when it was taken back. One that could not be scrubbed is its clearance's instead.
func (s Slot) Doubted() bool { return s.State == SlotQuarantined && s.Doubt != "" }

// RestDoubted has a doubted slot go the way of one that was returned: it rests, is closed, and is free then. is says which of its
// generations stands, which nobody has, and in which nothing is.
func RestDoubted(h Host, is Slot, now time.Time) (Host, error) {
	out := h.Clone()
	slot, err := out.doubted(is.Index)
	if err != nil {
		return h, err
	}
	if is.Generation < slot.Generation {
		return h, fmt.Errorf("slot %s/%d would go back from generation %d to %d", h.ID, is.Index, slot.Generation, is.Generation)
	}
	if is, err = MoveSlot(is, SlotReturned, now); err != nil {
		return h, err
	}
	is.Tenant, is.Refill, is.Doubt = "", 0, ""
	*slot = is
	return out.closing(now), nil
}

// RetireDoubted takes a doubted slot out of use, for good. Should it turn out to be a tenant's, a recovery gives it back all the same.
func RetireDoubted(h Host, index int, now time.Time) (Host, error) {
	out := h.Clone()
	slot, err := out.doubted(index)
	if err != nil {
		return h, err
	}
	if *slot, err = MoveSlot(*slot, SlotRetired, now); err != nil {
		return h, err
	}
	slot.Tenant, slot.Doubt = "", ""
	return out, nil
}

// doubted finds a slot that is doubted.
func (h *Host) doubted(index int) (*Slot, error) {
	slot := h.Slot(index)
	switch {
	case slot == nil:
		return nil, fmt.Errorf("host %s has no slot %d", h.ID, index)
	case slot.State != SlotQuarantined:
		return nil, fmt.Errorf("slot %s/%d is not in quarantine: it is %s", h.ID, index, slot.State)
	case slot.Doubt == "":
		return nil, fmt.Errorf("slot %s/%d is in quarantine by a departure: headroom departure again looks at it anew", h.ID, index)
	}
	return slot, nil
}
