package poolcheck

import (
	"context"
	"strings"
	"testing"

	"headroom/internal/pool"
)

// Newest is the image that the world has.
func (o outside) Newest(context.Context) (id string, err error) {
	err = o.call("Newest", func() error { id = o.w.image; return nil })
	return id, err
}

func TestHostsTakeTurnsInTheZones(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.BufferSlots, p.MaxOrders = 21, 9 })
	w.want(databases, func(p *pool.Policy) { p.BufferSlots, p.MaxOrders = 11, 9 })
	w.must(w.check())
	for id, want := range map[pool.HostID][2]string{ // zone and subnet
		"share-standard-1": {"eu-west-1a", "subnet-a"}, "share-standard-2": {"eu-west-1b", "subnet-b"},
		"share-standard-3": {"eu-west-1a", "subnet-a"}, "database-standard-1": {"eu-west-1a", ""}, "database-standard-2": {"eu-west-1b", ""},
	} {
		stack, _ := w.stacks.Stack("headroom-dev-" + string(id))
		if h := w.host(id); h.Zone != want[0] || stack.Parameters["AvailabilityZone"] != want[0] || stack.Parameters["SubnetId"] != want[1] {
			t.Errorf("%s: recorded in %q, made with %v", id, h.Zone, stack.Parameters)
		}
	}
}

func TestWhereAWSChoosesTheZoneNoneIsNamed(t *testing.T) {
	w := newWorld(t)
	w.multiZone = true
	w.want(databases, func(p *pool.Policy) { p.Floor = 1 })
	w.must(w.check())
	stack, _ := w.stacks.Stack("headroom-dev-database-standard-1")
	if zone, named := stack.Parameters["AvailabilityZone"]; named || w.host("database-standard-1").Zone != "" {
		t.Errorf("placed in %q", zone)
	}
}

func TestAGatewayIsMadeFromTheImageThatWasNewestWhenItWasOrdered(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor = 1 })
	w.fail["Create"] = errNotNow
	if err := w.check(); err == nil {
		t.Fatal("no error")
	}
	delete(w.fail, "Create")
	w.image = "ami-00000000000000002"
	w.late("share-standard-1")
	w.must(w.check())
	h := w.host("share-standard-1")
	if stack, _ := w.stacks.Stack(h.Stack.Name); h.Image != firstImage || stack.Parameters["ImageId"] != firstImage {
		t.Errorf("recorded %q, made with %v", h.Image, stack.Parameters)
	}
}

func TestWithoutAnImageOnlyGatewaysAreHeldUp(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor = 1 })
	w.want(databases, func(p *pool.Policy) { p.Floor = 1 })
	w.add(shares, 0)
	w.want(shares, func(p *pool.Policy) { p.BufferSlots = 5 })
	w.wait("a")
	w.fail["Newest"] = errNotNow
	err := w.check()
	if err == nil || !strings.Contains(err.Error(), "image of share-standard-2") {
		t.Errorf("error %v", err)
	}
	if w.pool(shares).Seq != 1 || w.host("database-standard-1").State != pool.HostBuilding {
		t.Errorf("ordered %d share hosts; the database host is %s", w.pool(shares).Seq, w.host("database-standard-1").State)
	}
	if strings.Contains(w.metrics.String(), `"PoolChecks":`) {
		t.Error("a check of which a part failed counts as one that went through")
	}
	if !strings.Contains(w.metrics.String(), `"Kind":"share"`) {
		t.Errorf("the pool of shares is not measured: %s", w.metrics.String())
	}
	delete(w.fail, "Newest")
	w.must(w.check())
	if w.host("share-standard-2").State != pool.HostBuilding {
		t.Error("it is not ordered by the next check")
	}
}

func TestAnOrderForAZoneThatIsGoneIsAnError(t *testing.T) {
	w := newWorld(t)
	host := pool.Host{ID: "share-standard-1", Kind: pool.Share, Zone: "eu-west-1c"}
	if _, err := w.handler(undisturbed).parameters(host); err == nil {
		t.Error("no error")
	}
}

// asked keeps which hosts a ledger was asked for.
type asked struct {
	store
	ids []pool.HostID
}

func (a *asked) Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error) {
	a.ids = append(a.ids, ids...)
	return a.store.Hosts(ctx, ids)
}

func TestAPoolThatHadManyHostsIsPlacedInByTheLastOnes(t *testing.T) {
	w := newWorld(t)
	for seq, want := range map[int]int{1: 0, 4: 3, 5001: zonesOf} {
		h := w.handler(undisturbed)
		a := &asked{store: h.Ledger}
		h.Ledger = a
		if _, err := h.zones(t.Context(), shares, seq); err != nil {
			t.Fatal(err)
		}
		if len(a.ids) != want || want > 0 && a.ids[want-1] != shares.Host(seq-1) {
			t.Errorf("for number %d it reads %d hosts, want %d", seq, len(a.ids), want)
		}
	}
}
