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
	// HostProtect keeps the host from being retired, until somebody unprotects it.
	HostProtect = "protect"
	// HostUnprotect takes that back.
	HostUnprotect = "unprotect"
	// HostDrain has the host take no more, and go once it is empty.
	HostDrain = "drain"
	// HostUndrain takes that back.
	HostUndrain = "undrain"
	// HostRetire has a host taken down that is empty.
	HostRetire = "retire"
)

// HostRequest is what a person wants done about a host: HostRelease and HostDelete of one that is quarantined, the others of
// one that may have tenants. Host events queue.
type HostRequest struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	HostID      string `json:"hostId"`
	Action      string `json:"action"`      // one of the above
	RequestedBy string `json:"requestedBy"` // stands in the host's history
	Reason      string `json:"reason"`
	Correlated
}
