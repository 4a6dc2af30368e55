package events

// TypeMoveOff is the type of MoveOff.
const TypeMoveOff = "MoveOff"

// MoveOff has a tenant's database move off a host that is drained, if it is on that still. Restore steps queue, from the
// pool check. Nobody is told of one that has become needless: it was nobody's request.
type MoveOff struct {
	Version  string `json:"version"`
	Type     string `json:"type"`
	TenantID string `json:"tenantId"`
	HostID   string `json:"hostId"`         // that it is to move off
	Decided  Time   `json:"decided"`        // when: one that was decided before another was begun comes to nothing
	Most     string `json:"most,omitempty"` // how long it may be shut out, such as "10m"; left out: as long as it takes
	Reason   string `json:"reason"`         // stands in the history
	Correlated
}

// NewMoveOff has a tenant move off a host. most is how long it may be shut out; empty: as long as it takes.
func NewMoveOff(tenantID, hostID string, decided Time, most, reason string) MoveOff {
	return MoveOff{Version: Version, Type: TypeMoveOff, TenantID: tenantID, HostID: hostID, Decided: decided, Most: most, Reason: reason}
}
