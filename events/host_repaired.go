package events

// HostRepaired says that a share host was repaired, or changed as somebody wanted it, and serves again.
type HostRepaired struct {
	Version           string   `json:"version"`
	HostID            string   `json:"hostId"`
	Kind              string   `json:"kind"`
	Tier              string   `json:"tier"`
	Cause             string   `json:"cause"`
	Way               string   `json:"way"`     // that helped
	Tried             []string `json:"tried"`   // every way that was tried, in order, with what came of it
	Proven            []string `json:"proven"`  // what was seen before the host was put into service again, each in words
	Planned           bool     `json:"planned"` // a person wanted it; nothing had failed
	BeganAt           Time     `json:"beganAt"`
	UnwritableSeconds int      `json:"unwritableSeconds"` // for how long tenants could not write, from the first sign of it
	Lost              string   `json:"lost,omitempty"`    // what may have been lost, in words; empty: nothing
	Correlated
}

// DetailType is the detail-type of the event.
func (HostRepaired) DetailType() string { return "HostRepaired" }
