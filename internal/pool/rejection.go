package pool

import "time"

// RejectionKept is how long it is remembered, at least, that a message was refused.
const RejectionKept = 24 * time.Hour

// Rejection is what is remembered, for a while, of a message that was refused: for who sent it, and waits for what comes of it.
type Rejection struct {
	Message string // ID of the message, as its sender knows it
	Field   string // of the message, that is wrong
	Reason  string // why, in words that follow the field
	At      time.Time
}
