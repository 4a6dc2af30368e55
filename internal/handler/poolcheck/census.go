package poolcheck

import (
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// unseen stands for the hosts of a pool that could not be looked at.
const unseen = -1

// census counts the hosts of each kind, over all tiers. A kind of which a pool is
// unseen is not known.
type census map[pool.Kind]int

func (c census) count(kind pool.Kind, ofTier map[pool.Kind]int) {
	hosts, seen := ofTier[kind]
	if !seen || c[kind] == unseen {
		c[kind] = unseen
		return
	}
	c[kind] += hosts
}

// measureKinds says how many hosts there are, of the kinds of which that is known.
func (h *Handler) measureKinds(all census) {
	for _, kind := range pool.Kinds {
		if hosts, counted := all[kind]; counted && hosts != unseen {
			h.Metrics.Kind(string(kind)).Gauge(telemetry.HostsOfKind, hosts)
		}
	}
}
