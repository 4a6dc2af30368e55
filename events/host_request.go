package events

// TypeHostRequest is the type of HostRequest.
const TypeHostRequest = "HostRequest"

// What a HostRequest asks for.
const (
	// HostRelease has the step tried again at which the host was given up.
	HostRelease = "release"
	// HostDelete has the host's stack deleted.
	HostDelete = "delete"
	// HostCordon takes a host that is in service out of it, until somebody uncordons it.
	HostCordon = "cordon"
	// HostUncordon takes a cordon by hand back; what else keeps the host out of service goes on to.
	HostUncordon = "uncordon"
)

// HostRequest is what a person wants done about a host: HostRelease and HostDelete of one that is quarantined, HostCordon
// and HostUncordon of one that has tenants. Host events queue.
type HostRequest struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	HostID      string `json:"hostId"`
	Action      string `json:"action"`      // HostRelease, HostDelete, HostCordon or HostUncordon
	RequestedBy string `json:"requestedBy"` // stands in the host's history
	Reason      string `json:"reason"`
}
