package endtoend

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// A database host is drained by a person: its tenants move off it by themselves, one after the other, with all they had, and it
// goes once what they left on it is kept no longer.
func TestADrainedHostIsEmptied(t *testing.T) {
	t.Parallel()
	terms := leavers
	terms.Grace = pool.Term(5 * time.Minute)
	pools := policies(pool.Policy{SlotsPerHost: 2, Floor: 2, Ceiling: 4, DrainPace: 60, DrainMost: pool.Term(time.Hour)}, pool.Policy{SlotsPerHost: 2})
	s := startWith(t, document{Version: "1", Pools: pools, Terms: &terms}, byTheClock)
	s.awaitInService(t, 2, 1)
	s.signUp(t, backer, "127.30.15.1")
	s.signUp(t, asideOf, "127.30.15.2")
	both := s.awaitReady(t, backer, asideOf)
	var tenants []*traveller
	var before []string
	for _, id := range []string{backer, asideOf} {
		b := &traveller{leaving{system: s, ready: both[id], credentials: s.secret(t, both[id].Database.SecretARN)}}
		b.keepsBooks(t)
		tenants, before = append(tenants, b), append(before, b.noted(t))
	}
	on := func(id string) pool.HostID {
		tenant, err := s.ledger.Tenant(t.Context(), pool.TenantID(id))
		must(t, err)
		return tenant.Database.Host
	}
	drained := on(backer)
	var there []string
	for _, id := range []string{backer, asideOf} {
		if on(id) == drained {
			there = append(there, id)
		}
	}
	if said := s.headroom(t, "host", "drain", string(drained), "--reason", "an old machine type", "--wait"); !strings.Contains(said, "is moved off it") {
		t.Errorf("it is said that %s", said)
	}
	tenants[0].within(t, "who was on it has moved", func() bool {
		return !slices.ContainsFunc(there, func(id string) bool {
			return !slices.ContainsFunc(heard[events.AccessChanged](s.watch), func(e events.AccessChanged) bool { return e.TenantID == id && e.Database != nil })
		})
	})
	for i, b := range tenants {
		id := b.ready.TenantID
		if !slices.Contains(there, id) {
			continue
		}
		b.credentials = s.secret(t, both[id].Database.SecretARN)
		if now := on(id); now == drained || b.noted(t) != before[i] {
			t.Errorf("%s is on %s, and has %s, and had %s", id, now, b.noted(t), before[i])
		}
		if said := s.headroom(t, "tenant", "history", id); !strings.Contains(said, "drained, by ") {
			t.Errorf("its history is\n%s", said)
		}
	}
	s.headroom(t, "plan")
	tenants[0].within(t, "the host is retired", func() bool {
		return slices.ContainsFunc(heard[events.HostRetired](s.watch), func(e events.HostRetired) bool { return e.HostID == string(drained) })
	})
	if rejected := heard[events.RequestRejected](s.watch); len(rejected) > 0 {
		t.Errorf("rejected: %v", rejected)
	}
}
