package decommission

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/adapter/queue"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// Some of what goes wrong shows in one run of a thousand; -rapid.checks still says otherwise.
func init() { _ = flag.Set("rapid.checks", "150") }

// invocation is longer than any function may run: who is suspended for longer is killed.
const invocation = time.Minute

// crowdAddresses are where the tenants of interleaved runs live.
var crowdAddresses = map[pool.TenantID]string{"acme": "10.0.0.1", "other": "10.0.0.2", "third": "10.0.0.3"}

// crowd is a world in which several tenants come, leave, stay and come again, all at once.
type crowd struct {
	*world
	schedule killtest.Schedule
	began    []time.Time     // of the processes that run
	started  map[string]bool // messages that were delivered before
	refusals int             // calls that are refused next
}

func newCrowd(t *rapid.T) *crowd {
	c := &crowd{world: newWorld(t), started: map[string]bool{}}
	w := c.world
	w.short()
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.opensUp()
	w.complain = false
	w.furnish("acme")
	w.inspect = func(what, name string) { w.mayDestroy(t, what, name) }
	w.cluster.Untidy, w.gateways.Doubled = rapid.Bool().Draw(t, "untidy"), rapid.Bool().Draw(t, "doubled")
	w.cluster.Late, w.gateways.Late = rapid.IntRange(0, 2).Draw(t, "late tasks"), rapid.IntRange(0, 2).Draw(t, "late shares")
	w.steps.Double, w.requests.Double, w.signups.Double = w.gateways.Doubled, w.gateways.Doubled, w.gateways.Doubled
	return c
}

// TestInterleaved has messages of departures and of signups handled at once, twice, late, out of order and killed, one call
// to the outside at a time in any order.
func TestInterleaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCrowd(t)
		for range rapid.IntRange(10, 80).Draw(t, "moves") {
			c.move(t)
			c.now = c.now.Add(time.Second)
			c.check(t)
		}
		c.settleDown(t)
	})
}

// move does one thing that can happen.
func (c *crowd) move(t *rapid.T) {
	tenant := func() pool.TenantID { return rapid.SampledFrom(allTenant).Draw(t, "tenant") }
	switch choice := rapid.IntRange(0, 99).Draw(t, "move"); {
	case choice < 8:
		c.ask(string(tenant()), "")
	case choice < 14:
		c.undo(string(tenant()))
	case choice < 20:
		id := tenant()
		c.signsUp(string(id), crowdAddresses[id])
	case choice < 45 && c.schedule.Running() < 4:
		c.begin(t)
	case choice < 50 && c.schedule.Running() > 0:
		c.kill(rapid.IntRange(0, c.schedule.Running()-1).Draw(t, "process"))
	case choice < 54:
		c.refusals = rapid.IntRange(0, 3).Draw(t, "refusals")
	case choice < 60:
		c.happen()
	case choice < 64:
		c.now = c.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "minutes")) * time.Minute)
		c.end(t)
	case choice < 72: // a quiet time, but for those who stand still
		c.run(time.Duration(rapid.IntRange(0, 50).Draw(t, "quiet"))*time.Second, c.once)
		c.end(t)
	case choice < 76:
		c.killAll()
		c.run(time.Duration(rapid.IntRange(1, 30).Draw(t, "minutes"))*time.Minute, c.once)
	case c.schedule.Running() > 0:
		i := rapid.IntRange(0, c.schedule.Running()-1).Draw(t, "process")
		for range rapid.SampledFrom([]int{1, 2, 5, 20, 100}).Draw(t, "calls") {
			if ended, err := c.schedule.Step(i); err != nil {
				t.Fatal(err)
			} else if ended {
				c.began = slices.Delete(c.began, i, i+1)
				return
			}
			c.check(t)
		}
	}
}

// happen lets everything outside come one step further.
func (c *crowd) happen() {
	for _, body := range slices.Concat(c.cluster.Take(), c.gateways.Take()) {
		c.must((&queue.Sender{Client: c.steps, URL: "url"}).SendRaw(context.Background(), string(body), nil))
	}
	c.seen()
	c.lookAround()
	c.retryOverdue()
	c.reconcile()
}

// begin delivers a message, which stays in the queue until it has been handled: so it can be delivered twice, and comes
// again if its process is killed.
func (c *crowd) begin(t *rapid.T) {
	q := []*queuetest.Queue{c.requests, c.steps, c.signups}[rapid.IntRange(0, 2).Draw(t, "queue")]
	messages := slices.DeleteFunc(q.Messages(), func(m queuetest.Message) bool { return m.VisibleAt.After(c.now) && !c.started[m.ID] })
	if len(messages) == 0 {
		return
	}
	m := messages[rapid.IntRange(0, len(messages)-1).Draw(t, "message")]
	d := queuetest.Delivery(m)
	d.Redelivered = c.started[m.ID]
	c.started[m.ID] = true
	running := c.schedule.Running()
	c.schedule.Start(func(call killtest.Call) error {
		refusing := func(operation string, do func() error) error {
			return call(operation, func() error {
				if c.refusals > 0 {
					c.refusals--
					return errNotNow
				}
				return do()
			})
		}
		var err error
		switch q {
		case c.signups:
			err = c.signer(refusing).Message(context.Background(), d)
		case c.requests:
			d.Queue = "decommission"
			fallthrough
		default:
			err = c.handler(refusing).Message(context.Background(), d)
		}
		if err == nil {
			q.Delete(m.ID)
		}
		return nil // what failed comes again
	})
	if c.schedule.Running() > running {
		c.began = append(c.began, c.now)
	}
}

