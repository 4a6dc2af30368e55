package pool

import (
	"fmt"
	"slices"
	"strings"
)

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

// ZoneBut is ZoneOf among the zones that do not seem to fail, and says which are avoided, in words. If all seem to fail,
// none is avoided: a host may come to be in one of them, and in no other.
func ZoneBut(seq int, zones []Zone, failing []string) (z Zone, avoided string) {
	var well []Zone
	var names []string
	for _, z := range zones {
		if slices.Contains(failing, z.Name) {
			names = append(names, z.Name)
		} else {
			well = append(well, z)
		}
	}
	if len(names) == 0 || len(well) == 0 {
		return ZoneOf(seq, zones), ""
	}
	return ZoneOf(seq, well), fmt.Sprintf("it is placed elsewhere than in %s, where hosts fell ill together", strings.Join(names, ", "))
}
