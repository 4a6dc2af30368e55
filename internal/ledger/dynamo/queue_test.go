package dynamo

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"headroom/events"
)

// line is an SQS queue in virtual time, with the mapping that drives a function from it: each of the processes handles
// so many messages at once.
type line struct {
	name       string
	batch      int
	visibility time.Duration
	processes  []func(context.Context, []events.Delivery) []error // one error for each message

	mu     sync.Mutex
	queued arrivals
	sent   int
	stirs  chan struct{}
	failed []error // what deliveries failed of
	dead   int     // messages that were delivered too often
}

// receivesMost is how often a message is delivered before it goes to the dead-letter queue.
const receivesMost = 5

// arrival is a message in the queue.
type arrival struct {
	at       time.Time // visible from then on
	number   int
	message  events.Delivery
	received int
}

// arrivals is a heap, the next first.
type arrivals []arrival

func (a arrivals) Len() int { return len(a) }
func (a arrivals) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].number < a[j].number
}
func (a arrivals) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)   { *a = append(*a, x.(arrival)) }
func (a *arrivals) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// send puts a message into the queue.
func (l *line) send(d events.Delivery, delay time.Duration) {
	l.mu.Lock()
	l.sent++
	d.Queue = l.name
	heap.Push(&l.queued, arrival{at: time.Now().Add(delay), number: l.sent, message: d})
	l.mu.Unlock()
	l.stir()
}

// Send makes a sender of a line: whole seconds of delay, rounded up, as SQS has them.
func (l *line) sender() sender {
	return func(body string, delay time.Duration) {
		l.send(events.Delivery{Body: body, SentAt: time.Now()}, (delay + time.Second - 1).Truncate(time.Second))
	}
}

// stir wakes an invoker that waits.
func (l *line) stir() {
	select {
	case l.stirs <- struct{}{}:
	default:
	}
}

// receive takes the messages that an invocation gets, and returns when the next one comes if there are none now.
func (l *line) receive() (some []arrival, next time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(some) < l.batch && len(l.queued) > 0 {
		if wait := time.Until(l.queued[0].at); wait > 0 {
			return some, wait
		}
		some = append(some, heap.Pop(&l.queued).(arrival))
	}
	return some, time.Hour
}

// run invokes the function until the context is over.
func (l *line) run(ctx context.Context) {
	var invokers sync.WaitGroup
	for _, handle := range l.processes {
		invokers.Go(func() {
			for ctx.Err() == nil {
				some, next := l.receive()
				if len(some) == 0 {
					select {
					case <-ctx.Done():
					case <-l.stirs:
					case <-time.After(next):
					}
					continue
				}
				l.stir() // there may be more
				time.Sleep(invoking)
				l.invoke(ctx, handle, some)
			}
		})
	}
	invokers.Wait()
}

// invoking is what polling a queue and invoking a function take.
const invoking = 20 * time.Millisecond

// invoke handles messages; those that fail are visible again later, or dead.
func (l *line) invoke(ctx context.Context, handle func(context.Context, []events.Delivery) []error, some []arrival) {
	var deliveries []events.Delivery
	for _, a := range some {
		a.message.Redelivered = a.received > 0
		deliveries = append(deliveries, a.message)
	}
	for i, err := range handle(ctx, deliveries) {
		if err == nil || errors.Is(err, context.Canceled) {
			continue
		}
		a := some[i]
		a.received++
		l.mu.Lock()
		l.failed = append(l.failed, fmt.Errorf("delivery %d: %w", a.received, err))
		if a.received == receivesMost {
			l.dead++
		} else {
			a.at = time.Now().Add(l.visibility)
			heap.Push(&l.queued, a)
		}
		l.mu.Unlock()
	}
}

// each handles messages at once, each by itself.
func each(timeout time.Duration, handle func(context.Context, events.Delivery) error) func(context.Context, []events.Delivery) []error {
	return func(ctx context.Context, all []events.Delivery) []error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		failures := make([]error, len(all))
		var group sync.WaitGroup
		for i, d := range all {
			group.Go(func() { failures[i] = handle(ctx, d) })
		}
		group.Wait()
		return failures
	}
}

// whole handles messages as one.
func whole(timeout time.Duration, handle func(context.Context, []events.Delivery) error) func(context.Context, []events.Delivery) []error {
	return func(ctx context.Context, all []events.Delivery) []error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		failures := make([]error, len(all))
		err := handle(ctx, all)
		for i := range failures {
			failures[i] = err
		}
		return failures
	}
}
