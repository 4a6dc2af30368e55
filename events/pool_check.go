package events

// TypePoolCheck is the type of PoolCheck.
const TypePoolCheck = "PoolCheck"

// PoolCheck asks for a look at all pools. Pool check queue: from the schedule
// every minute, and from the function that saw the pool run low or lose a host.
type PoolCheck struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	Reason  string `json:"reason"` // who asked, such as "schedule"; for logs only
	Correlated
}

// NewPoolCheck fills in the version and the type.
func NewPoolCheck(reason string) PoolCheck {
	return PoolCheck{Version: Version, Type: TypePoolCheck, Reason: reason}
}
