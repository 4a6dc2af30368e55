package poolcheck

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/pool"
)

var errNotNow = errors.New("not now")

func TestAHostIsRecordedThenOrderedAndSaid(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor = 1 })
	w.want(databases, func(p *pool.Policy) { p.Floor = 1 })
	w.must(w.check())

	h := w.host("share-standard-1")
	stack, ok := w.stacks.Stack("headroom-dev-share-standard-1")
	if !ok || h.State != pool.HostBuilding || h.Step != pool.StepBuild || h.Stack.ID != stack.ID || !h.Due.Equal(start.Add(pool.Deadline(pool.StepBuild))) {
		t.Errorf("host %+v, stack %+v", h, stack)
	}
	if diff := cmp.Diff(map[string]string{
		"HostId": "share-standard-1", "Tier": "standard", "Slots": "10", "OrderMark": h.Mark,
		"AvailabilityZone": "eu-west-1a", "SubnetId": "subnet-a", "ImageId": firstImage,
	}, stack.Parameters); diff != "" {
		t.Errorf("parameters of the share's stack (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"headroom:stage": "dev", "headroom:host": "share-standard-1", "headroom:tier": "standard", "headroom:order": h.Mark}, stack.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	stack, _ = w.stacks.Stack("headroom-dev-database-standard-1")
	if diff := cmp.Diff(map[string]string{
		"HostId": "database-standard-1", "Tier": "standard", "VpcId": "vpc", "OrderMark": w.host("database-standard-1").Mark,
		"AvailabilityZone": "eu-west-1a",
	}, stack.Parameters); diff != "" {
		t.Errorf("parameters of the database's stack (-want +got):\n%s", diff)
	}
	var ordered events.HostOrdered
	w.must(json.Unmarshal(w.bus.Of("HostOrdered")[1], &ordered))
	if ordered.HostID != "share-standard-1" || !strings.Contains(ordered.Reason, "floor 1") || h.History[0].Why != ordered.Reason {
		t.Errorf("said %+v, recorded %+v", ordered, h.History)
	}
	w.must(w.check())
	if w.stacks.Count() != 2 {
		t.Errorf("%d stacks after a second check", w.stacks.Count())
	}
}

func TestAGatewayGetsAsManySharesAsThePolicySays(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor, p.SlotsPerHost = 1, 3 })
	w.must(w.check())
	if stack, _ := w.stacks.Stack("headroom-dev-share-standard-1"); stack.Parameters["Slots"] != "3" || w.host("share-standard-1").Size != 3 {
		t.Errorf("parameters %v", stack.Parameters)
	}
}

func TestNoMoreIsOrderedThanThePolicyAllows(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*pool.Policy)
		want   int
	}{
		"nothing is wanted":        {func(*pool.Policy) {}, 0},
		"the floor":                {func(p *pool.Policy) { p.Floor = 1 }, 1},
		"a buffer of three hosts":  {func(p *pool.Policy) { p.BufferSlots, p.MaxOrders = 21, 9 }, 3},
		"the most orders at once":  {func(p *pool.Policy) { p.BufferSlots = 50 }, 2},
		"the ceiling":              {func(p *pool.Policy) { p.BufferSlots, p.MaxOrders, p.Ceiling = 50, 9, 4 }, 4},
		"a policy that is changed": {func(p *pool.Policy) { p.BufferSlots, p.SlotsPerHost = 10, 5 }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.want(shares, test.change)
			for range 3 {
				w.must(w.check())
			}
			if got := w.pool(shares).Counters.Hosts; got != test.want || w.stacks.Count() != test.want {
				t.Errorf("%d hosts and %d stacks, want %d", got, w.stacks.Count(), test.want)
			}
		})
	}
}

func TestThoseWhoWaitCountUntilTheyHoldSomething(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.wait(pool.TenantID(rune('a' + i)))
	}
	w.must(w.check())
	if got := w.pool(shares).Counters.Provisioning; got != 1 {
		t.Fatalf("%d hosts in the making for five who wait", got)
	}
	// Its slots come in, and all five hold one: nobody needs another host.
	w = newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.BufferSlots = 5 })
	w.add(shares, 10)
	w.add(databases, 10)
	for i := range 5 {
		w.wait(pool.TenantID(rune('a' + i)))
	}
	w.must(w.check())
	for i := range 5 {
		_, err := w.ledger.Claim(t.Context(), tier, pool.TenantID(rune('a'+i)), true)
		w.must(err)
	}
	w.must(w.check())
	if got := w.pool(shares).Counters.Hosts; got != 1 {
		t.Errorf("%d hosts", got)
	}
}

