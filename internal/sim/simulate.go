// Package sim replays signups through the production code in virtual time: the functions poolcheck, signup, stackcomplete
// and gatewayalarm with their shelf, step machine and announcer, as they are deployed, around the ledger in memory. One
// process, one goroutine, one seed: the same run comes to the same.
//
// What is made up is what AWS does. Hosts come after lead times that are drawn, or fail; queues deliver each message once,
// at once; whatever else is called works and takes no time. So what is measured is what the pools' policies and plans do,
// and not how fast a service answers.
package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"headroom/internal/pool"
)

// Options say what is simulated.
type Options struct {
	Demand Demand
	Tier   pool.Tier                         // that all sign up for
	Policy func(now time.Time) pool.Document // in force at a time
	Leads  Leads
	Fail   float64   // share of the hosts that fail, 0 to 1
	Seed   uint64    // of all that is drawn
	From   time.Time // what is before it is simulated, and not measured; zero: all is measured

	emf    io.Writer // what the pool check measures, as lines of EMF; nil: nothing
	copies bool      // the ledger copies what goes in and comes out, as a table does
}

const (
	// warmUp is how long before the first signup a stage is set up: its first hosts are there by then.
	warmUp = 6 * time.Hour
	// drain is how long it is waited for those who are not served when the series ends.
	drain = 24 * time.Hour
)

// Run simulates one stage.
func Run(ctx context.Context, o Options) (Result, error) {
	start := o.Demand.First().Add(-warmUp)
	w, err := newWorld(o, start)
	if err != nil {
		return Result{}, err
	}
	arrivals := o.Demand.arrivals(o.Seed)
	w.line.at(start, w.scheduled)
	var come func(n int)
	come = func(n int) {
		w.signUp(n)
		if n+1 < len(arrivals) {
			w.line.at(arrivals[n+1], func() { come(n + 1) })
		}
	}
	w.line.at(arrivals[0], func() { come(0) })
	end := o.Demand.End()
	for at := start; at.Before(end) && ctx.Err() == nil; {
		at = earliest(end, at.Add(24*time.Hour)) // it can be interrupted
		w.line.run(at)
	}
	w.measured.look()
	looks := len(w.measured.looks)
	for until := end.Add(drain); w.err == nil && ctx.Err() == nil && w.line.now.Before(until) && w.measured.waiting() > 0; {
		w.line.run(w.line.now.Add(checkEvery))
	}
	if err := errors.Join(ctx.Err(), w.err); err != nil {
		return Result{}, err
	}
	w.measured.looks = w.measured.looks[:looks]
	r, err := w.measured.result(end)
	if err != nil {
		return Result{}, fmt.Errorf("measure: %w", err)
	}
	return r, nil
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
