package faults

import (
	"container/heap"
	"time"
)

// event is something that is to happen.
type event struct {
	at    time.Time
	count int
	do    func()
}

// agenda is what is to happen: a heap by time, and of what happens at once what was planned first.
type agenda []*event

func (a agenda) Len() int { return len(a) }

func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].count < a[j].count
	}
	return a[i].at.Before(a[j].at)
}

func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push is heap.Interface's.
func (a *agenda) Push(x any) { *a = append(*a, x.(*event)) }

// Pop is heap.Interface's.
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	(*a)[len(*a)-1] = nil
	*a = (*a)[:len(*a)-1]
	return last
}

// after plans something.
func (w *world) after(delay time.Duration, do func()) {
	w.planned++
	heap.Push(&w.agenda, &event{w.now.Add(max(0, delay)), w.planned, do})
}

// runUntil has happen what is planned until a time, and what comes of it, as long as nothing is wrong.
func (w *world) runUntil(until time.Time) {
	for len(w.agenda) > 0 && !w.agenda[0].at.After(until) && w.problem == nil {
		next := heap.Pop(&w.agenda).(*event)
		w.now = next.at
		next.do()
	}
	if w.problem == nil {
		w.now = until
	}
}