func TestWaitingTenantsAreServedWhenThereIsSomethingForThem(t *testing.T) {
	serve := `{"version":"1","type":"ServeWaiting","tier":"standard"}`
	for name, test := range map[string]struct {
		prepare func(*world)
		want    []string
	}{
		"nobody waits":             {func(w *world) { w.add(databases, 2); w.add(shares, 2) }, nil},
		"there is nothing":         {func(w *world) { w.wait("a") }, nil},
		"there are databases only": {func(w *world) { w.wait("a"); w.add(databases, 2) }, nil},
		"there are pairs":          {func(w *world) { w.wait("a"); w.add(databases, 2); w.add(shares, 2) }, []string{serve}},
		"one was given a pair, and is on the list still": {func(w *world) {
			w.stocked(1)
			w.wait("a")
			w.claim("a")
		}, []string{serve}},
		"one was given a pair, and is being served": {func(w *world) {
			w.stocked(1)
			w.wait("a")
			w.wait("b")
			w.claim("a")
			w.move("a", pool.TenantRequested, nil)
		}, nil},
		"the shelf is kept for nobody": {func(w *world) {
			w.wait("a")
			w.move("a", pool.TenantReady, nil)
		}, []string{serve}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.prepare(w)
			w.must(w.check())
			if diff := cmp.Diff(test.want, sent(w.signups)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// stocked puts pairs onto the shelf.
func (w *world) stocked(pairs int) {
	w.add(databases, pairs)
	w.add(shares, pairs)
	w.must(w.check())
}

func (w *world) claim(id pool.TenantID) {
	_, err := w.ledger.Claim(w.t.Context(), tier, id, true)
	w.must(err)
}

// ready has a tenant served.
func (w *world) ready(id pool.TenantID) {
	claim, err := w.ledger.Claim(w.t.Context(), tier, id, true)
	w.must(err)
	w.move(id, pool.TenantReady, func(t *pool.Tenant) {
		t.Database, t.Share = pool.HoldingOf(claim.Database), pool.HoldingOf(claim.Share)
	})
}

func (w *world) tenant(id pool.TenantID) pool.Tenant {
	t, err := w.ledger.Tenant(w.t.Context(), id)
	w.must(err)
	return t
}

func TestAShelfThatIsOpenWhileTenantsWaitIsClosed(t *testing.T) {
	w := newWorld(t)
	w.wait("a")
	w.must(w.ledger.Unqueue(t.Context(), tier, w.shelf().Queue))
	w.must(w.check())
	if s := w.shelf(); s.Queue != s.Tail || s.Queue == 0 {
		t.Errorf("the shelf is open: %+v", s)
	}
}

func TestAPartThatFailsDoesNotStopTheOthers(t *testing.T) {
	for _, operation := range []string{"OverdueHosts", "OverdueTenants", "Waiting", "Settle", "Create", "Publish", "Order", "Pool"} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld(t)
			w.want(databases, func(p *pool.Policy) { p.Floor = 2 })
			w.want(shares, func(p *pool.Policy) { p.Floor = 1 })
			w.stocked(2)
			w.request("a")
			w.ready("a")
			w.want(shares, func(p *pool.Policy) { p.Floor = 2 })
			before := w.stacks.Count()
			w.fail[operation] = errNotNow
			err := w.check()
			if !errors.Is(err, errNotNow) {
				t.Fatalf("got %v, want the failure to be told", err)
			}
			if slices.Contains([]string{"OverdueHosts", "OverdueTenants", "Settle"}, operation) && w.stacks.Count() != before+1 {
				t.Error("no host was ordered")
			}
			delete(w.fail, operation)
			w.now = w.now.Add(pool.Deadline(pool.StepOrder))
			w.must(w.check())
			if got := w.pool(shares).Counters.Hosts; got != 2 || w.stacks.Count() != before+1 {
				t.Errorf("%d hosts, %d stacks", got, w.stacks.Count())
			}
		})
	}
	t.Run("the policies", func(t *testing.T) {
		w := newWorld(t)
		w.request("a")
		w.now = w.now.Add(pool.Deadline(pool.StepOpen))
		w.broken = errNotNow
		if err := w.check(); !errors.Is(err, errNotNow) || len(sent(w.signups)) != 1 {
			t.Errorf("got %v, sent %v", err, sent(w.signups))
		}
	})
}

func TestPoolsAreMeasured(t *testing.T) {
	w := newWorld(t)
	w.stocked(3)
	w.wait("a")
	w.metrics.Reset()
	w.must(w.check())
	for _, metric := range []string{"TenantsWaiting", "SlotsFree", "SlotsAssigned", "SlotsProvisioning", "Hosts", "HostsOfKind", "HostsInService", "HostsProvisioning", "HostsCordoned", "HostsQuarantined", "CeilingUsed", "PoolChecks"} {
		if !strings.Contains(w.metrics.String(), `"`+metric+`":`) {
			t.Errorf("%s is not measured", metric)
		}
	}
}

func TestAnOrderThatMeetsAnotherIsDecidedAgain(t *testing.T) {
	w, orders := newWorld(t), 0
	w.want(shares, func(p *pool.Policy) { p.Floor = 1 })
	w.must(w.checkBy(func(operation string, do func() error) error {
		if operation == "Order" {
			if orders++; orders == 1 { // another check is first with this number
				return pool.ErrConflict
			}
		}
		return do()
	}))
	if h := w.host("share-standard-1"); orders != 2 || h.State != pool.HostBuilding || w.stacks.Count() != 1 {
		t.Errorf("%d orders, %d stacks, host %+v", orders, w.stacks.Count(), h)
	}
}
