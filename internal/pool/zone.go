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

// ZoneOf chooses the zone of a pool's host number seq: the one in which fewest of the pool's hosts are, so that a zone that fails
// takes as few of them as can be; of several they take turns. Without zones, it returns the zero Zone: AWS chooses.
func ZoneOf(seq int, zones []Zone, hosts map[string]int) Zone {
	if len(zones) == 0 || seq < 1 {
		return Zone{}
	}
	chosen := zones[(seq-1)%len(zones)]
	for i := range zones {
		if z := zones[(seq-1+i)%len(zones)]; hosts[z.Name] < hosts[chosen.Name] {
			chosen = z
		}
	}
	return chosen
}

// ZoneBut is ZoneOf among the zones that do not seem to fail, and says which are avoided, in words. If all seem to fail,
// none is avoided: a host may come to be in one of them, and in no other.
func ZoneBut(seq int, zones []Zone, hosts map[string]int, failing []string) (z Zone, avoided string) {
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
		return ZoneOf(seq, zones, hosts), ""
	}
	return ZoneOf(seq, well, hosts), fmt.Sprintf("it is placed elsewhere than in %s, where hosts fell ill together", strings.Join(names, ", "))
}
