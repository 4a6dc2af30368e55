package faults

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

const (
	stage  = "sim"
	prefix = "headroom-sim-"
	region = "eu-west-1"
	nobody = "192.0.2.1/32"
	tier   = pool.Tier("standard")

	traceMost = 4000 // lines that are kept
)

// world is one stage with its people.
type world struct {
	Plan
	begun     time.Time
	now       time.Time
	agenda    agenda
	planned   int
	chances   map[Kind]*chance
	delays    *rand.Rand // of calls and messages
	will      *rand.Rand // of people
	marks     int
	skews     map[string]time.Duration // of functions' clocks
	parameter *parameter
	document  pool.Document
	roomy     pool.Document // that comes into force once all is calm
	limits    []limits      // that were in force, the last one last
	before    before
	putback   putback
	broken    map[string]time.Time // until when functions fail
	ambush    func(call string) bool

	ledger *memory.Ledger
	cloud  *cloud
	quotas *account
	queues []*queue
	signups, steps, checks, hostEvents, alarms,
	recovering, rounds, rdsAlarms, leaving, leavingSteps, changes, changeSteps, repairRequests, repairs, restoring, restores *queue

	running []*process
	mover   *process // that makes a call now; nil: none
	town    *town
	calmed  bool

	accounts accounts
	problem  *Problem
	calls    int
	checked  int
	wrote    bool // since the checker looked last
	lines    []string
}

func newWorld(p Plan) *world {
	w := &world{
		Plan: p, begun: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), chances: newChances(p), delays: stream(p.Seed, "delays"), will: stream(p.Seed, "will"),
		skews: map[string]time.Duration{}, broken: map[string]time.Time{}, before: newBefore(), parameter: &parameter{},
		accounts: accounts{owners: map[place]pool.TenantID{}, shares: map[string]place{}, slots: map[string]place{}, set: map[place]int{}, next: map[place]bool{}},
	}
	w.now = w.begun
	shape := stream(p.Seed, "shape")
	w.ledger = memory.New(memory.Options{
		Lag: shape.IntN(6), Contended: shape.IntN(2) == 0,
		Fault: func(string) (bool, error) { w.wrote = true; return false, nil },
	})
	first := w.drawDocument(shape)
	w.cloud = newCloud(w, shape)
	w.quotas = newAccount(w)
	w.town = newTown(w)
	w.inForce(first)
	w.wire()
	w.scheduled()
	w.goRound()
	return w
}

// drawDocument draws a policy document.
func (w *world) drawDocument(draw *rand.Rand) pool.Document {
	d := pool.Document{Version: "1", Terms: pool.DefaultTerms}
	d.Terms.Grace, d.Terms.CoolDown, d.Terms.Change = pool.Term(graceOf), pool.Term(time.Hour), pool.Term(3*time.Hour)
	narrow := draw.IntN(3) // faults of limits show where these are reached
	switch {
	case narrow == 0:
		d.MoneyCap = float64(200 + 100*draw.IntN(5))
	case draw.IntN(3) == 0:
		d.MoneyCap = float64(2000 + draw.IntN(1500))
	}
	for _, kind := range pool.Kinds {
		p := pool.Policy{
			Kind: kind, Tier: tier, SlotsPerHost: 2 + draw.IntN(4), Ceiling: 14, MaxOrders: 1 + draw.IntN(3), BufferSlots: 1 + draw.IntN(4),
			Placement: []pool.Placement{pool.Pack, pool.Spread}[draw.IntN(2)], HostPrice: 100,
		}
		if draw.IntN(2) == 0 {
			p.ServeAtOnce = 99
		}
		if pace := draw.IntN(20); kind == pool.Database && pace > 9 {
			p.DrainPace = pace
		}
		if draw.IntN(2) == 0 {
			p.KeepEmpty = pool.Term(time.Duration(1+draw.IntN(3)) * time.Hour)
		}
		if narrow == 1 {
			p.Ceiling = 1 + draw.IntN(3)
		}
		d.Pools = append(d.Pools, p)
		p.Ceiling = 100
		w.roomy.Pools = append(w.roomy.Pools, p)
	}
	w.roomy.Version, w.roomy.Terms = d.Version, d.Terms
	return d
}

// latency is how long a call or a message takes that nothing delays.
func (w *world) latency() time.Duration {
	return time.Duration(1+w.delays.IntN(40)) * time.Millisecond
}

// clock is a function's clock.
func (w *world) clock(function string) func() time.Time {
	if apart := w.chances[Apart]; apart.comes() {
		w.skews[function] = apart.between(-3*time.Second, 3*time.Second)
	}
	return func() time.Time { return w.now.Add(w.skews[function]) }
}

// mark draws what is random about an order, a signup or a slot.
func (w *world) mark() (string, error) {
	w.marks++
	return fmt.Sprintf("mk%08d", w.marks), nil
}

// scheduled asks for a pool check every minute.
func (w *world) scheduled() {
	w.send(w.checks, events.NewPoolCheck("schedule"))
	w.driven()
	w.heldByName()
	w.asksGuard()
	w.after(time.Minute, w.scheduled)
}

// send sends a message from outside of any process.
func (w *world) send(q *queue, body any) {
	if err := q.Send(lifetime{w: w, at: w.now.Add(time.Hour)}, body, 0); err != nil {
		w.found("a message can be sent", "%v", err)
	}
}

// found notes the first thing that must not be so.
func (w *world) found(rule, format string, args ...any) {
	if w.problem == nil {
		w.problem = &Problem{Rule: rule, What: fmt.Sprintf(format, args...), At: w.now.Sub(w.begun)}
		w.trace("PROBLEM %v", w.problem)
	}
}

// trace keeps what happens.
func (w *world) trace(format string, args ...any) {
	if !w.Trace {
		return
	}
	line := fmt.Sprintf("%12s ", w.now.Sub(w.begun)) + strings.TrimSpace(fmt.Sprintf(format, args...))
	if !strings.Contains(line, w.About) {
		return
	}
	if len(w.lines) == 2*traceMost {
		w.lines = slices.Delete(w.lines, 0, traceMost)
	}
	w.lines = append(w.lines, line)
}

// calm has nothing go wrong any more, and nobody want anything.
func (w *world) calm() {
	if w.problem != nil {
		return
	}
	w.calmed = true
	for _, c := range w.chances {
		c.over = true
	}
	w.skews = map[string]time.Duration{}
	clear(w.broken)
	w.ambush = nil
	w.cloud.calm()
	w.quotas.raise()
	w.town.tidyUp()
	w.trace("all is calm from here on")
}

// end ends the processes that still stand somewhere.
func (w *world) end() {
	for _, p := range w.running {
		if p.life != nil { // its function is not broken
			p.kill()
		}
	}
}

func (w *world) outcome() Outcome {
	o := Outcome{Problem: w.problem, Calls: w.calls, Checks: w.checked, Lasted: w.now.Sub(w.begun), Happened: map[Kind]int{}, Ended: w.town.ended(), Trace: w.lines}
	for _, k := range slices.Sorted(maps.Keys(w.chances)) {
		o.Happened[k] = w.chances[k].happened
	}
	return o
}
