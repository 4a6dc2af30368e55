package endtoend

import (
	"testing"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/pool"
)

// waitsInOrder signs up more tenants than there are shares, one after the other.
func (s *system) waitsInOrder(t *testing.T, hosts *gate) {
	const served, waiting = 3, 4
	hosts.hold(stackOf("share-"))
	for i := range served {
		s.signUp(t, demo.Name(i), demo.Instance(i))
		s.awaitReady(t, demo.Name(i))
	}
	s.awaitOrder(t, "share-standard-2")
	for i := range waiting {
		id := demo.Name(served + i)
		s.signUp(t, id, demo.Instance(served+i))
		var told events.StorageWaiting
		s.await(t, id+" waits", func() (ok bool) {
			told, ok = firstOf(s.watch, func(e events.StorageWaiting) string { return e.TenantID })[id]
			return ok
		})
		if told.Position != i+1 || told.Reason == "" {
			t.Errorf("%s was told position %d (%q), want %d", id, told.Position, told.Reason, i+1)
		}
	}
	hosts.lift()
	last := 0
	for i := range served + waiting {
		id := demo.Name(i)
		s.awaitReady(t, id)
		tenant, err := s.ledger.Tenant(t.Context(), pool.TenantID(id))
		must(t, err)
		// The databases are all of one host, whose slots are given away in the order of their numbers.
		if tenant.Database.Index <= last {
			t.Errorf("%s came after others and got database %d, one of them %d", id, tenant.Database.Index, last)
		}
		last = tenant.Database.Index
	}
}

// awaitOrder waits until a host is ordered, and returns the event that says why.
func (s *system) awaitOrder(t *testing.T, id pool.HostID) (order events.HostOrdered) {
	t.Helper()
	s.await(t, string(id)+" is ordered", func() (ok bool) {
		order, ok = firstOf(s.watch, func(e events.HostOrdered) string { return e.HostID })[string(id)]
		return ok
	})
	return order
}
