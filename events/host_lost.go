package events

// HostLost says that the stack of a host with tenants was deleted by somebody else: the host is out of its pool
// for good.
type HostLost struct {
	Version string   `json:"version"`
	HostID  string   `json:"hostId"`
	Kind    string   `json:"kind"`
	Tier    string   `json:"tier"`
	Reason  string   `json:"reason"`
	Since   Time     `json:"since"`
	Tenants []string `json:"tenants"` // that had their storage there
	Correlated
}

// DetailType is the detail-type of the event.
func (HostLost) DetailType() string { return "HostLost" }
