package operator

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"headroom/events"
	"headroom/internal/pool"
)

// SlotAction asks for something about a slot that a recovery quarantined: events.SlotAgain and the like; slot is "<host>/<index>".
func (o *Operator) SlotAction(ctx context.Context, slot, action, reason string) (Request, error) {
	body := events.SlotRequest{
		Version: events.Version, Type: events.TypeSlotRequest, Slot: slot, Action: action, RequestedBy: o.Caller.ARN, Reason: reason,
	}
	if err := Judge("slot", slot); err != nil {
		return Request{}, err
	}
	host, digits, _ := strings.Cut(slot, "/")
	index, err := strconv.Atoi(digits)
	if err != nil {
		return Request{}, fmt.Errorf("read the number of slot %q: %w", slot, err)
	}
	h, err := o.readHost(ctx, host)
	if err != nil {
		return Request{}, err
	}
	show := "headroom host show " + host
	switch s := h.Slot(index); {
	case s == nil:
		return Request{}, missing(show+" lists its slots.", "host %s has no slot %d", host, index)
	case s.State != pool.SlotQuarantined:
		return Request{}, refused(show+" lists its slots.", "slot %s is not in quarantine: it is %s", slot, s.State)
	case !s.Doubted():
		return Request{}, refused("headroom tenant explain "+string(s.Tenant)+" says how it is, and headroom departure again looks at it anew.",
			"slot %s is in quarantine by a departure, and not by a recovery", slot)
	}
	if err := valid(body, func(text []byte) error { _, err := events.ParseSlotRequest(text); return err }); err != nil {
		return Request{}, err
	}
	before, err := o.Ledger.Recovery(ctx)
	if err != nil {
		return Request{}, err
	}
	says, means := "look at slot "+slot+" anew", "If it is nobody's by now, shut and empty, it rests, is closed, and is free."
	if action == events.SlotRetire {
		says, means = "take slot "+slot+" out of use", "Nobody ever gets it, and what is in it stays."
	}
	return Request{
		Output: "RecoverQueueUrl", Body: body, Says: says, Means: []string{means}, Next: []string{show},
		Done: func(ctx context.Context) (string, bool, error) {
			r, err := o.Ledger.Recovery(ctx)
			switch {
			case err != nil || r.Slot == before.Slot || r.Slot.Of != slot:
				return "it is looked at", false, err
			case !r.Slot.Done:
				return r.Slot.Came, true, refused(show+" says how it is.", "slot %s stays in quarantine: %s", slot, r.Slot.Came)
			}
			return r.Slot.Came, true, nil
		},
	}, nil
}

// DoubtedSlot is a slot that a recovery quarantined.
type DoubtedSlot struct {
	Slot string `json:"slot"` // "<host>/<index>"
	Why  string `json:"why"`
}

// DoubtedSlots are all slots that recoveries quarantined.
func (o *Operator) DoubtedSlots(ctx context.Context) ([]DoubtedSlot, error) {
	hosts, err := o.hosts(ctx, "")
	if err != nil {
		return nil, err
	}
	var slots []DoubtedSlot
	for _, h := range hosts {
		for _, s := range h.Slots {
			if s.Doubted() {
				slots = append(slots, DoubtedSlot{Slot: string(h.ID) + "/" + strconv.Itoa(s.Index), Why: s.Doubt})
			}
		}
	}
	return slots, nil
}
