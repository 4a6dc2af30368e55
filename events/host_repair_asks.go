package events

// HostRepairAsks says that a repair goes on with a person's word only: RepairRequest gives it.
type HostRepairAsks struct {
	Version string `json:"version"`
	HostID  string `json:"hostId"`
	Kind    string `json:"kind"`
	Tier    string `json:"tier"`
	Cause   string `json:"cause"`
	Way     string `json:"way"`    // that is asked for
	Reason  string `json:"reason"` // why it is asked, and what may be lost
}

// DetailType is the detail-type of the event.
func (HostRepairAsks) DetailType() string { return "HostRepairAsks" }
