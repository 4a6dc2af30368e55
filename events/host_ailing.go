package events

// TypeHostAiling is the type of HostAiling.
const TypeHostAiling = "HostAiling"

// HostAiling says that a share host is out of service for a reason that a repair may mend. The queue of repairs' steps,
// from the pool check.
type HostAiling struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	HostID  string `json:"hostId"`
	Cause   string `json:"cause"`
	Correlated
}

// NewHostAiling says why a host ails.
func NewHostAiling(hostID, cause string) HostAiling {
	return HostAiling{Version: Version, Type: TypeHostAiling, HostID: hostID, Cause: cause}
}
