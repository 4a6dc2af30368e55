package hostrepair

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// Some of what goes wrong shows in one run of hundreds; -rapid.checks still says otherwise.
func init() { _ = flag.Set("rapid.checks", "100") }

// invocation is longer than any function may run: who is suspended for longer is killed.
const invocation = 30 * time.Second

// crowd is a world in which the repairs of several hosts are driven by processes at once.
type crowd struct {
	*world
	schedule killtest.Schedule
	began    []time.Time     // of the processes that run
	started  map[string]bool // messages that were delivered before
	refusals int             // calls that are refused next
	written  int
}

// TestInterleaved has messages of repairs handled at once, twice, late, out of order and killed, one call to the outside at a
// time in any order, while machines break, come back and are ended by somebody, and people want this and that.
func TestInterleaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crowd{world: newWorld(t, 3), started: map[string]bool{}}
		c.center.late = time.Duration(rapid.IntRange(0, 6).Draw(t, "late")) * time.Second
		c.repairs.Double = rapid.Bool().Draw(t, "doubled")
		if rapid.Bool().Draw(t, "no drill") {
			c.drills = nil
		}
		for n, id := range c.ids { // in several zones, but for two
			h := c.host(id)
			other := h.Clone()
			other.Zone = fmt.Sprint("zone-", max(n, 1))
			c.must(c.ledger.SaveHost(context.Background(), h, other, pool.Neutral, c.now))
		}
		for range rapid.IntRange(20, 150).Draw(t, "moves") {
			c.move(t)
			c.now = c.now.Add(time.Second)
			c.end()
			c.holds(t)
		}
		c.settleDown(t)
	})
}

// move does one thing that can happen.
func (c *crowd) move(t *rapid.T) {
	id := rapid.SampledFrom(c.ids).Draw(t, "host")
	switch choice := rapid.IntRange(0, 99).Draw(t, "move"); {
	case choice < 8:
		if m := c.machine(id); m != nil {
			m.hangs = rapid.SampledFrom([]string{"reboot", "restart", "nothing", ""}).Draw(t, "helps")
			c.center.acts()
			if c.host(id).State == pool.HostInService {
				c.doubt(id)
			}
		}
	case choice < 10:
		if m := c.machine(id); m != nil && rapid.Bool().Draw(t, "ended") {
			c.center.terminate(m, false)
			if c.host(id).State == pool.HostInService {
				c.doubt(id)
			}
		}
	case choice < 14:
		action := rapid.SampledFrom([]string{events.RepairDrop, events.RepairReplace, events.RepairResize}).Draw(t, "wish")
		_ = c.request(id, action, map[string]string{events.RepairReplace: wanted, events.RepairResize: "m6i.2xlarge"}[action])
	case choice < 18:
		way := c.repair(id).Way
		if way == pool.WayMachine && rapid.IntRange(0, 2).Draw(t, "give the gateway up") == 0 {
			way = pool.WayGateway
		}
		_ = c.request(id, events.RepairProceed, string(way))
	case choice < 21:
		on := rapid.Bool().Draw(t, "stop")
		c.must(c.ledger.SaveStops(context.Background(), pool.Stops{Repair: on}))
	case choice < 24:
		c.refusals = rapid.IntRange(0, 3).Draw(t, "refusals")
	case choice < 27:
		c.center.failing = rapid.IntRange(0, 2).Draw(t, "updates that fail")
	case choice < 50 && c.schedule.Running() < 4:
		c.begin(t)
	case choice < 54 && c.schedule.Running() > 0:
		c.kill(rapid.IntRange(0, c.schedule.Running()-1).Draw(t, "process"))
	case choice < 58:
		c.written++
		c.center.tick()
		c.center.write(c.host(id).Access.GatewayID(), fmt.Sprint("write-", c.written))
	case choice < 60:
		c.center.tick()
		c.center.upload(c.host(id).Access.GatewayID())
	case choice < 63:
		c.check()
	case choice < 75: // a quiet time, but for those who stand still
		c.quiet(time.Duration(rapid.IntRange(0, 25).Draw(t, "seconds")) * time.Second)
	case choice < 82:
		for c.schedule.Running() > 0 {
			c.kill(0)
		}
		c.quiet(time.Duration(rapid.IntRange(1, 40).Draw(t, "minutes")) * time.Minute)
	case c.schedule.Running() > 0:
		i := rapid.IntRange(0, c.schedule.Running()-1).Draw(t, "process")
		for range rapid.SampledFrom([]int{1, 2, 5, 20}).Draw(t, "calls") {
			if ended, err := c.schedule.Step(i); err != nil {
				t.Fatal(err)
			} else if ended {
				c.began = slices.Delete(c.began, i, i+1)
				return
			}
			c.holds(t)
		}
	}
}

