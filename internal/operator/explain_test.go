package operator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// readied is a tenant that became ready, and of which things became since.
func readied(since ...pool.Entry) pool.Tenant {
	history := []pool.Entry{{At: noon, What: "requested", Why: "signup"}, {At: noon.Add(time.Second), What: "ready", Why: "its database and share are open"}}
	for _, e := range since {
		history = pool.Append(history, e)
	}
	return pool.Tenant{ID: "acme", State: pool.TenantReady, RequestedAt: noon, ReadyAt: noon.Add(time.Second), History: history}
}

func TestHowATenantBecameReadyIsNotWhatBecameOfItLast(t *testing.T) {
	if got := becameReady(readied(pool.Entry{At: noon.Add(time.Hour), What: "changed", Why: "its addresses"})); !strings.Contains(got, "its database and share are open") {
		t.Errorf("got %q", got)
	}
	crowded := readied()
	for range pool.HistoryLimit {
		crowded.History = pool.Append(crowded.History, pool.Entry{At: noon.Add(time.Hour), What: "changed", Why: "its addresses"})
	}
	if got := becameReady(crowded); got != "" {
		t.Errorf("of what is kept no more it says %q", got)
	}
}

func TestAPlaceIsExplainedByWhatIsKnownOfIt(t *testing.T) {
	hosts, _ := world()
	document, err := pool.ParseDocument([]byte(sized(25, 0)), pool.Bounds{DatabaseSlots: 20})
	if err != nil {
		t.Fatal(err)
	}
	moved := pool.Entry{At: noon.Add(time.Hour), What: "moved", Why: "its database is on database-standard-1, and was on database-standard-9"}
	gone := readied(moved)
	gone.MovedAt = noon.Add(time.Hour)
	holding := pool.Holding{Host: "database-standard-1", Index: 1, Generation: 2}
	then := Policy{Document: document, Since: noon.Add(-time.Hour)}
	changed, invalid := then, then
	changed.Since, invalid.Invalid = noon.Add(time.Hour), errors.New("it can't be meant")
	for name, test := range map[string]struct {
		tenant pool.Tenant
		host   pool.Host
		policy Policy
		want   string
		never  string
	}{
		"a signup":                       {readied(), hosts[0], then, "the policy's placement is pack", "moved"},
		"a policy that is another since": {readied(), hosts[0], changed, "was changed since, at 2026-03-02T13:00:00Z", "the policy's placement is"},
		"a policy that is not in force":  {readied(), hosts[0], invalid, "head of its tier's shelf", "placement"},
		"a database that moved":          {gone, hosts[0], then, "was on database-standard-9", "shelf"},
		"the share of one that moved":    {gone, hosts[1], then, "head of its tier's shelf", "moved"},
	} {
		got := strings.Join(placed(test.tenant, test.host, holding, test.policy), "; ")
		if !strings.Contains(got, test.want) || strings.Contains(got, test.never) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
