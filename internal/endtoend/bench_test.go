package endtoend

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// BenchmarkSignups is how fast tenants are served, from their message to StorageReady, by functions
// that are warm and from pools that are full. An operation is a whole crowd.
//
// At once, they all come in the same moment: then it is the time to work off the crowd, and the
// latency is mostly that of those before. Paced, they come as fast as in a very good hour.
func BenchmarkSignups(b *testing.B) {
	const crowd, warmUp, databases, shares = 90, 20, 10, 20
	s := start(b, policies(
		pool.Policy{SlotsPerHost: 20, Floor: databases, Ceiling: databases, MaxOrders: databases},
		pool.Policy{SlotsPerHost: 10, Floor: shares, Ceiling: shares, MaxOrders: shares},
	))
	s.awaitInService(b, databases, shares)
	signedUp := 0
	signUp := func(b *testing.B, n int, pace time.Duration) (sent map[string]time.Time) {
		b.Helper()
		sent = map[string]time.Time{}
		for range n {
			id := fmt.Sprintf("tenant-%d", signedUp)
			sent[id] = time.Now()
			s.signUp(b, id, fmt.Sprintf("127.40.%d.%d", signedUp/200, signedUp%200+1))
			signedUp++
			time.Sleep(pace)
		}
		s.awaitReady(b, slices.Collect(maps.Keys(sent))...)
		return sent
	}
	signUp(b, warmUp, 0)
	for _, way := range []struct {
		name string
		pace time.Duration
	}{
		{"at-once", 0},
		{"paced", 50 * time.Millisecond},
	} {
		b.Run(way.name, func(b *testing.B) {
			if signedUp+b.N*crowd > 10*shares {
				b.Skip("the pools are used up: run it with -benchtime 1x")
			}
			begun := time.Now()
			b.ResetTimer()
			sent := signUp(b, b.N*crowd, way.pace)
			b.StopTimer()
			took := time.Since(begun)
			latencies := s.latencies(sent)
			percentile := func(p int) float64 {
				return float64(latencies[(len(latencies)*p+99)/100-1]) / float64(time.Millisecond)
			}
			b.ReportMetric(float64(len(sent))/took.Seconds(), "signups/s")
			b.ReportMetric(percentile(50), "p50-ms")
			b.ReportMetric(percentile(99), "p99-ms")
		})
	}
}

// latencies are the times from tenants' messages to their first StorageReady, in ascending order.
func (s *system) latencies(sent map[string]time.Time) (all []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	for _, p := range s.published {
		var e events.StorageReady
		if p.DetailType != e.DetailType() || json.Unmarshal(p.Detail, &e) != nil || seen[e.TenantID] {
			continue
		}
		if begun, ok := sent[e.TenantID]; ok {
			seen[e.TenantID] = true
			all = append(all, p.at.Sub(begun))
		}
	}
	slices.Sort(all)
	return all
}
