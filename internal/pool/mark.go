package pool

import "fmt"

// SlotMark is what a slot of this generation bears: inside its database, on its bucket. By it a guard can
// prove whose a thing is before it touches it: of this order of this host, of this slot, and of no earlier
// tenant. It is "<host>/<order mark>/<index>/<generation>".
func (h Host) SlotMark(s Slot) string {
	return fmt.Sprintf("%s/%s/%d/%d", h.ID, h.Mark, s.Index, s.Generation)
}
