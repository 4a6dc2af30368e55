package events

// StorageWaiting says that no storage is ready for a tenant, who is served as
// soon as there is, without asking again.
type StorageWaiting struct {
	Version  string `json:"version"`
	TenantID string `json:"tenantId"`
	Tier     string `json:"tier"`
	Position int    `json:"position"` // in the tier's queue when it joined; 1 is served next
	Since    Time   `json:"since"`
	Reason   string `json:"reason"`

	Estimate *WaitEstimate `json:"estimate,omitempty"` // nil where Capped says why
	Capped   string        `json:"capped,omitempty"`   // what keeps storage from being made for it, in words
	Correlated
}

// WaitEstimate is how long a tenant waits from the event on.
type WaitEstimate struct {
	P50Seconds int `json:"p50Seconds"` // as likely more as less
	P90Seconds int `json:"p90Seconds"` // at most, with 90 %
}

// DetailType is the detail-type of the event.
func (StorageWaiting) DetailType() string { return "StorageWaiting" }
