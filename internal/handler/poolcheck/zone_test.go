package poolcheck

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// TestAZoneThatFailsTakesItsGatewaysAndSignupsGoOn has ten of twenty gateways fail within a minute, those of one zone: what
// they held out is taken off the shelf, signups get what the others have, and what is missing is ordered elsewhere, with
// that said.
func TestAZoneThatFailsTakesItsGatewaysAndSignupsGoOn(t *testing.T) {
	const gone, left = "eu-west-1a", "eu-west-1b"
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.BufferSlots, p.Ceiling, p.MaxOrders = 30, 60, 9 })
	w.add(databases, 100)
	zones := map[string][]pool.HostID{}
	for n := range 20 {
		id, zone := w.add(shares, 3), []string{gone, left}[n%2]
		w.change(id, func(h pool.Host) pool.Host { h.Zone = zone; return h })
		zones[zone] = append(zones[zone], id)
	}
	w.must(w.check())
	ordered := w.pool(shares).Seq
	for n, id := range zones[gone] {
		w.now = w.now.Add(5 * time.Second)
		w.change(id, func(h pool.Host) pool.Host {
			h, err := pool.Suspect(h, "its machine fails a status check", w.now)
			w.must(err)
			return h
		})
		_, err := ledger.UpdateWard(t.Context(), w.ledger, shares, func(ward pool.Ward) (pool.Ward, error) {
			return ward.Note(pool.Patient{Host: id, Zone: gone}, w.now), nil
		})
		w.must(err)
		// Signups come between any two of them.
		tenant := pool.TenantID(fmt.Sprint("during-", n))
		w.request(tenant)
		w.claim(tenant)
		w.must(w.check())
	}
	for n := range 10 {
		tenant := pool.TenantID(fmt.Sprint("after-", n))
		w.request(tenant)
		claim, err := w.ledger.Claim(t.Context(), tier, tenant, true)
		if err != nil {
			t.Fatalf("%s: %v; %+v %+v", tenant, err, w.pool(shares).Counters, w.shelf())
		}
		if zone := w.host(claim.Share.Host).Zone; zone != left {
			t.Errorf("%s is given a share in %s", tenant, zone)
		}
		w.must(w.check())
	}
	r := w.pool(shares)
	if r.Seq == ordered {
		t.Fatalf("nothing is ordered: %+v", r.Counters)
	}
	for seq := ordered + 1; seq <= r.Seq; seq++ {
		h := w.host(shares.Host(seq))
		stack, _ := w.stacks.Stack(h.Stack.Name)
		if h.Zone != left || stack.Parameters["AvailabilityZone"] != left || !strings.Contains(h.History[0].Why, "it is placed elsewhere than in "+gone+", where hosts fell ill together") {
			t.Errorf("%s is ordered in %s, made with %v: %s", h.ID, h.Zone, stack.Parameters, h.History[0].Why)
		}
	}
	said := 0
	for _, e := range w.bus.Of("HostOrdered") {
		if strings.Contains(string(e), "elsewhere than in "+gone) {
			said++
		}
	}
	if said != r.Seq-ordered || r.Counters.Provisioning > 9 {
		t.Errorf("%d were ordered, %d are on their way, and %d were said to be elsewhere", r.Seq-ordered, r.Counters.Provisioning, said)
	}
}
