package page

import "sync"

// ring keeps the newest of what came in, numbered from 1. Its methods may be called at once.
type ring[T any] struct {
	mu   sync.Mutex
	most int
	all  []T
	came int
}

func newRing[T any](most int) *ring[T] { return &ring[T]{most: most} }

// add keeps one more, made with its number.
func (r *ring[T]) add(with func(n int) T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.came++
	if len(r.all) == r.most {
		r.all = append(r.all[:0], r.all[1:]...)
	}
	r.all = append(r.all, with(r.came))
}

// after lists those that are kept and came after number n, and says how many came in all.
func (r *ring[T]) after(n int) (list []T, came int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > r.came { // of another run
		n = 0
	}
	return append([]T{}, r.all[max(0, len(r.all)-(r.came-n)):]...), r.came
}
