package dynamo

import (
	"context"
	"flag"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/together"
	"headroom/internal/pool"
)

// load is signups that come to one tier.
type load struct {
	rate        float64 // a second
	lasting     time.Duration
	concurrency int // invocations at once of each of signup's queues
}

// opening is what opening a tenant's storage takes.
var opening = lognormal{900 * time.Millisecond, 2 * time.Second}

// outcome is what came of a load.
type outcome struct {
	served, waiting, refused, dead int
	failed                         []error
	slow                           *slow
	backlog                        int           // messages in the queue when the last signup came
	drained                        time.Duration // from the last signup until the last tenant was announced
	p50, p99, most                 time.Duration // from a signup's message to its announcement
	putOff                         int
}

// run runs a load in virtual time: in a bubble of synctest.
func (l load) run(t *testing.T) outcome {
	t.Helper()
	const tier pool.Tier = "standard"
	ctx, cancel := context.WithCancel(t.Context())
	s := newSlow(tier, 7)
	queue := func(name string, visibility time.Duration) *line {
		return &line{name: name, batch: 10, visibility: visibility, stirs: make(chan struct{}, 1)}
	}
	signups, steps, checks := queue("signups", 2*time.Minute), queue("steps", 2*time.Minute), queue("checks", 3*time.Minute)
	sys := &system{ready: map[string]time.Time{}}
	p := parts{
		ledger: s, policies: policiesOf(tier), now: time.Now, steps: steps.sender(), checks: checks.sender(),
		opening: func(context.Context) error { time.Sleep(s.latency(opening)); return nil },
	}
	for range l.concurrency {
		for _, q := range []*line{signups, steps} {
			p.claims = together.New(s, time.Now, awsclient.Sleep)
			q.processes = append(q.processes, each(18*time.Second, sys.process(t, p).Message))
		}
	}
	for range 2 {
		checks.processes = append(checks.processes, whole(30*time.Second, sys.tender(t, p).Messages))
	}

	var group sync.WaitGroup
	for _, q := range []*line{signups, steps, checks} {
		group.Go(func() { q.run(ctx) })
	}
	group.Go(func() {
		for ctx.Err() == nil {
			checks.send(events.Delivery{ID: "every minute"}, 0)
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
			}
		}
	})
	hosts := &supply{s: s, policies: policiesOf(tier), seq: map[pool.Kind]int{}}
	hosts.keep(t)
	group.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(time.Second)
			hosts.keep(t)
		}
	})
	time.Sleep(10 * time.Second) // the first check fills the shelf

	draw := rand.New(rand.NewPCG(3, 5))
	came := map[string]time.Time{}
	began := time.Now()
	for at := time.Duration(0); at < l.lasting; at += time.Duration(draw.ExpFloat64() / l.rate * float64(time.Second)) {
		time.Sleep(time.Until(began.Add(at)))
		d := signupOf(tier, len(came), time.Now())
		came[string(ledgertest.ID(len(came)))] = time.Now()
		signups.send(d, 0)
	}
	out := outcome{backlog: len(signups.queued), slow: s}
	ended := time.Now()
	for sys.served() < len(came) && time.Since(ended) < 2*time.Hour {
		time.Sleep(time.Second)
	}
	out.drained = time.Since(ended)
	out.served, out.waiting, out.refused, out.putOff = sys.served(), sys.waiting, sys.refused, steps.sent
	var took []time.Duration
	for id, at := range sys.ready {
		took = append(took, at.Sub(came[id]))
	}
	cancel()
	group.Wait()
	for _, q := range []*line{signups, steps, checks} {
		out.dead += q.dead
		out.failed = append(out.failed, q.failed...)
	}
	slices.Sort(took)
	out.p50, out.p99, out.most = took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	if out.served != len(came) {
		t.Errorf("%d of %d signups were served", out.served, len(came))
	}
	return out
}

// supply keeps hosts with free slots in service: what is ordered ahead.
type supply struct {
	s        *slow
	policies pool.Policies
	seq      map[pool.Kind]int
}

