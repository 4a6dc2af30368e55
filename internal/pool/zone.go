package pool

// Zone is an availability zone that hosts can be placed in.
type Zone struct {
	Name   string `json:"zone"`             // such as "eu-west-1a"
	Subnet string `json:"subnet,omitempty"` // ID of the hosts' subnet there
}

// ZoneOf chooses the zone of a pool's host number seq: they take turns, so that a zone that fails takes
// as few hosts of a pool as can be. Without zones, it returns the zero Zone: AWS chooses.
func ZoneOf(seq int, zones []Zone) Zone {
	if len(zones) == 0 || seq < 1 {
		return Zone{}
	}
	return zones[(seq-1)%len(zones)]
}
