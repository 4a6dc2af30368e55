package events

// TypeShelfCheck is the type of ShelfCheck.
const TypeShelfCheck = "ShelfCheck"

// ShelfCheck asks for a look at the shelf of one tier, and at nothing else. Pool check queue, from signup: slots are
// to be set out, or claims to be settled.
type ShelfCheck struct {
	Version string `json:"version"`
	Type    string `json:"type"`
	Tier    string `json:"tier"`
	Correlated
}

// NewShelfCheck fills in the version and the type.
func NewShelfCheck(tier string) ShelfCheck {
	return ShelfCheck{Version: Version, Type: TypeShelfCheck, Tier: tier}
}
