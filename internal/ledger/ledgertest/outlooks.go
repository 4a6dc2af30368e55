package ledgertest

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/pool/forecast"
)

func outlook(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	empty, err := l.Outlook(ctx, tier)
	must(t, err)
	expect(t, "an outlook that was never written", empty, pool.Outlook{Tier: tier})

	databases := forecast.Constant(20 * time.Minute)
	one := empty.Noted(100, databases, at(0)).Noted(107, databases, at(301)).Noted(108, databases, at(1500))
	plan := pool.Plan{Buffer: 27, Actions: []pool.Action{{Kind: pool.OrderHost}}, Held: []pool.HeldBack{{Limit: "ceiling", Hosts: 2}}, Reason: "because"}
	one = one.Planned(pool.Database, plan, time.Hour, at(1500))
	one = one.Planned(pool.Share, pool.Plan{Reason: "enough"}, time.Hour, at(1500))
	must(t, l.SaveOutlook(ctx, empty, one))
	if err := l.SaveOutlook(ctx, empty, one); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that changed: %v", err)
	}
	stored, err := l.Outlook(ctx, tier)
	must(t, err)
	one.Version = 1
	expect(t, "stored", stored, one)
	must(t, l.SaveOutlook(ctx, stored, stored.Noted(109, databases, at(1600))))
	if err := l.SaveOutlook(ctx, stored, one); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that moved on: %v", err)
	}
	other, err := l.Outlook(ctx, "gold")
	must(t, err)
	expect(t, "another tier's", other, pool.Outlook{Tier: "gold"})
}
