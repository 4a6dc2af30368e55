package events

// TypePoolRound is the type of PoolRound.
const TypePoolRound = "PoolRound"

// PoolRound asks to have those share hosts of a pool looked at whose turn it is in the minute in which it is sent. The queue
// of repairs' steps, from the pool check.
type PoolRound struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	Tier    string `json:"tier"`
	Correlated
}

// NewPoolRound fills in the version and the type.
func NewPoolRound(tier string) PoolRound {
	return PoolRound{Version: Version, Type: TypePoolRound, Tier: tier}
}
