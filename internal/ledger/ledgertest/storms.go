package ledgertest

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func storms(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	empty, err := l.Storm(ctx)
	must(t, err)
	expect(t, "never written", empty, pool.Storm{})
	first := pool.Storm{
		Fallen: []pool.Fallen{
			{Host: "share-standard-1", Zone: "eu-west-1a", At: at(100), Down: true, Why: "it does not answer", Tenants: 3, Told: true, BackAt: at(300), Home: true},
			{Host: "database-standard-1", At: at(101), Alone: true},
		},
		ToldAt: at(200), Telling: at(250), Zones: map[string]time.Time{"eu-west-1a": at(200)},
	}
	must(t, l.SaveStorm(ctx, empty, first))
	stored, err := l.Storm(ctx)
	must(t, err)
	first.Version = 1
	expect(t, "stored", stored, first)
	if err := l.SaveStorm(ctx, empty, first); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving what is written already: %v", err)
	}
	must(t, l.SaveStorm(ctx, stored, pool.Storm{}))
	if err := l.SaveStorm(ctx, stored, first); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving what has changed: %v", err)
	}
	stored, err = l.Storm(ctx)
	must(t, err)
	expect(t, "over", stored, pool.Storm{Version: 2})
}
