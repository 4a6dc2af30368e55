package events

// TypeServeWaiting is the type of ServeWaiting.
const TypeServeWaiting = "ServeWaiting"

// ServeWaiting asks signup to serve the tenants that wait for a tier, first
// come, first served. Signup queue, sent when slots came in.
type ServeWaiting struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	Tier    string `json:"tier"`
	Correlated
}

// NewServeWaiting fills in the version and the type.
func NewServeWaiting(tier string) ServeWaiting {
	return ServeWaiting{Version: Version, Type: TypeServeWaiting, Tier: tier}
}
