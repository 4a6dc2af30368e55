package poolcheck

import (
	"encoding/json"
	"strings"
	"testing"

	"headroom/internal/pool"
)

// kinds are the hosts of each kind that the last check told of.
func (w *world) kinds() map[pool.Kind]int {
	w.t.Helper()
	told := map[pool.Kind]int{}
	for line := range strings.Lines(w.metrics.String()) {
		var metric struct {
			Kind, Tier  string
			HostsOfKind *int
		}
		w.must(json.Unmarshal([]byte(line), &metric))
		if metric.HostsOfKind != nil && metric.Tier == "" {
			told[pool.Kind(metric.Kind)] = *metric.HostsOfKind
		}
	}
	return told
}

// The tiers of a stage share the account's quotas: those too that no policy has any more.
func TestHostsAreCountedOverAllTiers(t *testing.T) {
	w := newWorld(t)
	gold := pool.Key{Kind: pool.Share, Tier: "gold"}
	for range 3 {
		w.add(shares, 1)
	}
	for range 2 {
		w.add(gold, 1)
	}
	w.add(databases, 1)
	w.metrics.Reset()
	w.must(w.check())
	if got := w.kinds(); got[pool.Share] != 5 || got[pool.Database] != 1 {
		t.Errorf("told of %v", got)
	}
}

// A total that lacks a pool would say that there is room.
func TestHostsOfAKindThatIsNotSeenAreNotTold(t *testing.T) {
	c := census{}
	for _, hosts := range []map[pool.Kind]int{{pool.Share: 4, pool.Database: 1}, {pool.Database: 1}, {pool.Share: 3, pool.Database: 0}} {
		c.count(pool.Share, hosts)
		c.count(pool.Database, hosts)
	}
	w := newWorld(t)
	w.metrics.Reset()
	w.handler(undisturbed).measureKinds(c)
	if got := w.kinds(); len(got) != 1 || got[pool.Database] != 2 {
		t.Errorf("told of %v", got)
	}
}
