package restore

import (
	"context"
	"flag"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// Some of what goes wrong shows in one run of a thousand; -rapid.checks still says otherwise.
func init() { _ = flag.Set("rapid.checks", "300") }

// invocation is longer than the function may run: who is suspended for longer is killed.
const invocation = time.Minute

// crowd is a world in which messages are handled at once.
type crowd struct {
	*world
	schedule killtest.Schedule
	began    []time.Time     // of the processes that run
	started  map[string]bool // messages that were delivered before
	left     bool            // the tenant has left
}

// TestInterleaved has messages of restorations handled at once, twice, late, out of order and killed, one call to the outside
// at a time in any order. Whatever comes of it, the tenant has one of the states that it was in, whole, its neighbour has what
// it had, and nothing is left.
func TestInterleaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crowd{world: newWorld(t), started: map[string]bool{}}
		c.complain = false
		c.cluster.Untidy, c.gateways.Doubled = rapid.Bool().Draw(t, "untidy"), rapid.Bool().Draw(t, "doubled")
		c.steps.Double, c.requests.Double = c.gateways.Doubled, c.gateways.Doubled
		c.rds.Late = rapid.IntRange(0, 3).Draw(t, "late instances")
		for range rapid.IntRange(20, 200).Draw(t, "moves") {
			c.move(t)
			c.now = c.now.Add(time.Second)
			c.check(t)
		}
		c.settleDown(t)
	})
}

// move does one thing that can happen.
func (c *crowd) move(t *rapid.T) {
	switch choice := rapid.IntRange(0, 99).Draw(t, "move"); {
	case choice < 5:
		c.ask(rapid.SampledFrom([]string{"database", "database and share"}).Draw(t, "parts"), then)
	case choice < 8:
		c.undo()
	case choice < 9 && !c.left:
		c.leave()
		c.left = true
	case choice < 40 && c.schedule.Running() < 4:
		c.begin()
	case choice < 45 && c.schedule.Running() > 0:
		i := rapid.IntRange(0, c.schedule.Running()-1).Draw(t, "process")
		c.schedule.Kill(i)
		c.began = slices.Delete(c.began, i, i+1)
	case choice < 60: // a quiet time, but for those who stand still
		c.run(time.Duration(rapid.IntRange(0, 50).Draw(t, "quiet"))*time.Second, c.once)
		c.end()
	case choice < 66:
		for c.schedule.Running() > 0 {
			c.schedule.Kill(0)
		}
		c.began = nil
		c.run(time.Duration(rapid.IntRange(1, 15).Draw(t, "minutes"))*time.Minute, c.once)
	case c.schedule.Running() > 0:
		i := rapid.IntRange(0, c.schedule.Running()-1).Draw(t, "process")
		for range rapid.SampledFrom([]int{1, 2, 5, 20}).Draw(t, "calls") {
			if ended, _ := c.schedule.Step(i); ended { // one that failed has its message come again
				c.began = slices.Delete(c.began, i, i+1)
				return
			}
			c.check(t)
		}
	}
	c.end()
}

// begin has a message handled, beside those that are.
func (c *crowd) begin() {
	q, own := c.steps, true
	d, ok := q.Receive(visibility)
	if !ok {
		q, own = c.requests, false
		if d, ok = q.Receive(visibility); !ok {
			return
		}
	}
	if !own {
		d.Queue = "restore"
	}
	d.Redelivered = c.started[d.ID]
	c.started[d.ID] = true
	running := c.schedule.Running()
	c.schedule.Start(func(call killtest.Call) error {
		err := c.handler(call).Message(context.Background(), d)
		if err == nil {
			q.Delete(d.ID)
		}
		return err
	})
	if c.schedule.Running() > running {
		c.began = append(c.began, c.now)
	}
}

// end kills who has been at it for too long.
func (c *crowd) end() {
	for i := len(c.began) - 1; i >= 0; i-- {
		if c.now.Sub(c.began[i]) > invocation {
			c.schedule.Kill(i)
			c.began = slices.Delete(c.began, i, i+1)
		}
	}
}

// check looks for what must never be so.
func (c *crowd) check(t *rapid.T) {
	d := c.database("acme")
	if d == nil || !d.login && !d.shut { // shut while its databases change places
		t.Fatalf("the tenant has no database, or can't log in: %+v", d)
	}
	if !slices.Equal(d.rows, wanted) && !slices.Equal(d.rows, since) {
		t.Fatalf("the tenant's database holds %v", d.rows)
	}
	if n := c.database("other"); !n.login || len(n.rows) != 3 || n.copier != "" || n.filler != "" {
		t.Fatalf("the neighbour's database is %+v", *n)
	}
	if r, err := c.ledger.Restoration(context.Background(), "acme"); err == nil {
		if r.State == pool.RestorationRestored && !c.left && !slices.Equal(d.rows, wanted) {
			t.Fatalf("%s is restored, and the tenant has %v", r.ID(), d.rows)
		}
	}
}

// settleDown lets all come to an end, and looks for what is left.
func (c *crowd) settleDown(t *rapid.T) {
	for c.schedule.Running() > 0 {
		c.schedule.Kill(0)
	}
	c.run(4*time.Hour, c.once)
	round := events.Delivery{ID: "round", Queue: queuetest.Name, Body: `{"version":"1","type":"RestoreRound"}`}
	for range 6 {
		c.must(c.once(round))
	}
	c.run(30*time.Minute, c.once)
	c.check(t)
	if d := c.database("acme"); d.shut {
		t.Fatalf("the tenant's database stays shut: %+v", *d)
	}
	r, err := c.ledger.Restoration(context.Background(), "acme")
	if err != nil {
		return // nobody asked
	}
	if !r.State.Ended() || r.Step != "" || len(r.Kept) > 0 {
		t.Fatalf("%s is %s at %q, and keeps %v: %s", r.ID(), r.State, r.Step, r.Kept, r.Error)
	}
	if left := c.outcome().clean(); len(left) > 0 {
		t.Fatalf("left: %v", left)
	}
	if names := c.databaseServer().sorted(); len(names) != 3 {
		t.Fatalf("there are databases %v", names)
	}
}
