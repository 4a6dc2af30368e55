package endtoend

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/local"
	"headroom/internal/local/disorder"
	"headroom/internal/pool"
)

// untidy has queues and rules deliver as untidily as they may, transactions conflict, and indexes lag.
func untidy(o *local.Options) {
	o.Tables = disorder.Tables{Transaction: 10 * time.Millisecond, Index: 300 * time.Millisecond}
	o.Deliveries = disorder.Options{Double: 0.4, Delay: 200 * time.Millisecond, Shuffle: true}
	o.Seed = 7
}

// TestSignupsWhileDeliveriesAreDoubledDelayedAndReordered is the whole run: a crowd that is larger
// than what is ready, with bad and repeated signups in between.
func TestSignupsWhileDeliveriesAreDoubledDelayedAndReordered(t *testing.T) {
	t.Parallel()
	const crowd = 30
	s := start(t, policies(
		pool.Policy{SlotsPerHost: 20, Floor: 2, Ceiling: 2, BufferSlots: 5},
		pool.Policy{SlotsPerHost: 10, BufferSlots: 5, Ceiling: 4},
	), untidy)
	s.awaitInService(t, 2, 1)

	var tenants []string
	bad, other := badSignups(), otherAddress(demo.Name(0))
	for i := range crowd {
		id := demo.Name(i)
		tenants = append(tenants, id)
		s.signUp(t, id, demo.Instance(i))
		if i%4 == 0 {
			s.signUp(t, id, demo.Instance(i))
		}
		if i < len(bad) {
			s.send(t, "SignupQueueUrl", bad[i].body)
		}
	}
	ready := s.awaitReady(t, tenants...)
	s.send(t, "SignupQueueUrl", other.body)
	s.rejects(t, append(bad, other))
	s.sameAnswers(t, ready, tenants[:3])
	b := s.atRest(t)

	if len(b.tenants) != crowd {
		t.Errorf("the ledger has %d tenants, %d signed up", len(b.tenants), crowd)
	}
	s.givesEachItsOwn(t, ready)
	servesInOrder(t, s, b)
	s.keepsSecrets(t, b)
	s.proves(t)
	if tally := s.Tables.Tally(); tally.Conflicts == 0 || tally.Stale == 0 {
		t.Errorf("the tables were tidy: %+v", tally)
	} else {
		t.Logf("the tables: %+v", tally)
	}
}

// sameAnswers signs tenants up again and wants the answer that they had the first time.
func (s *system) sameAnswers(t *testing.T, ready map[string]events.StorageReady, tenants []string) {
	t.Helper()
	count := func(id string) (n int) {
		for _, e := range heard[events.StorageReady](s.watch) {
			if e.TenantID == id {
				n++
			}
		}
		return n
	}
	before := map[string]int{}
	for i, id := range tenants {
		before[id] = count(id)
		s.signUp(t, id, demo.Instance(i))
	}
	for _, id := range tenants {
		s.await(t, id+" is answered again", func() bool { return count(id) > before[id] })
	}
	for _, e := range heard[events.StorageReady](s.watch) {
		e.Correlated = ready[e.TenantID].Correlated // an answer bears the id of the message that it answers
		if diff := cmp.Diff(ready[e.TenantID], e); diff != "" {
			t.Errorf("tenant %s got another answer (-first +later):\n%s", e.TenantID, diff)
		}
	}
}

// givesEachItsOwn wants no two tenants to have the same database, role, share or secret.
func (s *system) givesEachItsOwn(t *testing.T, ready map[string]events.StorageReady) {
	t.Helper()
	taken := map[string]string{}
	for id, e := range ready {
		for _, thing := range []string{
			fmt.Sprintf("database %s:%d/%s", e.Database.Host, e.Database.Port, e.Database.Name),
			"role " + e.Database.Username, "secret " + e.Database.SecretARN, "share " + e.Share.Host + e.Share.Path,
		} {
			if other, twice := taken[thing]; twice {
				t.Errorf("%s and %s have the same %s", id, other, thing)
			}
			taken[thing] = id
		}
	}
}

// servesInOrder wants those who waited to have been served in the order of the waiting list. All
// databases are of one host, whose slots are given away in the order of their numbers.
func servesInOrder(t *testing.T, s *system, b books) {
	t.Helper()
	var waited []pool.Tenant
	for _, tenant := range b.tenants {
		if tenant.Seq > 0 {
			waited = append(waited, tenant)
		}
	}
	slices.SortFunc(waited, func(a, b pool.Tenant) int { return int(a.Seq - b.Seq) })
	positions := firstOf(s.watch, func(e events.StorageWaiting) string { return e.TenantID })
	if len(waited) == 0 || len(waited) != len(positions) {
		t.Fatalf("%d tenants waited, %d were told so", len(waited), len(positions))
	}
	t.Logf("%d of %d tenants waited", len(waited), len(b.tenants))
	left := map[pool.HostID]bool{} // that the waiting list has gone past
	for i, tenant := range waited {
		if told := positions[string(tenant.ID)].Position; told < 1 {
			t.Errorf("tenant %s was told position %d", tenant.ID, told)
		}
		// Hosts are filled one after the other, slot by slot.
		if i == 0 {
			continue
		}
		before, after := waited[i-1].Database, tenant.Database
		if before.Host != after.Host {
			left[before.Host] = true
		}
		if left[after.Host] || before.Host == after.Host && before.Index >= after.Index {
			t.Errorf("tenant %s waited as number %d and got %+v; number %d got %+v", tenant.ID, tenant.Seq, after, waited[i-1].Seq, before)
		}
	}
}

// proves tries what each tenant must be able to do, and must not be able to do to its neighbour.
func (s *system) proves(t *testing.T) {
	t.Helper()
	tenants, err := s.crowd.Tenants(t.Context())
	must(t, err)
	proofs, err := demo.Prove(t.Context(), s.Deployment, tenants)
	must(t, err)
	for _, proof := range proofs {
		if proof.Err != nil {
			t.Errorf("%s: %v", proof.What, proof.Err)
		}
	}
}
