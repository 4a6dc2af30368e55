package operator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/ledger/memory"
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

// What a host was repaired for, and what it was cordoned for at first, may be long over: it is told as what was.
func TestWhatAHostWasOnceRepairedForIsNotToldAsIfItWereSo(t *testing.T) {
	const silent = "alarm headroom-dev-share-standard-1-silence is on"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, l := t.Context(), memory.New(memory.Options{})
	h := pool.Host{ID: "share-standard-1", Kind: pool.Share, Tier: "standard", State: pool.HostCordoned, Since: noon, Why: silent, ByHand: "jo: a drill"}
	record, err := l.Pool(ctx, h.Key())
	must(err)
	must(l.Order(ctx, record, h))
	r, _ := pool.BeginRepair(pool.Repair{}, h, silent, pool.Wanted{}, noon)
	r, err = pool.MoveRepair(r, pool.RepairPassed, "", noon.Add(5*time.Minute), "it answers")
	must(err)
	_, err = l.SaveRepair(ctx, pool.Repair{}, r)
	must(err)
	e, err := asking(l, policytest.New("/headroom/dev/policy", sized(25, 0))).ExplainHost(ctx, string(h.ID))
	must(err)
	var lines []string
	for _, a := range e.Answers {
		lines = append(append(lines, a.Question), a.Because...)
	}
	got := strings.Join(lines, "\n")
	for _, want := range []string{
		"Why was it cordoned?\nat 2026-03-02T12:00:00Z: " + silent + "\nWhy does it take no tenants?\ncordoned by hand, by jo: a drill\n",
		"its last repair, share-standard-1.1, is passed since 2026-03-02T12:05:00Z: it answers; it began at 2026-03-02T12:00:00Z, for what was so then: " + silent,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it says\n%s\nwant\n%s", got, want)
		}
	}
}
