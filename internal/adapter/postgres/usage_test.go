package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestUsageIsReadOfEachDatabase(t *testing.T) {
	busy, idle := newTenant(t, 5), newTenant(t, 5)
	running := busy.connect(t)
	busy.connect(t)
	must(t, busy.connect(t), "CREATE TABLE app.large AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = running.Exec(ctx, "SELECT pg_sleep(60)")
	}()
	t.Cleanup(func() { cancel(); <-ended })

	a := newAdapter(t)
	var used, unused pool.DatabaseUse
	for deadline := time.Now().Add(20 * time.Second); used.Active != 1 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		found, err := a.Usage(t.Context(), master(cluster))
		if err != nil {
			t.Fatal(err)
		}
		for name := range found {
			if name == "postgres" || name == "template1" {
				t.Errorf("%s is no tenant's", name)
			}
		}
		used, unused = found[pool.DatabaseName(busy.name)], found[pool.DatabaseName(idle.name)]
	}
	if used.Active != 1 || used.Connections != 3 || used.Bytes < unused.Bytes+5_000_000 {
		t.Errorf("the busy one uses %+v, the other %+v", used, unused)
	}
	if unused.Active != 0 || unused.Connections != 0 || unused.Bytes == 0 {
		t.Errorf("the other uses %+v", unused)
	}
}

// An instance that is full or down does not answer: whoever asks hears that at once, and not after tries.
func TestUsageIsNotTriedAgain(t *testing.T) {
	a := newAdapter(t)
	a.Sleep = func(context.Context, time.Duration) error {
		t.Error("tried again")
		return nil
	}
	full := errors.New("too many connections")
	a.dial = func(context.Context, pool.Login, string) (session, error) { return nil, full }
	if _, err := a.Usage(t.Context(), master(cluster)); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}
