package dynamo

import (
	"fmt"
	"testing"

	"headroom/internal/ledger/dynamo/meter"
	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/pool"
)

// BenchmarkSignup is what a signup costs, with so many slots in the pool and so many signing up at
// the same moment. The time includes the meter's own reads; the shelf is reconciled outside of it.
func BenchmarkSignup(b *testing.B) {
	for _, slots := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("slots=%d", slots), func(b *testing.B) {
			m := &market{server: dynamotest.Start(b), slots: slots}
			m.table = m.server.Table(b)
			m.open(b)
			for _, claimers := range []int{1, 10, 50} {
				b.Run(fmt.Sprintf("claimers=%d", claimers), func(b *testing.B) { m.run(b, claimers) })
			}
		})
	}
}

// market opens tiers of one size, a new one when the last is used up.
type market struct {
	server  *dynamotest.Server
	table   string
	slots   int
	tiers   int
	tenants int // signed up in all
	shop    *shop
	left    int // slots left in the shop
}

func (m *market) open(b *testing.B) {
	b.Helper()
	m.tiers++
	tier := pool.Tier(fmt.Sprintf("tier%d", m.tiers))
	seed(b, m.server.Client(), m.table, tier, m.slots)
	m.shop, m.left = newShop(b, m.server, m.table, tier), m.slots
}

func (m *market) run(b *testing.B, claimers int) {
	var used meter.Usage
	b.ResetTimer()
	for done := 0; done < b.N; {
		n := min(claimers, b.N-done)
		b.StopTimer()
		if m.left < n {
			m.open(b)
		}
		before := m.shop.gauge.Usage()
		b.StartTimer()
		m.shop.atOnce(b, m.tenants, n)
		b.StopTimer()
		after := m.shop.gauge.Usage()
		used.Requests += after.Requests - before.Requests
		used.WRU += after.WRU - before.WRU
		used.RRU += after.RRU - before.RRU
		used.Refused += after.Refused - before.Refused
		used.Resent += after.Resent - before.Resent
		m.shop.reconcile(b)
		m.tenants, m.left, done = m.tenants+n, m.left-n, done+n
		b.StartTimer()
	}
	per := func(n float64) float64 { return n / float64(b.N) }
	b.ReportMetric(per(float64(used.Requests)), "requests/signup")
	b.ReportMetric(per(used.WRU), "WRU/signup")
	b.ReportMetric(per(used.RRU), "RRU/signup")
	b.ReportMetric(per(float64(used.Retries())), "retries/signup")
}
