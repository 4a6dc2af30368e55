package endtoend

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/local"
	"headroom/internal/pool"
)

// zonePatience is for what alarms of several minutes tell, and for what is made meanwhile.
const zonePatience = 5 * patience

// TestAZoneFailsAndComesBack has all machines and databases of a zone lose their power at once. They are not repaired into it
// one by one: what is missing is ordered in the other zone, which serves signups; that is told once; and when the zone is back
// its hosts are, with all that was acknowledged.
func TestAZoneFailsAndComesBack(t *testing.T) {
	t.Parallel()
	terms := pool.DefaultTerms
	terms.Steady = pool.Term(time.Minute) // gateways that boot again ring once more by what they say of that, and are waited for longer each time
	s := startWith(t, document{Version: "1", Terms: &terms, Pools: policies(
		pool.Policy{SlotsPerHost: 6, Floor: 2, Ceiling: 6, BufferSlots: 5, Placement: pool.Spread},
		pool.Policy{SlotsPerHost: 3, Floor: 5, Ceiling: 9, BufferSlots: 5, Placement: pool.Spread, MaxOrders: 5},
	)}, func(o *local.Options) { o.Speed = 20 }) // it takes three quarters of an hour
	s.awaitFor(t, zonePatience, "hosts are in service", func() bool { return s.inService(pool.Database) >= 2 && s.inService(pool.Share) >= 5 })
	first := s.host(t, "share-standard-1")
	zone := first.Zone
	of := func(in bool) (ids []pool.HostID) {
		for _, h := range s.hosts(t) {
			if h.State.Live() && (h.Zone == zone) == in {
				ids = append(ids, h.ID)
			}
		}
		return ids
	}
	fell := of(true)
	if len(fell) != 4 || len(of(false)) != 3 { // a database and three gateways, of two and five
		t.Fatalf("zone %s has %v, and others %v", zone, fell, of(false))
	}
	var writers []*hardWriter
	var tenants []string
	for n := range 5 { // one on each gateway
		id, from := fmt.Sprint("writer", n), fmt.Sprintf("127.30.7.%d", n+1)
		s.signUp(t, id, from)
		writers = append(writers, s.writeHard(t, from, s.awaitReady(t, id)[id].Share))
		tenants = append(tenants, id)
	}
	for _, w := range writers {
		w.some(t)
	}
	notified := s.subscribe(t, "zone")
	var messages []string
	read := func() []string { // each once: what was read comes again after a while
		messages = append(messages, notified()...)
		slices.Sort(messages)
		messages = slices.Compact(messages)
		return messages
	}

	must(t, s.FailZone(zone))
	for n := range 2 { // while nobody has noticed yet
		id := fmt.Sprint("early", n)
		s.signUp(t, id, fmt.Sprintf("127.30.8.%d", n+1))
		tenants = append(tenants, id)
	}
	s.awaitFor(t, zonePatience, "its hosts take no more tenants", func() bool {
		return !slices.ContainsFunc(fell, func(id pool.HostID) bool { return s.host(t, id).State != pool.HostCordoned })
	})
	known := s.Clock.Now()
	for n := range 3 { // from what is left, and from what comes
		id := fmt.Sprint("late", n)
		s.signUp(t, id, fmt.Sprintf("127.30.9.%d", n+1))
		tenants = append(tenants, id)
	}
	s.awaitFor(t, zonePatience, "signups go on", func() bool {
		ready := firstOf(s.watch, func(e events.StorageReady) string { return e.TenantID })
		return !slices.ContainsFunc(tenants, func(id string) bool { return ready[id].TenantID == "" })
	})
	for _, id := range tenants[5:] {
		record, err := s.ledger.Tenant(t.Context(), pool.TenantID(id))
		must(t, err)
		for _, host := range []pool.HostID{record.Database.Host, record.Share.Host} {
			if slices.Contains(fell, host) {
				t.Errorf("%s has storage on %s, in the zone that fails", id, host)
			}
		}
	}
	s.awaitFor(t, zonePatience, "other capacity is ordered, elsewhere", func() bool {
		kinds := map[pool.Kind]int{}
		for _, id := range of(false) {
			kinds[s.host(t, id).Kind]++
		}
		return kinds[pool.Database] > 1 && kinds[pool.Share] > 2
	})
	s.awaitFor(t, zonePatience, "people are told", func() bool {
		return slices.ContainsFunc(read(), func(m string) bool { return strings.Contains(m, "so that it seems to fail") })
	})
	s.awaitFor(t, 2*zonePatience, "people are told of each of its hosts", func() bool { // the last one may be told of after a pause
		said := strings.Join(read(), "\n")
		return !slices.ContainsFunc(fell, func(id pool.HostID) bool { return !strings.Contains(said, string(id)) })
	})
	for _, id := range fell {
		r, err := s.ledger.Repair(t.Context(), id)
		if err == nil && (len(r.Tried) > 0 || r.State == pool.RepairMending || r.State == pool.RepairAsking) {
			t.Errorf("%s is repaired into the zone that fails: %s, tried %v", id, r.State, r.Tried)
		}
	}
	for _, e := range heard[events.HostOrdered](s.watch) {
		if h := s.host(t, pool.HostID(e.HostID)); h.Zone == zone && e.OrderedAt.After(known) {
			t.Errorf("%s was ordered in the zone that fails, at %s: %s", e.HostID, e.OrderedAt.Time, e.Reason)
		}
	}

	said, alone, waits := 0, 0, 0
	for _, m := range read() {
		switch {
		case strings.Contains(m, "so that it seems to fail"):
			said++
		case strings.Contains(m, "takes no more tenants"):
			alone++
		case strings.Contains(m, "nothing is done about it yet"):
			waits++
		}
	}
	if said != 1 || alone > 2 || waits > 0 {
		t.Errorf("that the zone fails was told %d times, of %d hosts alone, and of %d repairs that wait: %q", said, alone, waits, messages)
	}

	must(t, s.RestoreZone(zone))
	s.awaitFor(t, 2*zonePatience, "its hosts are back", func() bool {
		return !slices.ContainsFunc(fell, func(id pool.HostID) bool { return s.host(t, id).State != pool.HostInService })
	})
	for _, w := range writers {
		w.some(t)
		w.verify(t)
	}
	// What was half opened for who signed up early rests, and is closed.
	s.awaitFor(t, 2*zonePatience, "nothing rests any more", func() bool {
		return !slices.ContainsFunc(s.hosts(t), func(h pool.Host) bool {
			return h.State == pool.HostCordoned || slices.ContainsFunc(h.Slots, func(slot pool.Slot) bool { return slot.State == pool.SlotReturned })
		})
	})
	s.keepsSecrets(t, s.atRest(t))
}

// hosts are all that there ever were, of both kinds.
func (s *system) hosts(t testing.TB) (hosts []pool.Host) {
	t.Helper()
	for _, kind := range pool.Kinds {
		key := pool.Key{Kind: kind, Tier: tier}
		record, err := s.ledger.Pool(t.Context(), key)
		must(t, err)
		for n := range record.Seq {
			hosts = append(hosts, s.host(t, key.Host(n+1)))
		}
	}
	return hosts
}
