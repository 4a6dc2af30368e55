package lifecycle

import "headroom/internal/pool"

// Cursor is where a message wants to go on: at which step, and how many looks at it there were.
type Cursor struct {
	Step        pool.Step
	Try         int  // from 1
	Redelivered bool // the message was delivered before
	Again       bool // it was sent by one that came too late, in case nobody goes on
}

// After is the cursor of the look that comes next.
func After(p pool.Progress) Cursor { return Cursor{Step: p.Step, Try: p.Count + 1} }

// Stale says that the record has moved on since the message was sent: another copy of the message did
// that, or another message. A message that was delivered before is never stale: its first delivery
// may have been killed after the record moved on and before the next message was sent. So each look
// moves the record's Count, and however often messages are doubled, one of them goes on.
func (c Cursor) Stale(p pool.Progress) bool {
	return !c.Redelivered && (c.Step != p.Step || c.Try <= p.Count)
}
