package ledgertest

import (
	"errors"
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func quotas(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	never, err := l.Quotas(ctx)
	must(t, err)
	expect(t, "quotas that were never read", never, pool.Quotas{})
	first := pool.Quotas{Seen: []pool.Quota{
		{Name: "rds-instances", Most: 40, Else: 2, Database: 1, Read: at(1)},
		{Name: "alarms", Most: 2000, Assumed: true, Else: -2, Database: 1, Share: 1, Why: "AccessDenied"},
	}, At: at(1)}
	must(t, l.SaveQuotas(ctx, never, first))
	if err := l.SaveQuotas(ctx, never, first); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("one who read them before saves them: %v", err)
	}
	stored, err := l.Quotas(ctx)
	must(t, err)
	first.Version = 1
	expect(t, "quotas", stored, first)
	must(t, l.SaveQuotas(ctx, stored, pool.Quotas{At: at(2)}))
	stored, err = l.Quotas(ctx)
	must(t, err)
	expect(t, "quotas since", stored, pool.Quotas{At: at(2), Version: 2})
}
