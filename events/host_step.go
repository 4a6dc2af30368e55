package events

// TypeHostStep is the type of HostStep.
const TypeHostStep = "HostStep"

// HostStep asks stackcomplete to take the next step of a host that is being
// made. Host events queue, delayed: this is how Headroom waits.
type HostStep struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	HostID  string `json:"hostId"`
	Step    string `json:"step"` // the step the sender saw; a no-op if the host has moved on
	Try     int    `json:"try"`  // counts from 1
}

// NewHostStep fills in the version and the type.
func NewHostStep(hostID, step string, try int) HostStep {
	return HostStep{Version: Version, Type: TypeHostStep, HostID: hostID, Step: step, Try: try}
}
