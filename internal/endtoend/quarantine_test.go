package endtoend

import (
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// givesUp has a database host get stuck: its stack is never made, and its deadline has passed as
// often as it may.
func (s *system) givesUp(t *testing.T, hosts *gate) {
	key := pool.Key{Kind: pool.Database, Tier: tier}
	notified := s.subscribe(t, "support")
	hosts.hold(stackOf("database-"))
	s.endBackoff(t, "database-standard-1")
	s.checkPools(t)
	var stuck pool.HostID
	s.await(t, "the next host is being built", func() bool { // which a pool check of the schedule may order as well
		record, err := s.ledger.Pool(t.Context(), key)
		must(t, err)
		stuck = key.Host(record.Seq)
		h, err := s.ledger.Host(t.Context(), stuck)
		return err == nil && h.Step == pool.StepBuild
	})

	h, err := s.ledger.Host(t.Context(), stuck)
	must(t, err)
	late := h.Clone()
	late.Due, late.Tries = s.Clock.Now().Add(-time.Second), pool.MaxTries
	must(t, s.ledger.SaveHost(t.Context(), h, late, pool.Neutral, s.Clock.Now()))
	s.checkPools(t)
	s.await(t, string(stuck)+" is quarantined, and that is said", func() bool {
		h, err := s.ledger.Host(t.Context(), stuck)
		return err == nil && h.State == pool.HostQuarantined && h.Step == ""
	})
	s.await(t, "it is heard that "+string(stuck)+" is given up", func() bool { return len(heard[events.HostQuarantined](s.watch)) > 0 })
	if e := heard[events.HostQuarantined](s.watch)[0]; e.HostID != string(stuck) || e.Step != string(pool.StepBuild) || e.Reason == "" {
		t.Errorf("HostQuarantined is %+v, want %s at step %s with a reason", e, stuck, pool.StepBuild)
	}
	if messages := strings.Join(notified(), "\n"); !containsAll(messages, []string{string(stuck), "quarantined"}) {
		t.Errorf("nobody was told of %s: %q", stuck, messages)
	}
	s.wasMeasured(t, []string{telemetry.StepsGivenUp.Name}, map[string]string{"Stage": stage, telemetry.Of: "host"})
	hosts.lift()
}

// endBackoff ends the backoff of a host's pool, as a host that comes into service does.
func (s *system) endBackoff(t *testing.T, id pool.HostID) {
	t.Helper()
	h, err := s.ledger.Host(t.Context(), id)
	must(t, err)
	must(t, s.ledger.SaveHost(t.Context(), h, h, pool.Succeeded, s.Clock.Now()))
}
