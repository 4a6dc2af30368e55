package pool

import (
	"fmt"
	"time"
)

// poolLimits are the limits that follow from a pool's own record and policy. Hosts that are late count against all of
// them but maxOrders, or as many as hang at once would keep all others from being ordered; with those there are twice that
// at most, for what makes them late may make all of them late.
func poolLimits(r Record, p Policy, now time.Time) []Limit {
	c := r.Counters
	var limits []Limit
	if now.Before(r.BackoffUntil) {
		limits = append(limits, Limit{Name: "backoff", Why: fmt.Sprintf(
			"none before %s after %d failures in a row", r.BackoffUntil.UTC().Format(time.RFC3339), r.Failures)})
	}
	late, _ := r.Late(p, now)
	coming := c.Provisioning - late
	if late > 0 {
		limits = append(limits, Limit{Name: "late", Most: 2*p.MaxOrders - c.Provisioning, Why: fmt.Sprintf(
			"%d of %d provisioning are late, and with those at most %d", late, c.Provisioning, 2*p.MaxOrders)})
	}
	return append(limits,
		Limit{Name: "ceiling", Most: p.Ceiling - c.Hosts, Why: fmt.Sprintf("ceiling %d hosts, there are %d", p.Ceiling, c.Hosts)},
		Limit{Name: "maxOrders", Most: p.MaxOrders - coming, Why: fmt.Sprintf("at most %d provisioning, there are %d", p.MaxOrders, coming)},
	)
}

// uncountedOf is the limit that a cap on money is while hosts of before there were prices are not all counted in what is spent.
func uncountedOf(hosts int) Limit {
	return Limit{Name: "moneyCap", Why: fmt.Sprintf("up to %d hosts that were ordered before are not counted under the cap yet", hosts)}
}

// StopOf is the limit that the stop switch is, where it stops orders.
func StopOf(s Stops) Limit {
	m := s.Mark(StopOrder)
	return Limit{Name: "stop", Why: fmt.Sprintf("orders are stopped by %s: %s", m.By, m.Why)}
}
