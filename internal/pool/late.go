package pool

import "time"

// usualLead is how long hosts of a kind are known to take at most, until a pool has measured it: an RDS instance
// "up to 40 minutes"; a gateway's appliance boots for 15, and its stack and shares come on top.
var usualLead = map[Kind]time.Duration{Database: 40 * time.Minute, Share: 25 * time.Minute}

// leadsEnough is how many measured lead times tell more than what is usual.
const leadsEnough = 5

// LongestLead is how long a host of the pool may take to come into service by what was measured: the longest of
// the last lead times, and no less than what is usual while few are known.
func (r Record) LongestLead() time.Duration {
	longest := time.Duration(0)
	for _, lead := range r.Leads {
		longest = max(longest, lead.Took)
	}
	if len(r.Leads) < leadsEnough {
		longest = max(longest, usualLead[r.Key.Kind])
	}
	return longest
}

// Late counts the hosts that are on their way for longer than any took, and the slots that they were to bring.
// They may never come: a plan must not rely on them.
func (r Record) Late(now time.Time) (hosts, slots int) {
	for _, c := range r.Coming {
		if now.Sub(c.OrderedAt) > r.LongestLead() {
			hosts++
			slots += c.Slots
		}
	}
	return min(hosts, r.Counters.Provisioning), min(slots, r.Counters.ProvisioningSlots)
}
