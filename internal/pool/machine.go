package pool

import "errors"

// Attachment says where a volume is.
type Attachment struct {
	Machine string // that it is at; empty: at none, so it can be attached
	Done    bool   // it is attached; else it is on its way there, or away
}

// ErrInTransit means that something is on its way to another state, from which one can go on: look again.
var ErrInTransit = errors.New("it is on its way to another state")
