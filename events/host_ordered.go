package events

// HostOrdered says that a host was ordered, and why.
type HostOrdered struct {
	Version   string `json:"version"`
	HostID    string `json:"hostId"`
	Kind      string `json:"kind"`
	Tier      string `json:"tier"`
	OrderedAt Time   `json:"orderedAt"`
	Reason    string `json:"reason"`
	Correlated
}

// DetailType is the detail-type of the event.
func (HostOrdered) DetailType() string { return "HostOrdered" }
