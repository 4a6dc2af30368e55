package pool

import (
	"fmt"
	"time"
)

// A share host's gateway may be given up for a new one while a slot of the host is being cleared (Renewal). What the clearance
// made at the old gateway is out of reach then, and the slot's record names what the new one has: the share of the slot's
// generation, whichever that is by then.

// Stranded reports whether the share that a clearance made anew is of a gateway which another took the place of.
func (c Clearance) Stranded(h Host) bool {
	return c.NextShare != "" && c.Gateway != "" && c.Gateway != h.Access.Gateway
}

// Follow is a stranded clearance that goes on at the gateway which its host has by now. Whatever looks found is of the old
// one. The share is made anew once more, unless the slot is of its next generation already: then the new gateway has one for
// that, and it is looked into.
func (c Clearance) Follow(h Host, now time.Time) Clearance {
	c = c.Clone()
	c.NextShare, c.Gateway = "", ""
	c.Cursor, c.Task, c.Address, c.Report, c.Clean = "", "", "", "", 0
	step := StepRemake
	if slot := h.Slot(c.Holding.Index); slot != nil && c.renewed(*slot) {
		c.NextShare, c.Gateway = slot.Share, h.Access.Gateway
		step = StepProve
	}
	c.Progress = Started(step, now)
	c.History = Append(c.History, Entry{At: now.UTC(), What: "another gateway", Why: fmt.Sprintf(
		"host %s has gateway %s by now: step %s is done there", h.ID, h.Access.GatewayID(), step)})
	return c
}

// renewed reports whether a slot is of the generation that the clearance has made.
func (c Clearance) renewed(s Slot) bool {
	return s.Generation == c.Holding.Generation+1 && s.Name == c.Next
}
