package events

// HostRepairAsks says that a repair goes on with a person's word only: RepairRequest gives it.
type HostRepairAsks struct {
	Version string `json:"version"`
	HostID  string `json:"hostId"`
	Kind    string `json:"kind"`
	Tier    string `json:"tier"`
	Cause   string `json:"cause"`
	Way     string `json:"way"`               // that is asked for
	Reason  string `json:"reason"`            // why it is asked
	MayLose string `json:"mayLose,omitempty"` // what may be lost if its gateway is given up, in words; empty: that can't be chosen
	Correlated
}

// DetailType is the detail-type of the event.
func (HostRepairAsks) DetailType() string { return "HostRepairAsks" }
