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
	one.Demand = one.Demand.Watched(12)
	one.Demand.Trust.Stretch = -0.125
	one = one.Noted(700, databases, at(1500+2*3600)).Noted(701, databases, at(1500+4*3600)) // some hours with counts, and some without
	plan := pool.Plan{Buffer: 27, Actions: []pool.Action{{Kind: pool.OrderHost}}, Held: []pool.HeldBack{{Limit: "ceiling", Hosts: 2}}, Reason: "because"}
	plans := map[pool.Kind]pool.Plan{pool.Database: plan, pool.Share: {Reason: "enough"}}
	one = one.Planned(plans, func(pool.Kind) time.Duration { return time.Hour }, at(1500))
	shares := one.Plans[pool.Share]
	shares.Spare = "13 free, 10 wanted now"
	one.Plans[pool.Share] = shares
	one.Off = pool.MoveOff{Host: "database-standard-1", Tenant: "t1", At: at(1500)}
	must(t, l.SaveOutlook(ctx, empty, one))
	if err := l.SaveOutlook(ctx, empty, one); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that changed: %v", err)
	}
	stored, err := l.Outlook(ctx, tier)
	must(t, err)
	one.Version = 1
	if len(stored.Demand.Trust.Looks) != 1 || len(stored.Demand.Rhythm.Past) < 4 {
		t.Errorf("stored are %d looks and %d hours", len(stored.Demand.Trust.Looks), len(stored.Demand.Rhythm.Past))
	}
	expect(t, "stored", stored, one)
	must(t, l.SaveOutlook(ctx, stored, stored.Noted(709, databases, at(1600+4*3600))))
	if err := l.SaveOutlook(ctx, stored, one); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving one that moved on: %v", err)
	}
	other, err := l.Outlook(ctx, "gold")
	must(t, err)
	expect(t, "another tier's", other, pool.Outlook{Tier: "gold"})
}
