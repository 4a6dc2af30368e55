package events

// HostFailed says that a host could not be made and is being cleaned up.
type HostFailed struct {
	Version        string `json:"version"`
	HostID         string `json:"hostId"`
	Kind           string `json:"kind"`
	Tier           string `json:"tier"`
	Reason         string `json:"reason"`
	Failures       int    `json:"failures"`       // of the pool, in a row
	NextOrderAfter Time   `json:"nextOrderAfter"` // the pool orders nothing before
	Correlated
}

// DetailType is the detail-type of the event.
func (HostFailed) DetailType() string { return "HostFailed" }
