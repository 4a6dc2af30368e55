package events

// AccessChanging says that a tenant is about to be shut out of its database, because that moves to another host, and for about
// how long. It can log in again afterwards, there (AccessChanged) or, if the move comes to nothing, where it was. It may be said
// more than once.
type AccessChanging struct {
	Version        string `json:"version"`
	TenantID       string `json:"tenantId"`
	Tier           string `json:"tier"`
	At             Time   `json:"at"`             // from then on it may be shut out
	RefusedSeconds int    `json:"refusedSeconds"` // for how long, about, by the size of its database
	Reason         string `json:"reason"`
	RequestedBy    string `json:"requestedBy"`
	Correlated
}

// DetailType is the detail-type of the event.
func (AccessChanging) DetailType() string { return "AccessChanging" }
