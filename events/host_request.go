package events

// TypeHostRequest is the type of HostRequest.
const TypeHostRequest = "HostRequest"

// What a HostRequest asks for.
const (
	// HostRelease has the step tried again at which the host was given up.
	HostRelease = "release"
	// HostDelete has the host's stack deleted.
	HostDelete = "delete"
)

// HostRequest is what a person wants done about a host that is quarantined. Host events queue.
type HostRequest struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	HostID      string `json:"hostId"`
	Action      string `json:"action"`      // HostRelease or HostDelete
	RequestedBy string `json:"requestedBy"` // stands in the host's history
	Reason      string `json:"reason"`
}
