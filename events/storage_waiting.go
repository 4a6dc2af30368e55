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
}

// DetailType is the detail-type of the event.
func (StorageWaiting) DetailType() string { return "StorageWaiting" }