// quiet is a time in which messages are handled one by one.
func (c *crowd) quiet(d time.Duration) {
	until := c.now.Add(d)
	for range 100 + 2*int(d/time.Second) {
		if !c.once(until, func(d events.Delivery) error {
			c.started[d.ID] = true
			return c.handler(c.refusing(undisturbed)).Message(context.Background(), d)
		}) {
			break
		}
	}
	if until.After(c.now) {
		c.now = until
	}
}

func (c *crowd) refusing(call killtest.Call) killtest.Call {
	return func(operation string, do func() error) error {
		return call(operation, func() error {
			if c.refusals > 0 {
				c.refusals--
				return errNotNow
			}
			return do()
		})
	}
}

// begin delivers a message, which stays in the queue until it has been handled: so it can be delivered twice, and comes again
// if its process is killed.
func (c *crowd) begin(t *rapid.T) {
	messages := slices.DeleteFunc(c.repairs.Messages(), func(m queuetest.Message) bool { return m.VisibleAt.After(c.now) && !c.started[m.ID] })
	if len(messages) == 0 {
		return
	}
	m := messages[rapid.IntRange(0, len(messages)-1).Draw(t, "message")]
	d := queuetest.Delivery(m)
	d.Redelivered = c.started[m.ID]
	c.started[m.ID] = true
	running := c.schedule.Running()
	c.schedule.Start(func(call killtest.Call) error {
		if err := c.handler(c.refusing(call)).Message(context.Background(), d); err == nil {
			c.repairs.Delete(m.ID)
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

// end kills who has been suspended for longer than a function may run.
func (c *crowd) end() {
	for len(c.began) > 0 && c.now.Sub(c.began[0]) > invocation {
		c.kill(0)
	}
}

// holds says what must never be otherwise.
func (c *crowd) holds(t *rapid.T) {
	c.sound()
	inside := 0
	for _, p := range c.ward().Patients {
		if p.Inside {
			inside++
		}
	}
	if inside > 1 {
		t.Fatalf("%d hosts of three are mended at once", inside)
	}
}

// settleDown kills what still runs and delivers all messages: then every host serves, or somebody is asked about it; and once
// the word is given, every one serves.
func (c *crowd) settleDown(t *rapid.T) {
	for c.schedule.Running() > 0 {
		c.kill(0)
	}
	c.refusals, c.center.failing, c.drills = 0, 0, drilled
	c.must(c.ledger.SaveStops(context.Background(), pool.Stops{}))
	for n := range 12 {
		c.quiet(8 * time.Hour)
		c.holds(t)
		for _, id := range c.ids { // a new machine that is good for nothing is ended by a person, and another made by word
			if r := c.repair(id); n > 2 && r.State == pool.RepairAsking && r.Next != "" && c.machine(id) != nil {
				c.center.terminate(c.machine(id), false)
				c.now = c.now.Add(time.Minute)
				c.center.tick()
			}
		}
		if c.wellAgain(t) {
			break
		}
	}
	for _, id := range c.ids {
		c.inService(id)
	}
}

// wellAgain reports whether every host serves, and gives the word for what is asked for.
func (c *crowd) wellAgain(t *rapid.T) bool {
	well := true
	for _, p := range c.ward().Patients {
		if r := c.repair(p.Host); r.Number == 0 || r.State.Ended() || r.State == pool.RepairAsking {
			t.Fatalf("%s holds a place, and its repair is %q", p.Host, r.State)
		}
	}
	for _, id := range c.ids {
		h, r := c.host(id), c.repair(id)
		if h.Repair != 0 && (h.Repair != r.Number || r.State.Ended()) {
			t.Fatalf("%s is held by repair %d, and repair %s is %s", id, h.Repair, r.ID(), r.State)
		}
		if r.State == pool.RepairAsking {
			c.must(c.request(id, events.RepairProceed, string(r.Way)))
		}
		if h.State == pool.HostInService && !c.serves(id) { // signups notice
			c.doubt(id)
		}
		well = well && c.host(id).State == pool.HostInService
	}
	return well
}
