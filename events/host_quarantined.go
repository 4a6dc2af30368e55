package events

// HostQuarantined says that a host got stuck: a step was tried as often as is
// allowed, and a person has to look.
type HostQuarantined struct {
	Version string `json:"version"`
	HostID  string `json:"hostId"`
	Kind    string `json:"kind"`
	Tier    string `json:"tier"`
	Step    string `json:"step"`
	Tries   int    `json:"tries"`
	Reason  string `json:"reason"`
	Correlated
}

// DetailType is the detail-type of the event.
func (HostQuarantined) DetailType() string { return "HostQuarantined" }
