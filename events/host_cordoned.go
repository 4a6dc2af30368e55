package events

// HostCordoned says that a host takes no more tenants until its alarm is over.
type HostCordoned struct {
	Version string `json:"version"`
	HostID  string `json:"hostId"`
	Kind    string `json:"kind"`
	Tier    string `json:"tier"`
	Alarm   string `json:"alarm"` // its name
	Reason  string `json:"reason"`
	Since   Time   `json:"since"`
	Correlated
}

// DetailType is the detail-type of the event.
func (HostCordoned) DetailType() string { return "HostCordoned" }
