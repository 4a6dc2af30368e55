package signup

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// Some of what goes wrong shows in one run of a thousand; -rapid.checks still says otherwise.
func init() { _ = flag.Set("rapid.checks", "1000") }

const crowd = 6

func name(i int) pool.TenantID { return pool.TenantID(fmt.Sprintf("t%d", i)) }
func address(i int) string     { return fmt.Sprintf("10.0.0.%d", i+1) }

// TestInterleaved has signups handled at once, twice, late, out of order and killed, one call to the
// outside at a time in any order, while tenants come and hosts too.
func TestInterleaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, undisturbed, rapid.IntRange(0, 1).Draw(t, "late"))
		s := &killtest.Schedule{}
		for range rapid.IntRange(20, 120).Draw(t, "moves") {
			w.move(t, s)
			w.now = w.now.Add(time.Second)
			w.check(t)
		}
		w.settleDown(t, s)
	})
}

// move does one thing that can happen.
func (w *world) move(t *rapid.T, s *killtest.Schedule) {
	switch choice := rapid.IntRange(0, 99).Draw(t, "move"); {
	case choice < 10:
		i := rapid.IntRange(0, crowd-1).Draw(t, "tenant")
		w.ask(string(name(i)), address(i))
	case choice < 15 && len(w.hosts) < 6:
		w.add(rapid.SampledFrom(pool.Kinds).Draw(t, "kind"), rapid.IntRange(1, 2).Draw(t, "slots"))
	case choice < 20:
		if rapid.Bool().Draw(t, "settling") {
			w.now = w.now.Add(pool.SettleAfter)
		}
		w.reconcile()
	case choice < 40 && s.Running() < 5:
		if messages := w.signups.Messages(); len(messages) > 0 {
			w.begin(s, rapid.SampledFrom(messages).Draw(t, "message"))
		}
	case choice < 45:
		w.refusals = rapid.IntRange(0, 3).Draw(t, "refusals")
	case choice < 50 && s.Running() > 0:
		s.Kill(rapid.IntRange(0, s.Running()-1).Draw(t, "process"))
	case s.Running() > 0:
		i := rapid.IntRange(0, s.Running()-1).Draw(t, "process")
		for range rapid.SampledFrom([]int{1, 2, 5, 100}).Draw(t, "calls") {
			if ended, err := s.Step(i); err != nil {
				t.Fatal(err)
			} else if ended {
				return
			}
			w.check(t)
		}
	}
}

// begin delivers a message, which stays in the queue until it has been handled: so it can be
// delivered twice, and comes again if its process is killed.
func (w *world) begin(s *killtest.Schedule, m queuetest.Message) {
	s.Start(func(call killtest.Call) error {
		refusing := func(operation string, do func() error) error {
			return call(operation, func() error {
				if w.refusals > 0 {
					w.refusals--
					return errNotNow
				}
				return do()
			})
		}
		if err := w.handler(refusing).Message(context.Background(), queuetest.Delivery(m)); err == nil {
			w.signups.Delete(m.ID)
		}
		return nil // what failed comes again
	})
}

