// Package faults simulates a whole stage in which much goes wrong, from one seed, in one process and in virtual time: all
// production handlers around the ledger in memory and the stateful fakes of the adapters, driven by queues that deliver
// twice, late and out of order. Processes are killed before any of their calls, calls are refused or lose their replies,
// stacks fail, hosts ail, and people sign up, leave and change their minds meanwhile.
//
// Between any two calls one checker holds the books and the cloud to what must always be so (invariants*.go); at the end,
// once nothing goes wrong any more and all had time to come to rest, to what must be so then (quiet*.go). What it finds is
// named by the plan that finds it again.
package faults

import (
	"fmt"
	"time"
)

// Problem is something that must not be so.
type Problem struct {
	Rule string // that is broken
	What string
	At   time.Duration // since the beginning
}

// Error words the problem.
func (p *Problem) Error() string { return fmt.Sprintf("%s, at %s: %s", p.Rule, p.At, p.What) }

// Outcome is what a run comes to.
type Outcome struct {
	Problem  *Problem       // nil: all was as it must be
	Calls    int            // that processes made
	Checks   int            // looks of the checker
	Lasted   time.Duration  // of virtual time
	Happened map[Kind]int   // how often each kind of mishap, and of people's wishes, came
	Ended    map[string]int // what became of tenants, by words
	Trace    []string       // the last that happened, if the plan is to be traced
}

const (
	// restMost bounds how long it is waited until all has come to rest. A step that is given up takes MaxTries deadlines,
	// of which the longest are hours.
	restMost = 60 * time.Hour
	// restLook is how long it is waited between two looks whether all has.
	restLook = time.Hour
)

// Run simulates a plan.
func Run(p Plan) Outcome {
	w := newWorld(p)
	defer w.end()
	w.people()
	w.runUntil(w.begun.Add(time.Duration(p.Days * float64(24*time.Hour))))
	w.calm()
	for until := w.now.Add(restMost); w.problem == nil; {
		w.runUntil(w.now.Add(restLook))
		if w.problem != nil {
			break
		}
		unrest := w.quiet()
		if unrest == nil {
			break
		}
		if !w.now.Before(until) {
			w.found(unrest.Rule, "%s", unrest.What)
		}
	}
	return w.outcome()
}
