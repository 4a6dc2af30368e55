package events

// HostRepairWaits says that a share host needs mending, and that its repair waits: so many hosts of its pool are being
// mended, or its zone seems to fail.
type HostRepairWaits struct {
	Version string `json:"version"`
	HostID  string `json:"hostId"`
	Kind    string `json:"kind"`
	Tier    string `json:"tier"`
	Cause   string `json:"cause"`
	Reason  string `json:"reason"` // why it waits
	Correlated
}

// DetailType is the detail-type of the event.
func (HostRepairWaits) DetailType() string { return "HostRepairWaits" }
