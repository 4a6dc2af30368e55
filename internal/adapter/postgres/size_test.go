package postgres

import (
	"errors"
	"testing"

	"headroom/internal/pool"
)

func TestADatabaseIsMeasured(t *testing.T) {
	tenant := newTenant(t, 5)
	a, slot := newAdapter(t), pool.MarkedSlot{Name: tenant.name, Mark: markOf(tenant.name)}
	empty, err := a.Size(t.Context(), master(cluster), slot)
	if err != nil || empty < 1<<20 {
		t.Fatalf("an empty one takes %d bytes, %v", empty, err)
	}
	must(t, tenant.connect(t), "CREATE TABLE app.t AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
	full, err := a.Size(t.Context(), master(cluster), slot)
	if err != nil || full < empty+2_000_000 {
		t.Errorf("it takes %d bytes, and took %d: %v", full, empty, err)
	}
	if _, err := a.Size(t.Context(), master(cluster), pool.MarkedSlot{Name: tenant.name, Mark: "another/mark"}); !errors.Is(err, ErrForeign) {
		t.Errorf("one of another mark: %v", err)
	}
	if _, err := a.Size(t.Context(), master(cluster), pool.MarkedSlot{Name: "nosuchslot1", Mark: "a/b"}); !errors.Is(err, ErrNoSlot) {
		t.Errorf("one that is not there: %v", err)
	}
}