// keep adds hosts where few slots are in reserve.
func (h *supply) keep(t *testing.T) {
	const least = 2000
	ctx := context.Background()
	for _, p := range h.policies {
		record, err := h.s.next.Pool(ctx, p.Key())
		if err != nil {
			t.Error(err)
			return
		}
		for slots := record.Counters.Reserve; slots < least; slots += p.SlotsPerHost {
			h.seq[p.Kind]++
			host := ledgertest.Host(p.Key(), h.seq[p.Kind], p.SlotsPerHost)
			ordered := host.Clone()
			ordered.State, ordered.Slots = pool.HostOrdered, nil
			seen, err := h.s.next.Pool(ctx, p.Key())
			if err == nil {
				err = h.s.next.Order(ctx, seen, ordered)
			}
			var before pool.Host
			if err == nil {
				before, err = h.s.next.Host(ctx, host.ID)
			}
			if err == nil {
				err = h.s.next.SaveHost(ctx, before, host, pool.Neutral, time.Now())
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	}
}

func (o outcome) log(t *testing.T) {
	t.Helper()
	s, n := o.slow, float64(o.served)
	t.Logf("served %d, told to wait %d, refused %d, dead %d, failed %d, messages to itself %d", o.served, o.waiting, o.refused, o.dead, len(o.failed), o.putOff)
	t.Logf("ready after %v (median), %v (99 %%), %v at most; backlog %d, drained in %v", o.p50, o.p99, o.most, o.backlog, o.drained)
	t.Logf("most holds %d, largest %v bytes, most write units a key and second %v, collided %d, writes refused by a full key %d", s.held, s.largest, s.hottest, s.collided, s.refused)
	calls := 0
	for _, c := range s.calls {
		calls += c
	}
	t.Logf("a signup: %.2f requests, %.2f WRU; calls %v", float64(calls)/n, s.wru/n, s.calls)
	for i, err := range o.failed {
		if i < 5 {
			t.Log(err)
		}
	}
}

// check holds what came of a load against what must be so at any.
func (o outcome) check(t *testing.T) {
	t.Helper()
	const mostBytes = 16 << 10
	o.log(t)
	if o.waiting+o.refused+o.dead+len(o.failed) > 0 {
		t.Errorf("%d were told to wait, %d refused, %d died, %d deliveries failed", o.waiting, o.refused, o.dead, len(o.failed))
	}
	for what, bytes := range o.slow.largest {
		if bytes > mostBytes {
			t.Errorf("a %s has %d bytes", what, bytes)
		}
	}
	for what, units := range o.slow.hottest {
		if units > unitsMost {
			t.Errorf("a %s takes %v write units a second", what, units)
		}
	}
	if o.slow.held > pool.HeldMost {
		t.Errorf("%d hold slots", o.slow.held)
	}
}

// tierTakes is how many signups a second one tier takes, with so many invocations of each of signup's queues. The
// documents say so.
const tierTakes, tierInvocations = 100, 20

// long has the load runs last as long as the documents say: an hour, and ten minutes of overload.
var long = flag.Bool("long", false, "run the load for an hour")

func TestATierTakesItsLoad(t *testing.T) { // C1
	l := load{rate: tierTakes, lasting: time.Minute, concurrency: tierInvocations}
	if *long {
		l.lasting = time.Hour
	}
	synctest.Test(t, func(t *testing.T) {
		o := l.run(t)
		o.check(t)
		if o.slow.refused > 0 {
			t.Errorf("%d writes of the shelf were refused: its key takes no more than %d units a second", o.slow.refused, unitsMost)
		}
		if o.p50 > 2*time.Second || o.drained > time.Minute {
			t.Errorf("half are ready after %v, the last one %v after the last came", o.p50, o.drained)
		}
	})
}

func TestATierThatIsOverloadedServesAllLater(t *testing.T) { // C1
	l := load{rate: 4 * tierTakes, lasting: 15 * time.Second, concurrency: tierInvocations}
	if *long {
		l.lasting = 10 * time.Minute
	}
	synctest.Test(t, func(t *testing.T) { l.run(t).check(t) })
}
