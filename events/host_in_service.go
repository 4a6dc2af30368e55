package events

// HostInService says that a host takes tenants: for the first time, or again.
type HostInService struct {
	Version         string `json:"version"`
	HostID          string `json:"hostId"`
	Kind            string `json:"kind"`
	Tier            string `json:"tier"`
	Slots           int    `json:"slots"`
	LeadTimeSeconds int    `json:"leadTimeSeconds"` // from the order to now; 0 when it is back in service
	Reason          string `json:"reason"`
	Correlated
}

// DetailType is the detail-type of the event.
func (HostInService) DetailType() string { return "HostInService" }
