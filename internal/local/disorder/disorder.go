// Package disorder makes deliveries as untidy as an at-least-once, unordered service may make
// them: twice, late, and in another order.
package disorder

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Options say how untidy deliveries are. The zero value leaves them as they are.
type Options struct {
	Double  float64       // probability, 0 to 1, that a delivery is made twice
	Delay   time.Duration // each delivery is held back by a random part of this
	Shuffle bool          // what is delivered together comes in a random order
}

// Tables say how untidy tables are. The zero value leaves them as they are.
type Tables struct {
	Transaction time.Duration // a transaction is under way for a random part of this, and others conflict with it
	Index       time.Duration // an index shows what was written after a random part of this only
}

// Source decides about one delivery after the other. It may be used by several goroutines; the same
// seed and the same sequence of questions give the same decisions.
type Source struct {
	options Options
	mu      sync.Mutex
	random  *rand.Rand
}

// New returns a source of decisions.
func New(seed uint64, options Options) *Source {
	return &Source{options: options, random: rand.New(rand.NewPCG(seed, 0))}
}

// Copies says when to make a delivery: one delay for each time that it is made, at least one.
func (s *Source) Copies() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	copies := []time.Duration{s.delay()}
	if s.random.Float64() < s.options.Double {
		copies = append(copies, s.delay())
	}
	return copies
}

// Shuffle reorders n things that are delivered together.
func (s *Source) Shuffle(n int, swap func(i, j int)) {
	if !s.options.Shuffle {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.random.Shuffle(n, swap)
}

// Part draws a random part of a time.
func (s *Source) Part(of time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.part(of)
}

func (s *Source) delay() time.Duration { return s.part(s.options.Delay) }

func (s *Source) part(of time.Duration) time.Duration {
	if of <= 0 {
		return 0
	}
	return time.Duration(s.random.Int64N(int64(of)))
}
