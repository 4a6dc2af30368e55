package events

// TypeHostRound is the type of HostRound.
const TypeHostRound = "HostRound"

// HostRound asks to look at a share host in service that says nothing, as one does whose gateway hangs and that nobody signs
// up to. The queue of repairs' steps, from the function that looks: for a pool's round, and for another look.
type HostRound struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	HostID  string `json:"hostId"`
	Look    int    `json:"look"` // counts from 1: what was bad is looked at again
	Correlated
}

// NewHostRound asks for a look at a host.
func NewHostRound(hostID string, look int) HostRound {
	return HostRound{Version: Version, Type: TypeHostRound, HostID: hostID, Look: look}
}
