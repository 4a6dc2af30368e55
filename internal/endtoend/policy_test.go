package endtoend

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/pool"
)

// heedsPolicies raises the floor of both pools by one host, which then cannot be made.
func (s *system) heedsPolicies(t *testing.T, ps pool.Policies) {
	ordered := map[pool.Key]pool.HostID{}
	ps = slices.Clone(ps)
	for i := range ps {
		key := ps[i].Key()
		record, err := s.ledger.Pool(t.Context(), key)
		must(t, err)
		ordered[key] = key.Host(record.Seq + 1)
		ps[i].Floor = record.Counters.InService + record.Counters.Provisioning + 1
		s.Stacks.FailStacks(stackOf(ordered[key]), 1, "there is no room for it")
	}
	s.setPolicies(t, ps)
	for _, p := range ps {
		if order := s.awaitOrder(t, ordered[p.Key()]); !strings.Contains(order.Reason, "floor") {
			t.Errorf("%s was ordered because %q, want the floor named", order.HostID, order.Reason)
		}
	}
	for key, id := range ordered {
		s.cleansUp(t, key, id)
	}
}

// cleansUp wants a host that cannot be made to be announced, deleted, and not ordered anew for a
// while.
func (s *system) cleansUp(t *testing.T, key pool.Key, id pool.HostID) {
	t.Helper()
	var failed events.HostFailed
	s.await(t, string(id)+" failed", func() (ok bool) {
		failed, ok = firstOf(s.watch, func(e events.HostFailed) string { return e.HostID })[string(id)]
		return ok
	})
	if !strings.HasSuffix(failed.Reason, ": there is no room for it") || failed.Failures != 1 {
		t.Errorf("%s failed %d times because %q, want once, and the resource's own reason", id, failed.Failures, failed.Reason)
	}
	s.await(t, string(id)+" is deleted", func() bool {
		h, err := s.ledger.Host(t.Context(), id)
		return err == nil && h.State == pool.HostDeleted
	})
	if stacks := s.hostStacks(t); slices.Contains(stacks, stackOf(id)) {
		t.Errorf("the stack of %s is still there: %v", id, stacks)
	}

	record, err := s.ledger.Pool(t.Context(), key)
	must(t, err)
	wait := record.BackoffUntil.Sub(s.Clock.Now())
	if !failed.NextOrderAfter.Time.Equal(record.BackoffUntil) || wait <= 0 || wait > pool.Backoff(1) {
		t.Errorf("the next order of %s is not before %v, in %v, and HostFailed says %v", key, record.BackoffUntil, wait, failed.NextOrderAfter)
	}
	mark := s.mark()
	s.checkPools(t)
	s.awaitLog(t, mark, "poolcheck", "pool planned", key.String(), "none before")
	if later, err := s.ledger.Pool(t.Context(), key); err != nil || later.Seq != record.Seq {
		t.Errorf("hosts up to number %d are ordered of %s, %v; want none after %d", later.Seq, key, err, record.Seq)
	}
}

// refusesPolicies puts a document into force that cannot be meant.
func (s *system) refusesPolicies(t *testing.T) {
	mark := s.mark()
	s.setPolicyDocument(t, map[string]any{"version": "1", "pools": []map[string]any{
		{"kind": "database", "tier": string(tier), "slotsPerHost": 10, "floor": 50, "ceiling": 1, "maxOrders": 1, "placement": "pack"},
	}})
	refusal := s.awaitLog(t, mark, "poolcheck", "policy is invalid, an older version is in force")
	for _, reason := range []string{"ceiling is 1, below 1 or the floor 50", "has no share pool"} {
		if !strings.Contains(refusal, reason) {
			t.Errorf("the log gives no reason %q: %s", reason, refusal)
		}
	}
	mark = s.mark()
	s.checkPools(t)
	for _, kind := range pool.Kinds {
		key := pool.Key{Kind: kind, Tier: tier}
		line := s.awaitLog(t, mark, "poolcheck", "pool planned", key.String())
		var plan struct{ Orders, Missing int } // it is ordered once the pool has rested after its failures
		must(t, json.Unmarshal([]byte(line), &plan))
		if plan.Orders+plan.Missing != 1 {
			t.Errorf("%d hosts of %s are missing, want the one that the old policy's floor asks for: %s", plan.Orders+plan.Missing, key, line)
		}
	}
	s.signUp(t, "steadfast", "127.30.1.2")
	s.awaitReady(t, "steadfast")
}
