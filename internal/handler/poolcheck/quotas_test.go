package poolcheck

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// read puts quotas on record as reconcile does.
func (w *world) read(quotas ...pool.Quota) {
	w.t.Helper()
	before, err := w.ledger.Quotas(w.t.Context())
	w.must(err)
	w.must(w.ledger.SaveQuotas(w.t.Context(), before, pool.Quotas{Seen: quotas, At: w.now}))
}

// Hosts of all tiers share a quota, whatever tier is planned; raised, it is so at the next check.
func TestNoHostIsOrderedBeyondAQuota(t *testing.T) {
	w := newWorld(t)
	stacks := pool.Quota{Name: "stacks", Most: 9, Else: 2, Database: 1, Share: 1, Read: w.now}
	w.read(stacks)
	gold := pool.Key{Kind: pool.Share, Tier: "gold"}
	for range 3 {
		w.add(gold, 1)
	}
	w.want(databases, func(p *pool.Policy) { p.Floor, p.MaxOrders = 0, 9 })
	w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling, p.MaxOrders = 8, 20, 9 })
	w.must(w.check())
	plan := w.outlook().Plans[pool.Share]
	if got := w.pool(shares).Seq + w.pool(databases).Seq; got != 4 || !strings.Contains(plan.Reason, "held back: quota stacks is 9") {
		t.Fatalf("%d hosts beside 3 of another tier: %s", got, plan.Reason)
	}
	stacks.Most = 20
	w.read(stacks)
	w.given = map[string]int{"stacks": 11} // the account is to keep the rest
	w.must(w.check())
	if got := w.pool(shares).Seq + w.pool(databases).Seq; got != 6 {
		t.Errorf("%d hosts once there is room for two more", got)
	}
}

func TestWhatIsUsedOfQuotasIsMeasured(t *testing.T) {
	w := newWorld(t)
	w.add(shares, 1)
	w.read(
		pool.Quota{Name: "iam-roles", Most: 100, Else: 35, Share: 10, Read: w.now},
		pool.Quota{Name: "stacks", Most: 100, Else: 80, Share: 1, Read: w.now.Add(-25 * time.Hour)},
	)
	w.must(w.check())
	for _, want := range []string{`"QuotaUsed":45`, `"Of":"iam-roles"`, `"QuotasUnknown":1`} {
		if !strings.Contains(w.metrics.String(), want) {
			t.Errorf("nothing measured has %s", want)
		}
	}
	if strings.Contains(w.metrics.String(), `"Of":"stacks"`) {
		t.Error("what was read yesterday is measured")
	}
}
