package faults

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
)

// margin is what a function leaves of its time for its answer.
const margin = 1500 * time.Millisecond

var (
	errRefused = errors.New("ThrottlingException: try again later")
	errBroken  = errors.New("Runtime.ExitError: exit status 2")
	errLost    = errors.New("read the response: connection reset by peer")
)

// process is one invocation of a function. It stands before one of its calls, which takes some time: meanwhile others move.
type process struct {
	w        *world
	queue    *queue
	batch    []*message
	life     *killtest.Process
	call     killtest.Call
	deadline time.Time
	over     bool
}

// lifetime is the context of an invocation, whose deadline is virtual.
type lifetime struct {
	context.Context
	w  *world
	at time.Time
}

func (l lifetime) Deadline() (time.Time, bool) { return l.at, true }

func (l lifetime) Err() error {
	if l.w.now.Before(l.at) {
		return nil
	}
	return context.DeadlineExceeded
}

// start has a queue's function handle messages.
func (w *world) start(q *queue, batch []*message) {
	if w.putback.cut && q != w.recovering { // it waits in its queue
		w.after(time.Minute, func() { w.start(q, batch) })
		return
	}
	p := &process{w: w, queue: q, batch: batch, deadline: w.now.Add(q.timeout)}
	deliveries := make([]events.Delivery, len(batch))
	for i, m := range batch {
		deliveries[i] = m.delivery
	}
	w.trace("%s takes %s", q.function, bodies(batch))
	ctx := lifetime{context.Background(), w, p.deadline.Add(-margin)}
	w.running = append(w.running, p)
	if w.now.Before(w.broken[q.function]) {
		w.after(w.latency(), func() { p.end(errBroken) })
		return
	}
	p.as(func() {
		p.life = killtest.Start(func(call killtest.Call) error {
			p.call = call
			return p.handle(ctx, deliveries)
		})
	})
	p.onward()
}

// handle has the function handle messages. One that panics fails, and should not have.
func (p *process) handle(ctx context.Context, all []events.Delivery) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
			p.w.found("no function panics", "%s: %v\n%s", p.queue.function, panicked, debug.Stack())
		}
	}()
	return p.queue.handle(ctx, all)
}

// as has the process move: what is called meanwhile is its call.
func (p *process) as(move func()) {
	before := p.w.mover
	p.w.mover = p
	move()
	p.w.mover = before
}

// onward plans the call that the process stands before, or ends it.
func (p *process) onward() {
	if _, running := p.life.Next(); !running {
		p.end(p.life.Err())
		return
	}
	takes := p.w.latency()
	if stalled := p.w.chances[Stalled]; stalled.comes() {
		takes = stalled.between(time.Second, 40*time.Second)
	}
	if p.w.now.Add(takes).After(p.deadline) {
		p.w.after(p.deadline.Sub(p.w.now), func() { p.die("its time is over") })
		return
	}
	p.w.after(takes, p.step)
}

func (p *process) step() {
	if p.w.chances[Killed].comes() {
		p.die("killed")
		return
	}
	p.as(p.life.Move)
	p.onward()
}

// die ends the process where it stands. The call that it has sent may take effect all the same, a little later.
func (p *process) die(why string) {
	operation, _ := p.life.Next()
	p.w.trace("%s dies before %s: %s", p.queue.function, operation, why)
	orphaned := p.w.chances[Orphaned]
	if !orphaned.comes() {
		p.kill()
		p.end(killtest.ErrKilled)
		return
	}
	p.w.after(orphaned.between(time.Millisecond, 5*time.Second), func() {
		p.w.trace("%s, which is dead, has made %s", p.queue.function, operation)
		p.as(p.life.Move)
		if _, running := p.life.Next(); running {
			p.kill()
		}
		p.forget()
	})
	p.answer(killtest.ErrKilled)
}

// kill has the process's function return, if it has not. What it still calls on its way out is a dead process's call, as all it
// ever called: made outside of the process it would take effect.
func (p *process) kill() { p.as(p.life.Kill) }

func (p *process) end(err error) {
	p.forget()
	p.answer(err)
}

func (p *process) forget() {
	p.over = true
	p.w.running = slices.DeleteFunc(p.w.running, func(q *process) bool { return q == p })
}

func (p *process) answer(err error) {
	if err != nil {
		p.w.trace("%s fails: %v", p.queue.function, err)
	}
	p.queue.answered(p.batch, err)
}

// call makes a call of the process that moves now. What is called outside of any process is just done.
func (w *world) call(operation string, do func() error) error {
	if w.mover == nil {
		return do()
	}
	return w.mover.call(operation, func() error { return w.suffer(operation, do) })
}

// suffer makes a call that may be refused, or lose its reply; and looks whether all is as it must be after it.
func (w *world) suffer(operation string, do func() error) error {
	w.calls++
	call := w.mover.queue.function + " " + operation
	w.mayCall(call)
	if w.ambush != nil && w.ambush(call) {
		w.ambush = nil
		return errRefused
	}
	if w.chances[Refused].comes() {
		w.trace("%s: %s is refused", w.mover.queue.function, operation)
		return errRefused
	}
	err := do()
	if w.Trace { // it is the one line of each call
		w.trace("%s: %s %v", w.mover.queue.function, operation, err)
	}
	w.look()
	if err == nil && w.faints(operation) {
		return errLost
	}
	if err == nil && w.chances[Lost].comes() {
		w.trace("%s: the reply of %s is lost", w.mover.queue.function, operation)
		return errLost
	}
	return err
}
