package sim

import "headroom/internal/pool"

// prices are what a host of prod costs a month, about, as in docs/operations.md.
var prices = map[pool.Kind]float64{pool.Database: 325, pool.Share: 207}

// price is what a host costs a month under a policy, in dollars.
func price(p pool.Policy) float64 {
	if p.HostPrice > 0 {
		return p.HostPrice
	}
	return prices[p.Kind]
}
