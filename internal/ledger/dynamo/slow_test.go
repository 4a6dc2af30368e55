package dynamo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/ledger"
	"headroom/internal/ledger/dynamo/meter"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// slow is the ledger in memory with the latencies of DynamoDB in virtual time. It measures what is written as
// DynamoDB would: the sizes of items, and the write units that each key takes a second.
type slow struct {
	killtest.Ledger
	next *memory.Ledger
	tier pool.Tier

	mu       sync.Mutex
	draw     *rand.Rand
	calls    map[string]int
	wru      float64
	largest  map[string]int     // by what the item is, in bytes
	second   int64              // that units counts
	units    map[string]float64 // by key
	hottest  map[string]float64 // by what the item is: the most write units of a key in a second
	inFlight map[pool.HostID]bool
	held     int // the most holds
	collided int
}

// Seen from Lambda: a write's median and its 99th percentile, and a transaction's.
var (
	single      = lognormal{7600 * time.Microsecond, 16 * time.Millisecond}
	transaction = lognormal{25 * time.Millisecond, 92 * time.Millisecond}
)

type lognormal struct{ p50, p99 time.Duration }

// drawn is a latency; 2.326 standard deviations make the 99th percentile.
func (l lognormal) drawn(normal float64) time.Duration {
	sigma := math.Log(float64(l.p99)/float64(l.p50)) / 2.326
	return time.Duration(float64(l.p50) * math.Exp(sigma*normal))
}

func newSlow(tier pool.Tier, seed uint64) *slow {
	s := &slow{
		next: memory.New(memory.Options{}), tier: tier, draw: rand.New(rand.NewPCG(seed, 1)),
		calls: map[string]int{}, largest: map[string]int{}, units: map[string]float64{}, hottest: map[string]float64{}, inFlight: map[pool.HostID]bool{},
	}
	s.Ledger = killtest.Ledger{Next: s.next, Call: s.call}
	return s
}

func (s *slow) latency(l lognormal) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.drawn(s.draw.NormFloat64())
}

// call makes a call in the middle of its latency.
func (s *slow) call(operation string, do func() error) error {
	s.mu.Lock()
	s.calls[operation]++
	s.mu.Unlock()
	latency := s.latency(single)
	time.Sleep(latency / 2)
	err := do()
	switch operation {
	case "Claim", "BeginRefill", "CommitRefill", "Settle", "SaveShelf", "Draw", "Unqueue":
		s.measureShelf()
	case "Request", "Register":
		s.count(2) // the tenant's item and its deadline's entry; the address is counted with its tenant
	case "SaveTenant":
		s.count(2)
	}
	time.Sleep(latency - latency/2)
	return err
}

func (s *slow) count(wru float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wru += wru
}

func (s *slow) measureShelf() {
	shelf, err := s.next.Shelf(context.Background(), s.tier)
	if err != nil {
		return
	}
	i, err := encodeShelf(shelf)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.held = max(s.held, len(shelf.Held))
	s.mu.Unlock()
	s.wrote("shelf", "shelf", meter.Size(i), 1)
}

// wrote notes that an item was written; factor is 2 for a transaction.
func (s *slow) wrote(what, key string, bytes int, factor float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now().Unix(); now != s.second {
		s.second = now
		clear(s.units)
	}
	n := factor * math.Ceil(float64(bytes)/1024)
	s.units[key] += n
	s.wru += n
	s.largest[what] = max(s.largest[what], bytes)
	s.hottest[what] = max(s.hottest[what], s.units[key])
}

// SaveHost writes one host. It collides with a transaction on it that is under way.
func (s *slow) SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return s.saveHosts(ctx, []ledger.HostChange{{Before: before, After: after}}, single, 1, "SaveHost", func() error {
		return s.next.SaveHost(ctx, before, after, outcome, now)
	})
}

// SaveHosts writes several hosts and their pools' counters in a transaction.
func (s *slow) SaveHosts(ctx context.Context, changes []ledger.HostChange) error {
	return s.saveHosts(ctx, changes, transaction, 2, "SaveHosts", func() error { return s.next.SaveHosts(ctx, changes) })
}

func (s *slow) saveHosts(ctx context.Context, changes []ledger.HostChange, l lognormal, factor float64, operation string, do func() error) error {
	s.mu.Lock()
	s.calls[operation]++
	s.mu.Unlock()
	for attempt := range collisions {
		if s.begin(changes, factor) {
			break
		}
		if attempt == collisions-1 {
			return fmt.Errorf("%s: %w: %w", operation, pool.ErrConflict, errCollision)
		}
		time.Sleep(s.latency(single) + time.Duration(float64(collisionWait<<attempt)/2))
	}
	latency := s.latency(l)
	time.Sleep(latency / 2)
	err := do()
	pools := map[pool.Key]bool{}
	for _, c := range changes {
		i, encodeErr := encodeHost(c.After)
		if encodeErr != nil {
			panic(encodeErr)
		}
		s.wrote(string(c.After.Kind)+" host", string(c.After.ID), meter.Size(i), factor)
		pools[c.After.Key()] = true
	}
	if factor == 2 {
		for k := range pools {
			s.wrote("pool", k.String(), 1500, factor)
		}
	}
	time.Sleep(latency - latency/2)
	s.end(changes, factor)
	return err
}

func (s *slow) begin(changes []ledger.HostChange, factor float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		if s.inFlight[c.After.ID] {
			s.collided++
			return false
		}
	}
	if factor == 2 {
		for _, c := range changes {
			s.inFlight[c.After.ID] = true
		}
	}
	return true
}

func (s *slow) end(changes []ledger.HostChange, factor float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if factor == 2 {
		for _, c := range changes {
			delete(s.inFlight, c.After.ID)
		}
	}
}
