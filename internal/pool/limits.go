package pool

import (
	"fmt"
	"time"
)

// poolLimits are the limits that follow from a pool's own record and policy. Hosts that are late count against all of
// them: what makes them late may make all of them late, and must not fill the pool up to its ceiling.
func poolLimits(r Record, p Policy, now time.Time) []Limit {
	c := r.Counters
	var limits []Limit
	if now.Before(r.BackoffUntil) {
		limits = append(limits, Limit{Name: "backoff", Why: fmt.Sprintf(
			"none before %s after %d failures in a row", r.BackoffUntil.UTC().Format(time.RFC3339), r.Failures)})
	}
	return append(limits,
		Limit{Name: "ceiling", Most: p.Ceiling - c.Hosts, Why: fmt.Sprintf("ceiling %d hosts, there are %d", p.Ceiling, c.Hosts)},
		Limit{Name: "maxOrders", Most: p.MaxOrders - c.Provisioning, Why: fmt.Sprintf("at most %d provisioning, there are %d", p.MaxOrders, c.Provisioning)},
	)
}

// StopOf is the limit that the stop switch is, where it stops orders.
func StopOf(s Stops) Limit {
	return Limit{Name: "stop", Why: fmt.Sprintf("orders are stopped by %s: %s", s.By, s.Why)}
}
