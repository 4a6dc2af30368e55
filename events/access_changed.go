package events

// AccessChanged says that other addresses than before reach a tenant's share: what was added is served by it, and what
// was removed is served no more, also if it had mounted the share, and can belong to another tenant. Or it says that its
// database is on another host, for which there are other credentials in the same secret. It may be said more than once, and
// late: what was seen last is what is so.
type AccessChanged struct {
	Version   string   `json:"version"`
	TenantID  string   `json:"tenantId"`
	Tier      string   `json:"tier"`
	Added     []string `json:"added"`
	Removed   []string `json:"removed"`
	Since     Time     `json:"since"`     // when that was seen
	Addresses []string `json:"addresses"` // all that the share serves now, also those that are being put out

	Database       *Database `json:"database,omitempty"`       // where the database is since; left out: where it was
	RefusedSeconds int       `json:"refusedSeconds,omitempty"` // for how long, at most, that let nobody in
	Correlated
}

// DetailType is the detail-type of the event.
func (AccessChanged) DetailType() string { return "AccessChanged" }
