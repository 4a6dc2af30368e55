package instancechange

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// Some of what goes wrong shows in one run of a thousand; -rapid.checks still says otherwise.
func init() { _ = flag.Set("rapid.checks", "1000") }

const crowd = 3

// life is how long an invocation lives at most.
const life = 30 * time.Second

func name(i int) pool.TenantID { return pool.TenantID(fmt.Sprintf("t%d", i)) }

// addresses are what tenants wish for: they want each other's, too.
var addresses = []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"}

// run is a world in which functions are invoked at once.
type run struct {
	*world
	killtest.Schedule
	running []process // in their order
}

// process is what handles a message.
type process struct {
	began time.Time
}

// TestInterleaved has wishes and signups handled at once, twice, late, out of order and killed, one call to the outside
// at a time in any order.
func TestInterleaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &run{world: newWorld(t, rapid.IntRange(0, 1).Draw(t, "late"))}
		for range rapid.IntRange(20, 150).Draw(t, "moves") {
			r.move(t)
			r.now = r.now.Add(time.Second)
			for len(r.running) > 0 && r.now.Sub(r.running[0].began) > life {
				r.kill(0)
			}
			r.check(t)
		}
		r.settleDown(t)
	})
}

func (r *run) kill(i int) {
	r.Kill(i)
	r.running = slices.Delete(r.running, i, i+1)
}

// move does one thing that can happen.
func (r *run) move(t *rapid.T) {
	tenant := rapid.IntRange(0, crowd-1).Draw(t, "tenant")
	switch choice := rapid.IntRange(0, 99).Draw(t, "move"); {
	case choice < 6:
		r.ask(name(tenant), addresses[tenant])
	case choice < 16:
		add := rapid.SliceOfNDistinct(rapid.SampledFrom(addresses), 0, 2, rapid.ID[string]).Draw(t, "add")
		remove := rapid.SliceOfNDistinct(rapid.SampledFrom(addresses), 0, 2, rapid.ID[string]).Draw(t, "remove")
		r.wish(name(tenant), strings.Join(add, " "), strings.Join(remove, " "))
	case choice < 19:
		r.retryOverdue(r.known()...)
	case choice < 22:
		r.now = r.now.Add(time.Minute)
	case choice < 45 && r.Running() < 4:
		q := rapid.SampledFrom([]*queuetest.Queue{r.changes, r.changes, r.signups}).Draw(t, "queue")
		if messages := q.Messages(); len(messages) > 0 {
			r.begin(q, rapid.SampledFrom(messages).Draw(t, "message"))
		}
	case choice < 50:
		r.refusals = rapid.IntRange(0, 2).Draw(t, "refusals")
	case choice < 54 && r.Running() > 0:
		r.kill(rapid.IntRange(0, r.Running()-1).Draw(t, "process"))
	case r.Running() > 0:
		i := rapid.IntRange(0, r.Running()-1).Draw(t, "process")
		for range rapid.SampledFrom([]int{1, 2, 5, 100}).Draw(t, "calls") {
			ended, err := r.Step(i)
			if err != nil {
				t.Fatal(err)
			}
			if ended {
				r.running = slices.Delete(r.running, i, i+1)
				return
			}
			r.check(t)
		}
	}
}

// begin delivers a message, which stays in its queue until it has been handled: so it can be delivered twice, and comes
// again if its process is killed.
func (r *run) begin(q *queuetest.Queue, m queuetest.Message) {
	before := r.Running()
	r.Start(func(call killtest.Call) error {
		if err := r.message(q, queuetest.Delivery(m), call); err == nil {
			q.Delete(m.ID)
		}
		return nil // what failed comes again
	})
	if r.Running() > before {
		r.running = append(r.running, process{r.now})
	}
}

// known are the tenants that ever signed up.
func (r *run) known() []pool.TenantID {
	var known []pool.TenantID
	for i := range crowd {
		if _, err := r.ledger.Tenant(context.Background(), name(i)); err == nil {
			known = append(known, name(i))
		}
	}
	return known
}

// check says what must never be otherwise.
func (r *run) check(t *rapid.T) {
	owner := map[string]pool.TenantID{}
	for _, id := range r.known() {
		tenant := r.tenant(id)
		if len(tenant.Desired()) == 0 {
			t.Fatalf("nobody is let in to the share of %s: %+v", id, tenant)
		}
		for _, address := range tenant.Desired() {
			if other, taken := owner[address]; taken {
				t.Fatalf("%s is %s's and %s's", address, other, id)
			}
			owner[address] = id
		}
	}
}

// settleDown kills what still runs and delivers all messages: then everything is as the records say.
func (r *run) settleDown(t *rapid.T) {
	for r.Running() > 0 {
		r.kill(0)
	}
	r.refusals = 0
	for range 5 {
		r.drain(undisturbed)
		r.now = r.now.Add(10 * time.Minute)
		r.retryOverdue(r.known()...)
	}
	r.drain(undisturbed)
	r.check(t)
	all := map[string]bool{}
	for _, id := range r.known() {
		tenant := r.tenant(id)
		if tenant.State != pool.TenantReady || tenant.Step != "" && tenant.Step != pool.StepOverlap {
			t.Fatalf("%s is %s, at %+v: %+v", id, tenant.State, tenant.Progress, tenant.Change)
		}
		have := slices.Sorted(slices.Values(tenant.Addresses))
		if !slices.Equal(have, tenant.Reached()) {
			t.Fatalf("%s at rest: %+v", id, tenant)
		}
		if clients := slices.Sorted(slices.Values(strings.Fields(r.clients(id)))); !slices.Equal(clients, have) {
			t.Fatalf("the share of %s lets in %v, not %v", id, clients, have)
		}
		for _, address := range have {
			all[address] = true
			if err := r.ledger.Register(context.Background(), address, id); err != nil {
				t.Fatalf("%s has %s, which is not registered: %v", id, address, err)
			}
			if !slices.Contains(strings.Fields(r.rules()), address) {
				t.Fatalf("%s of %s is not let in by the gateway: %s", address, id, r.rules())
			}
		}
		if !slices.Contains(strings.Fields(r.announced()), string(id)) {
			t.Fatalf("%s was never announced", id)
		}
		if said := r.lastSaid(id); said != "" && said != strings.Join(have, ",") {
			t.Fatalf("it was said last that %s lets in %s, and it has %v", id, said, have)
		}
	}
	for _, address := range addresses {
		if free := r.free(address); free && all[address] || !free && !all[address] {
			t.Fatalf("%s is free: %v, and somebody's: %v; rejected: %q", address, r.free(address), all[address], r.rejected())
		}
	}
}

// announced are the tenants that were said to be ready.
func (r *run) announced() string {
	var all []string
	for _, detail := range r.bus.Of("StorageReady") {
		_, rest, _ := strings.Cut(string(detail), `"tenantId":"`)
		id, _, _ := strings.Cut(rest, `"`)
		all = append(all, id)
	}
	return strings.Join(all, " ")
}

// lastSaid is what was said last that a tenant's share lets in: events come again, and late, but they say since when.
func (r *run) lastSaid(id pool.TenantID) string {
	var last events.AccessChanged
	for _, detail := range r.bus.Of("AccessChanged") {
		var e events.AccessChanged
		r.must(json.Unmarshal(detail, &e))
		if e.TenantID == string(id) && !e.Since.Before(last.Since.Time) {
			last = e
		}
	}
	return strings.Join(last.Addresses, ",")
}
