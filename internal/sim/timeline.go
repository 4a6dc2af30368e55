package sim

import (
	"container/heap"
	"time"
)

// timeline is virtual time: what is to happen, the earliest first, and of what happens at once what was planned first.
// Nothing waits, so a month takes as long as what happens in it.
type timeline struct {
	now     time.Time
	planned agenda
	count   int
}

type event struct {
	at    time.Time
	count int
	do    func()
}

// Now is the virtual time.
func (l *timeline) Now() time.Time { return l.now }

// at plans something; what is due already happens next.
func (l *timeline) at(when time.Time, do func()) {
	if when.Before(l.now) {
		when = l.now
	}
	l.count++
	heap.Push(&l.planned, event{when, l.count, do})
}

// after plans something for later.
func (l *timeline) after(delay time.Duration, do func()) { l.at(l.now.Add(delay), do) }

// run has happen what is planned up to a time, that included, and what comes of it until then.
func (l *timeline) run(until time.Time) {
	for len(l.planned) > 0 && !l.planned[0].at.After(until) {
		next := heap.Pop(&l.planned).(event)
		l.now = next.at
		next.do()
	}
	l.now = until
}

// agenda is a heap by time.
type agenda []event

func (e agenda) Len() int { return len(e) }

func (e agenda) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].count < e[j].count
}

func (e agenda) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push is heap.Interface's.
func (e *agenda) Push(x any) { *e = append(*e, x.(event)) }

// Pop is heap.Interface's.
func (e *agenda) Pop() any {
	last := (*e)[len(*e)-1]
	(*e)[len(*e)-1] = event{}
	*e = (*e)[:len(*e)-1]
	return last
}
