package ledgertest

import (
	"errors"
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

func sightings(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	empty, err := l.Sightings(ctx)
	must(t, err)
	expect(t, "never written", empty, inventory.Sightings{})
	first := inventory.Sightings{At: at(250), All: []inventory.Sighting{{Key: "orphaned volumes vol-1", First: at(100), Looks: 2, Told: true, Grave: true}, {Key: "x", First: at(200), Looks: 1}}}
	must(t, l.SaveSightings(ctx, empty, first))
	stored, err := l.Sightings(ctx)
	must(t, err)
	first.Version = 1
	expect(t, "stored", stored, first)
	if err := l.SaveSightings(ctx, empty, first); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving what is written already: %v", err)
	}
	must(t, l.SaveSightings(ctx, stored, inventory.Sightings{}))
	if err := l.SaveSightings(ctx, stored, first); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saving what has changed: %v", err)
	}
	stored, err = l.Sightings(ctx)
	must(t, err)
	expect(t, "forgotten", stored, inventory.Sightings{Version: 2})
}
