package endtoend

import (
	"fmt"
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/pool"
)

// One correlation id goes from a signup that has to wait, through all that comes of it, to the event that says where its
// storage is.
func TestOneCorrelationIDGoesThroughASignup(t *testing.T) {
	s := start(t, policies(pool.Policy{SlotsPerHost: 2, Floor: 1, Ceiling: 1, MaxOrders: 1}, pool.Policy{SlotsPerHost: 2, Floor: 1, Ceiling: 1, MaxOrders: 1}))
	const given = "checkout:2026-11-02.17"
	id := demo.Name(0)
	mark := s.mark()
	s.send(t, "SignupQueueUrl", fmt.Sprintf(`{"version":"1","tenantId":%q,"tier":"standard","instanceIp":%q,"correlationId":%q}`, id, demo.Instance(0), given))
	s.await(t, id+" waits", func() bool {
		_, ok := firstOf(s.watch, func(e events.StorageWaiting) string { return e.TenantID })[id]
		return ok
	})
	s.checkPools(t)
	ready := s.awaitReady(t, id)[id]
	waited := firstOf(s.watch, func(e events.StorageWaiting) string { return e.TenantID })[id]
	if ready.CorrelationID != given || waited.CorrelationID != given {
		t.Errorf("the events are of %q and %q", waited.CorrelationID, ready.CorrelationID)
	}
	tenant, err := s.ledger.Tenant(t.Context(), pool.TenantID(id))
	must(t, err)
	for _, e := range tenant.History {
		if e.Correlation != given {
			t.Errorf("history: %s is of %q", e.What, e.Correlation)
		}
	}
	field := fmt.Sprintf(`"correlationId":%q`, given)
	for function, line := range map[string]string{"signup": "storage waiting", "poolcheck": "pool check asked for"} {
		s.awaitLog(t, mark, function, line, field)
	}
	s.awaitLog(t, mark, "signup", "storage ready", field)

	// The same by the operators' command: of the message, of the tenant, and of a host, whose order has an id of its own.
	for _, of := range []string{given, id} {
		if said := s.headroom(t, "logs", of); !strings.Contains(said, "storage ready") {
			t.Errorf("of %s is logged\n%s", of, said)
		}
	}
	host, err := s.ledger.Host(t.Context(), tenant.Database.Host)
	must(t, err)
	ordered := host.History[0].Correlation
	for _, e := range heard[events.HostInService](s.watch) { // whatever AWS said of its stack meanwhile
		if e.HostID == string(host.ID) && e.CorrelationID != ordered {
			t.Errorf("that %s is in service came of %q, its order of %q", e.HostID, e.CorrelationID, ordered)
		}
	}
	if said := s.headroom(t, "logs", string(host.ID)); ordered == "" || !strings.Contains(said, ordered) {
		t.Errorf("%s was ordered because of %q; of it is logged\n%s", host.ID, ordered, said)
	}
}
