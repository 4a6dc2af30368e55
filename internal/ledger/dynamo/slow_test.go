package dynamo

import (
	"context"
	"errors"
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

	shelf sync.Mutex // held by who writes the shelf

	mu       sync.Mutex
	draw     *rand.Rand
	calls    map[string]int
	wru      float64
	largest  map[string]int     // by what the item is, in bytes
	second   int64              // that units counts
	units    map[string]float64 // by key
	last     map[string]float64 // by key: what its last write took
	hottest  map[string]float64 // by what the item is: the most write units of a key in a second
	inFlight map[pool.HostID]bool
	held     int // the most holds
	collided int
	refused  int // writes of a shelf, because its key took all that a key takes in that second
}

// unitsMost is how many write units a key takes a second, whatever the table may (DynamoDB developer guide,
// "Designing partition keys").
const unitsMost = 1000

// writesShelf are the operations that write a tier's shelf.
var writesShelf = map[string]bool{
	"Claim": true, "ClaimAll": true, "BeginRefill": true, "CommitRefill": true, "Settle": true, "SaveShelf": true, "Draw": true, "Unqueue": true,
}

// What the SDK does about a write that is refused (awsclient.Load): so many attempts, with waits in between of up
// to a second, that double, up to a longest.
const (
	attempts   = 5
	backoffMax = 4 * time.Second
)

var errThrottled = errors.New("ProvisionedThroughputExceededException")

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
		calls: map[string]int{}, largest: map[string]int{}, units: map[string]float64{}, last: map[string]float64{}, hottest: map[string]float64{}, inFlight: map[pool.HostID]bool{},
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
	write := do
	if writesShelf[operation] {
		write = func() error { return s.writeShelf(operation, do) }
	}
	err := write()
	switch operation {
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

// writeShelf writes the shelf once its key takes that, as DynamoDB does one write after the other, and as the SDK tries.
// A write whose condition does not hold costs the same.
func (s *slow) writeShelf(operation string, do func() error) error {
	for attempt := range attempts {
		s.shelf.Lock()
		if s.takes("shelf") {
			err := do()
			s.measureShelf()
			s.shelf.Unlock()
			return err
		}
		s.shelf.Unlock()
		if attempt < attempts-1 {
			time.Sleep(s.latency(single) + s.backoff(attempt))
		}
	}
	return fmt.Errorf("%s: %w", operation, errThrottled)
}

func (s *slow) backoff(attempt int) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.draw.Float64() * float64(min(time.Second<<attempt, backoffMax)))
}

// takes reports whether a key takes a write as large as the last one in this second.
func (s *slow) takes(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tick()
	if s.units[key]+s.last[key] <= unitsMost {
		return true
	}
	s.refused++
	return false
}

// tick begins another second. The caller holds the lock.
func (s *slow) tick() {
	if now := time.Now().Unix(); now != s.second {
		s.second = now
		clear(s.units)
	}
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
	s.tick()
	n := factor * math.Ceil(float64(bytes)/1024)
	s.units[key] += n
	s.wru += n
	s.last[key] = n
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
