package sim

import (
	"context"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

// Planner decides how many hosts of a kind are ordered.
type Planner struct {
	hosts     func(o pool.Observed, p pool.Policy, now time.Time) int // from what is observed
	forecasts bool                                                    // it looks at the demand, which so has to be noted
}

// Decide is the production planner.
func Decide() Planner {
	return Planner{forecasts: true, hosts: func(o pool.Observed, p pool.Policy, now time.Time) int {
		return len(pool.Decide(o, p, nil, now).Actions)
	}}
}

// Sketch simulates a stage by its counts alone: no functions, no shelf, no records of hosts and tenants. It is many times
// faster than Run, and comes to nearly the same under the same plans (its test says how nearly): so it is what other
// planners are tried by. Hosts don't fail, and none is retired.
func Sketch(ctx context.Context, o Options, plan Planner) (Result, error) {
	start := o.Demand.First().Add(-warmUp)
	s := &sketch{o: o, plan: plan, line: &timeline{now: start}, kinds: map[pool.Kind]*stock{}}
	s.measured = newMeasure(&world{Options: o, line: s.line})
	for _, k := range pool.Kinds {
		s.kinds[k] = &stock{record: pool.Record{Key: pool.Key{Kind: k, Tier: o.Tier}}}
	}
	arrivals := o.Demand.arrivals(o.Seed)
	s.line.at(start, s.scheduled)
	for n, at := range arrivals {
		s.line.at(at, func() { s.come(n) })
	}
	end := o.Demand.End()
	s.line.run(end)
	s.look()
	looks := len(s.measured.looks)
	for until := end.Add(drain); ctx.Err() == nil && s.line.now.Before(until) && len(s.queue) > 0; {
		s.line.run(s.line.now.Add(checkEvery))
	}
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	s.measured.looks = s.measured.looks[:looks]
	return s.measured.sums(end)
}

// stock is what there is of a kind.
type stock struct {
	record pool.Record
	used   int // slots that tenants have
}

func (s *stock) free() int { return s.record.Counters.Slots - s.used }

type sketch struct {
	o        Options
	plan     Planner
	line     *timeline
	measured *measure
	kinds    map[pool.Kind]*stock
	demand   forecast.Demand
	came     int64
	queue    []int // tenants that wait
	asked    bool  // a check is under way
}

// scheduled is the check of every minute.
func (s *sketch) scheduled() {
	s.look()
	s.ask()
	s.line.after(checkEvery, s.scheduled)
}

// ask has the pools checked.
func (s *sketch) ask() {
	if !s.asked {
		s.asked = true
		s.line.after(checkTakes, s.check)
	}
}

// come is a tenant that signs up.
func (s *sketch) come(n int) {
	s.measured.came(tenantID(n), s.line.now)
	s.came++
	s.queue = append(s.queue, n)
	s.serve()
	if len(s.queue) > 0 || s.pairs() < 5 { // signup asks for a check when a claim leaves next to nothing
		s.ask()
	}
}

func (s *sketch) pairs() int { return min(s.kinds[pool.Database].free(), s.kinds[pool.Share].free()) }

// serve serves who waits, in order.
func (s *sketch) serve() {
	for len(s.queue) > 0 && s.pairs() > 0 {
		s.measured.served(tenantID(s.queue[0]), s.line.now)
		s.queue = s.queue[1:]
		for _, k := range s.kinds {
			k.used++
		}
	}
}

// check plans both pools.
func (s *sketch) check() {
	s.asked = false
	now := s.line.now
	ps := s.o.Policy(now).Pools
	if p, ok := ps.Of(s.kinds[pool.Database].record.Key); ok && s.plan.forecasts {
		s.demand = s.demand.Noted(s.came, now, s.kinds[pool.Database].record.LeadTimes(p, now).Mean()).Watched(s.pairs())
	}
	for _, kind := range pool.Kinds {
		k := s.kinds[kind]
		p, ok := ps.Of(k.record.Key)
		if !ok {
			continue
		}
		c := &k.record.Counters
		c.Reserve, c.Used = k.free(), k.used
		for range s.plan.hosts(pool.Observed{Record: k.record, Waiting: len(s.queue), Demand: s.demand, Pairs: s.pairs()}, p, now) {
			h := pool.Order(k.record, p, prefix, "m", now, "")
			k.record = k.record.Ordered(h)
			c.Hosts, c.Provisioning, c.ProvisioningSlots = c.Hosts+1, c.Provisioning+1, c.ProvisioningSlots+h.Size
			s.measured.ordered(kind)
			fate := fateOf(s.o.Seed, s.o.Leads[kind], 0, kind, k.record.Seq)
			s.line.after(fate.takes, func() {
				c.Provisioning, c.ProvisioningSlots = c.Provisioning-1, c.ProvisioningSlots-h.Size
				c.InService, c.Slots = c.InService+1, c.Slots+h.Size
				k.record = k.record.Note(pool.Succeeded, h, s.line.now)
				s.serve()
			})
		}
	}
}

// look notes how things stand.
func (s *sketch) look() {
	l := Look{At: s.line.now, Waiting: len(s.queue)}
	for kind, k := range s.kinds {
		*l.Free.of(kind), *l.Hosts.of(kind), *l.Ready.of(kind) = k.free(), k.record.Counters.Hosts, k.record.Counters.InService
	}
	s.measured.looks = append(s.measured.looks, l)
	if s.plan.forecasts {
		s.measured.forecast(l, s.demand)
	}
}