func (c *crowd) kill(i int) {
	c.schedule.Kill(i)
	c.began = slices.Delete(c.began, i, i+1)
}

func (c *crowd) killAll() {
	for c.schedule.Running() > 0 {
		c.kill(0)
	}
}

// end kills those whose time is over.
func (c *crowd) end(t *rapid.T) {
	for i := len(c.began) - 1; i >= 0; i-- {
		if c.now.Sub(c.began[i]) >= invocation {
			c.kill(i)
		}
	}
	c.check(t)
}

// settleDown kills what still runs, and delivers all messages: then every departure has come to its end, and nothing is
// left of those who are gone.
func (c *crowd) settleDown(t *rapid.T) {
	c.killAll()
	c.refusals = 0
	c.run(3*time.Hour, c.once)
	c.check(t)
	for _, id := range allTenant {
		for range 3 {
			if d, stuck := c.givenUp(id); stuck && pool.DepartureIDOf(c.tenant(id)) == d.ID() { // people were told, and ask again
				c.ask(string(id), "")
				c.run(3*time.Hour, c.once)
			}
		}
	}
	c.check(t)
	for _, id := range allTenant {
		all, err := c.ledger.Departures(context.Background(), id)
		c.must(err)
		for _, d := range all {
			if !d.State.Ended() && (d.Stuck == "" || d.Step != "") {
				t.Fatalf("departure %s is %s at %q, and nobody knows: %s\n%v", d.ID(), d.State, d.Step, d.Error, c.outcome())
			}
			if !d.State.Ended() && pool.DepartureIDOf(c.tenant(id)) == d.ID() {
				t.Fatalf("departure %s is %s, stuck at %q: %s", d.ID(), d.State, d.Stuck, d.Error)
			}
		}
	}
	c.nothingIsLeft(t)
	for _, id := range allTenant {
		if tenant, err := c.ledger.Tenant(context.Background(), id); err == nil && tenant.State == pool.TenantReady {
			c.isServed(t, tenant)
		}
	}
}

// isServed looks whether a tenant reaches all that it has.
func (c *crowd) isServed(t *rapid.T, tenant pool.Tenant) {
	if d := c.servers[tenant.Database.Address].databases[tenant.Database.Name]; d == nil || !d.login {
		t.Fatalf("tenant %s can't log in", tenant.ID)
	}
	for _, has := range []pool.Holding{tenant.Database, tenant.Share} {
		slot := c.slot(has.Host, has.Index)
		if held := slot.State == pool.SlotAssigned && slot.Tenant == tenant.ID || slot.State == pool.SlotOffered; !held || slot.Generation != has.Generation {
			t.Fatalf("the slot of tenant %s is %+v", tenant.ID, *slot)
		}
		for _, share := range c.gateways.Shares() {
			if share.ID == slot.Share && !slices.Equal(share.Clients, tenant.Clients()) {
				t.Fatalf("the share of tenant %s is open to %v", tenant.ID, share.Clients)
			}
		}
	}
}

// givenUp finds a departure of a tenant that was given up, or one of whose clearances was.
func (c *crowd) givenUp(id pool.TenantID) (pool.Departure, bool) {
	all, err := c.ledger.Departures(context.Background(), id)
	c.must(err)
	for _, d := range all {
		given := d.Stuck != ""
		for _, kind := range pool.Kinds {
			if one, err := c.ledger.Clearance(context.Background(), clearanceOf(d.ID(), kind)); err == nil && one.Stuck != "" {
				given = true
			}
		}
		if given && !d.State.Ended() {
			return d, true
		}
	}
	return pool.Departure{}, false
}

// nothingIsLeft looks for what is nobody's any more.
func (c *crowd) nothingIsLeft(t *rapid.T) {
	here := map[pool.TenantID]pool.Tenant{}
	stuck := false
	for _, id := range allTenant {
		if tenant, err := c.ledger.Tenant(context.Background(), id); err == nil && tenant.State != pool.TenantLeft {
			here[id] = tenant
		}
		_, given := c.givenUp(id)
		stuck = stuck || given
	}
	if stuck {
		return // it has what it has until people see to it
	}
	for id, address := range crowdAddresses {
		if want := fmt.Sprintf("%s is %s's", address, id); here[id].ID == "" && c.whose(address) != address+" is free" || here[id].ID != "" && c.whose(address) != want {
			t.Fatalf("%s, and the tenant is %s", c.whose(address), here[id].State)
		}
		for _, group := range []string{"sg-1", "sg-2"} {
			at := here[id].Share.Host
			want := at == "share-standard-1" && group == "sg-1" || at == "share-standard-2" && group == "sg-2"
			if has := slices.Contains(c.groups.Rules(group), rule(address)); has != want && here[id].State != pool.TenantRequested {
				t.Fatalf("group %s lets %s in: %v; its tenant is %s at %q", group, address, has, here[id].State, at)
			}
		}
	}
	for name := range c.secrets.Secrets() {
		if c.strayed(name, here) {
			t.Fatalf("secret %s is left; here are %v", name, here)
		}
	}
	for _, s := range c.servers {
		for name, d := range s.databases {
			if d.copier != "" {
				t.Fatalf("database %s has a copier", name)
			}
		}
	}
	if bays, err := c.ledger.Bays(context.Background()); err != nil || len(bays.Taken) > 0 {
		t.Fatalf("bays are taken: %v, %v", bays, err)
	}
	for _, task := range c.cluster.Tasks() {
		if task.Status != "STOPPED" {
			t.Fatalf("task %s is %s: %s", task.ARN, task.Status, task.Environment)
		}
	}
}
