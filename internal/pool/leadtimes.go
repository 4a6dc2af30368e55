package pool

import (
	"time"

	"headroom/internal/pool/forecast"
)

// usualLeads are what hosts of a kind are known to take, until a pool has measured it, and beside what it measured: 1.3
// times the median that AWS's words make one expect, with 1.5 times the spread. An RDS instance takes 20 minutes and
// seldom more than 40; a gateway's appliance boots for some, and its stack and shares come on top: 12, seldom 30.
var usualLeads = map[Kind]forecast.Prior{
	Database: {Median: 26, Sigma: 0.447},
	Share:    {Median: 15.6, Sigma: 0.591},
}

// prior is what a pool's lead times are expected to be before any was measured.
func (p Policy) prior() forecast.Prior {
	prior := usualLeads[p.Kind]
	if p.UsualLead > 0 {
		prior.Median = time.Duration(p.UsualLead).Minutes()
	}
	return prior
}

// LeadTimes are the pool's lead times under a policy: those that were measured, what is usual, and hosts on their way
// for longer than any took, since they were decided on.
func (r Record) LeadTimes(p Policy, now time.Time) forecast.Leads {
	return forecast.LeadTimes(r.took(), r.ages(now), p.prior())
}

// WaitTimes are the lead times by which somebody is told how long to wait.
func (r Record) WaitTimes(p Policy, now time.Time) forecast.Leads {
	return forecast.WaitTimes(r.took(), r.ages(now), p.prior())
}

// ages are those of the hosts on their way, since they were decided on.
func (r Record) ages(now time.Time) []time.Duration {
	ages := make([]time.Duration, 0, len(r.Coming))
	for _, c := range r.Coming {
		ages = append(ages, now.Sub(c.decidedAt()))
	}
	return ages
}

func (r Record) took() []time.Duration {
	took := make([]time.Duration, len(r.Leads))
	for i, lead := range r.Leads {
		took[i] = lead.Took
	}
	return took
}

// LateAfter is how long a host may be on its way before it is not counted on any more: 99 of 100 take less.
func (r Record) LateAfter(p Policy) time.Duration {
	return forecast.LeadTimes(r.took(), nil, p.prior()).P99()
}

// Late counts the hosts that are on their way for longer than nearly any took, and the slots that they were to bring.
// They may never come: a plan must not rely on them.
func (r Record) Late(p Policy, now time.Time) (hosts, slots int) {
	if len(r.Coming) == 0 {
		return 0, 0
	}
	after := r.LateAfter(p)
	for _, c := range r.Coming {
		if now.Sub(c.OrderedAt) > after {
			hosts++
			slots += c.Slots
		}
	}
	return min(hosts, r.Counters.Provisioning), min(slots, r.Counters.ProvisioningSlots)
}

// inTime are the ages of the hosts that are on their way and not late, since they were ordered. Those that were given up, and
// are on their way again since people released them, are not among Coming: they count as if they were ordered now.
func (r Record) inTime(p Policy, now time.Time) []time.Duration {
	var ages []time.Duration
	after := r.LateAfter(p)
	for _, c := range r.Coming {
		if age := now.Sub(c.OrderedAt); age <= after {
			ages = append(ages, age)
		}
	}
	for range max(0, r.Counters.Provisioning-len(r.Coming)) {
		ages = append(ages, 0)
	}
	return ages
}
