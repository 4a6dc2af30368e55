package dynamo

import (
	"fmt"
	"testing"

	"headroom/internal/local/parts/dynamotest"
)

// BenchmarkSignup is what a signup costs in all, with so many slots in the pool: at a few a minute, and
// with many at the same moment. An idle check is what the pool costs without any.
func BenchmarkSignup(b *testing.B) {
	for _, slots := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("slots=%d", slots), func(b *testing.B) {
			server := dynamotest.Start(b)
			table := server.Table(b)
			seed(b, server.Client(), table, "standard", slots)
			m := newMetered(b, server, table, "standard")
			signups := min(slots*4/5, 200)
			b.Run("a few a minute", func(b *testing.B) {
				for range b.N {
					each, idle := m.cost(b, signups)
					b.ReportMetric(each.requests, "requests/signup")
					b.ReportMetric(each.wru, "WRU/signup")
					b.ReportMetric(each.rru, "RRU/signup")
					b.ReportMetric(float64(idle.Requests)/60, "requests/idle-check")
					b.ReportMetric(idle.RRU/60, "RRU/idle-check")
				}
			})
		})
	}
}