// check says what must never be otherwise.
func (w *world) check(t *rapid.T) {
	shelf := w.shelf()
	owner := map[string]pool.TenantID{} // of slots, by kind, host and index
	own := func(id pool.TenantID, k pool.Kind, host pool.HostID, index int) {
		slot := fmt.Sprintf("%s %s/%d", k, host, index)
		if other, taken := owner[slot]; taken && other != id {
			t.Fatalf("%s is %s's and %s's", slot, other, id)
		}
		owner[slot] = id
	}
	open := map[string]string{} // who may be let in to a share, by its ID
	for i := range crowd {
		id := name(i)
		if hold, held := shelf.Held[id]; held {
			own(id, pool.Database, pool.Key{Kind: pool.Database, Tier: tier}.Host(hold.Database.Host), hold.Database.Index)
			share := w.host(pool.Key{Kind: pool.Share, Tier: tier}.Host(hold.Share.Host))
			own(id, pool.Share, share.ID, hold.Share.Index)
			open[share.Slot(hold.Share.Index).Share] += address(i) + "/32 "
		}
		if tenant, err := w.ledger.Tenant(context.Background(), id); err == nil && tenant.Named() {
			own(id, pool.Database, tenant.Database.Host, tenant.Database.Index)
			own(id, pool.Share, tenant.Share.Host, tenant.Share.Index)
			share := w.host(tenant.Share.Host)
			open[share.Slot(tenant.Share.Index).Share] += address(i) + "/32 "
		}
	}
	for _, share := range w.gateways.Shares() {
		for _, client := range share.Clients {
			if client != "192.0.2.1/32" && !strings.Contains(open[share.ID], client) {
				t.Fatalf("share %s is open to %s, and should be to %q", share.ID, client, open[share.ID])
			}
		}
	}
	w.checkOrder(t, shelf)
}

// checkOrder holds that those who wait are given slots in the order of the list, and before those
// who come later. One that drew its number first may come on the list after the next, when that is being
// served already: of two like that, either may be first.
func (w *world) checkOrder(t *rapid.T, shelf pool.Shelf) {
	waiters, err := w.ledger.Waiting(context.Background(), tier, crowd)
	w.must(err)
	w.looks++
	listed := map[pool.TenantID]int{}
	for _, waiter := range waiters {
		if listed[waiter.Tenant] = w.looks; w.listed[waiter.Tenant] > 0 {
			listed[waiter.Tenant] = w.listed[waiter.Tenant]
		}
	}
	w.listed = listed
	for i, first := range waiters {
		for _, later := range waiters[i+1:] {
			_, given := shelf.Held[first.Tenant]
			if _, served := shelf.Held[later.Tenant]; served && !given && listed[first.Tenant] <= listed[later.Tenant] {
				t.Fatalf("%s was given slots before %s, who waits longer", later.Tenant, first.Tenant)
			}
		}
	}
}

// known are the tenants that ever signed up.
func (w *world) known() []pool.TenantID {
	var known []pool.TenantID
	for i := range crowd {
		if _, err := w.ledger.Tenant(context.Background(), name(i)); err == nil {
			known = append(known, name(i))
		}
	}
	return known
}

// settleDown kills what still runs, adds what is missing, and delivers all messages: then every
// tenant that ever signed up must be served, once, and nothing be lost.
func (w *world) settleDown(t *rapid.T, s *killtest.Schedule) {
	for s.Running() > 0 {
		s.Kill(0)
	}
	w.refusals = 0
	for _, k := range pool.Kinds {
		w.add(k, crowd)
	}
	for range 4 {
		w.now = w.now.Add(time.Hour)
		w.retryOverdue(w.known()...)
		w.reconcile()
		if waiters, err := w.ledger.Waiting(context.Background(), tier, 1); err != nil || len(waiters) > 0 && w.shelf().Queue == 0 {
			t.Fatalf("the shelf is open to newcomers, and %v wait, error %v", waiters, err)
		}
		w.drain(w.once)
		w.check(t)
	}
	w.now = w.now.Add(pool.SettleAfter)
	w.reconcile()
	slots := 0 // that tenants must have
	for _, id := range w.known() {
		slots += 2
		if tenant := w.tenant(id); tenant.State != pool.TenantReady || !slices.Contains(strings.Fields(w.said("StorageReady")), string(id)) {
			t.Fatalf("tenant %s is %s, ready: %s", id, tenant.State, w.said("StorageReady"))
		}
	}
	for _, id := range w.hosts {
		for _, slot := range w.host(id).Slots {
			if slot.State == pool.SlotAssigned {
				slots--
			}
		}
	}
	if shelf := w.shelf(); slots != 0 || len(shelf.Held) != 0 || len(shelf.Withdrawn) != 0 || shelf.Queue != 0 {
		t.Fatalf("%d slots too few are assigned, or not settled: %+v", slots, shelf)
	}
}
