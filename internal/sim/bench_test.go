package sim

import (
	"math"
	"testing"
)

// BenchmarkTwoMonths replays two months of 30 signups an hour on average, by the functions. It is to take less than ten
// seconds on two cores.
func BenchmarkTwoMonths(b *testing.B) {
	d := counted(b, 61*24, func(h int) float64 { return 30 * (1 + 0.8*math.Sin(float64(h)/24*2*math.Pi)) })
	for b.Loop() {
		r := run(b, Options{Demand: d, Policy: policy(b, asShipped), Seed: 1})
		b.ReportMetric(float64(r.Signups), "signups")
	}
}
