package events

// TenantClosed says that a tenant that leaves reaches its storage no more. Nothing of it is destroyed before
// GraceUntil, and until then it can be undone.
type TenantClosed struct {
	Version     string `json:"version"`
	TenantID    string `json:"tenantId"`
	Tier        string `json:"tier"`
	ClosedAt    Time   `json:"closedAt"`
	GraceUntil  Time   `json:"graceUntil"` // counts from when its departure was recorded; or later, if the archive is not proven by then
	Reason      string `json:"reason"`
	RequestedBy string `json:"requestedBy"`
	Correlated
}

// DetailType is the detail-type of the event.
func (TenantClosed) DetailType() string { return "TenantClosed" }

// TenantReopened says that a tenant's departure was undone: it has its storage as before.
type TenantReopened struct {
	Version     string `json:"version"`
	TenantID    string `json:"tenantId"`
	Tier        string `json:"tier"`
	ReopenedAt  Time   `json:"reopenedAt"`
	Reason      string `json:"reason"`
	RequestedBy string `json:"requestedBy"`
	Correlated
}

// DetailType is the detail-type of the event.
func (TenantReopened) DetailType() string { return "TenantReopened" }
