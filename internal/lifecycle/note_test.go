package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

// single makes the machine of one tenant's record, which conflicts with another writer so many times.
func single(record *pool.Tenant, conflicts int, do lifecycle.Do[pool.Tenant]) lifecycle.Machine[pool.Tenant] {
	return lifecycle.Machine[pool.Tenant]{
		Load: func(context.Context, string) (pool.Tenant, error) { return record.Clone(), nil },
		Save: func(_ context.Context, before, after pool.Tenant, _ pool.Outcome) (pool.Tenant, error) {
			if conflicts > 0 {
				conflicts--
				record.Version++
			}
			if before.Version != record.Version {
				return before, pool.ErrConflict
			}
			after.Version++
			*record = after
			return after.Clone(), nil
		},
		Progress: func(t *pool.Tenant) *pool.Progress { return &t.Progress },
		Steps:    map[pool.Step]lifecycle.Do[pool.Tenant]{pool.StepOpen: do},
		Later:    func(context.Context, string, lifecycle.Cursor, time.Duration) error { return nil },
		Rested:   func(context.Context, pool.Tenant, bool) error { return nil },
		Moved:    func(context.Context, pool.Tenant, pool.Tenant) {},
		Time:     func(context.Context) bool { return true },
	}
}

func TestAStepsLastErrorIsKept(t *testing.T) {
	broken := errors.New("The specified gateway is out of date.")
	record := pool.Tenant{ID: "acme", Progress: pool.Started(pool.StepOpen, start)}
	saves := 0
	m := single(&record, 0, func(context.Context, pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
		return lifecycle.Next[pool.Tenant]{}, broken
	})
	save := m.Save
	m.Save = func(ctx context.Context, before, after pool.Tenant, o pool.Outcome) (pool.Tenant, error) {
		saves++
		return save(ctx, before, after, o)
	}
	for range 3 {
		if err := m.Drive(t.Context(), "acme", lifecycle.After(record.Progress)); !errors.Is(err, broken) {
			t.Fatalf("answered %v", err)
		}
	}
	if record.Error != broken.Error() || record.Count != 0 || saves != 1 {
		t.Errorf("kept %+v with %d writes", record.Progress, saves)
	}

	m = single(&record, 0, func(_ context.Context, r pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
		return lifecycle.Next[pool.Tenant]{Record: r, Wait: time.Second, Because: errors.New("it boots")}, nil
	})
	if err := m.Drive(t.Context(), "acme", lifecycle.After(record.Progress)); err != nil || record.Error != "it boots" || record.Count != 1 {
		t.Errorf("error %v, kept %+v", err, record.Progress)
	}

	m = single(&record, 0, func(_ context.Context, r pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
		r.Progress = pool.Progress{}
		return lifecycle.Next[pool.Tenant]{Record: r}, nil
	})
	if err := m.Drive(t.Context(), "acme", lifecycle.After(record.Progress)); err != nil || record.Error != "" {
		t.Errorf("error %v, kept %+v", err, record.Progress)
	}
}

// What hangs until the time of its message is over is what people will most want to know of.
func TestTheErrorOfAStepThatTookAllItsTimeIsKept(t *testing.T) {
	record := pool.Tenant{ID: "acme", Progress: pool.Started(pool.StepOpen, start)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := single(&record, 0, func(ctx context.Context, _ pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
		cancel()
		return lifecycle.Next[pool.Tenant]{}, fmt.Errorf("the database does not answer: %w", ctx.Err())
	})
	save := m.Save
	m.Save = func(ctx context.Context, before, after pool.Tenant, o pool.Outcome) (pool.Tenant, error) {
		if err := ctx.Err(); err != nil {
			return before, err
		}
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the write may take for ever")
		}
		return save(ctx, before, after, o)
	}
	if err := m.Drive(ctx, "acme", lifecycle.After(record.Progress)); !errors.Is(err, context.Canceled) {
		t.Fatalf("answered %v", err)
	}
	if record.Error != "the database does not answer: context canceled" {
		t.Errorf("kept %+v", record.Progress)
	}
}

func TestAStepIsDecidedAgainWhenTheRecordChanged(t *testing.T) {
	for _, conflicts := range []int{1, 5, 6} {
		record := pool.Tenant{ID: "acme", Progress: pool.Started(pool.StepOpen, start)}
		looks := 0
		m := single(&record, conflicts, func(_ context.Context, r pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
			looks++
			r.Progress = pool.Progress{}
			return lifecycle.Next[pool.Tenant]{Record: r}, nil
		})
		err := m.Drive(t.Context(), "acme", lifecycle.After(record.Progress))
		if conflicts < 6 && (err != nil || looks != conflicts+1 || record.Step != "") {
			t.Errorf("%d conflicts: %d looks, error %v", conflicts, looks, err)
		}
		if conflicts == 6 && !errors.Is(err, pool.ErrConflict) {
			t.Errorf("%d conflicts: error %v", conflicts, err)
		}
	}
}

func TestSomebodyElsesStepIsLeftAlone(t *testing.T) {
	record := pool.Tenant{ID: "acme", Progress: pool.Started(pool.StepReport, start)}
	m := single(&record, 0, nil)
	if err := m.Drive(t.Context(), "acme", lifecycle.After(record.Progress)); err != nil || record.Version != 0 {
		t.Errorf("error %v, record %+v", err, record)
	}
}

// A message that was delivered before is never stale, until it finds that another copy looks at the same
// step: then the other goes on.
func TestOfTwoWhoLookAtOnceOneGoesOn(t *testing.T) {
	record := pool.Tenant{ID: "acme", Progress: pool.Started(pool.StepOpen, start)}
	looks, sent := 0, 0
	m := single(&record, 0, func(_ context.Context, r pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
		looks++
		record.Count++ // the other one records its look first
		record.Version++
		return lifecycle.Next[pool.Tenant]{Record: r, Wait: time.Second}, nil
	})
	m.Later = func(context.Context, string, lifecycle.Cursor, time.Duration) error { sent++; return nil }
	from := lifecycle.After(record.Progress)
	from.Redelivered = true
	if err := m.Drive(t.Context(), "acme", from); err != nil || looks != 1 || sent != 0 || record.Count != 1 {
		t.Errorf("%d looks, %d messages, error %v, record %+v", looks, sent, err, record)
	}
}

func TestWhenTimeRunsOutAMessageGoesOn(t *testing.T) {
	record := pool.Tenant{ID: "acme", Progress: pool.Started(pool.StepOpen, start)}
	m := single(&record, 0, func(_ context.Context, r pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
		r.Progress = pool.Started(pool.StepServe, start)
		return lifecycle.Next[pool.Tenant]{Record: r}, nil
	})
	m.Steps[pool.StepServe] = func(_ context.Context, r pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
		t.Error("a step was begun that there is no time for")
		return lifecycle.Next[pool.Tenant]{Record: r, Leave: true}, nil
	}
	m.Time = func(context.Context) bool { return false }
	var sent []lifecycle.Cursor
	m.Later = func(_ context.Context, _ string, at lifecycle.Cursor, delay time.Duration) error {
		if delay != 0 {
			t.Errorf("it waits %s", delay)
		}
		sent = append(sent, at)
		return nil
	}
	if err := m.Drive(t.Context(), "acme", lifecycle.After(record.Progress)); err != nil {
		t.Fatal(err)
	}
	if want := []lifecycle.Cursor{{Step: pool.StepServe, Try: 1}}; !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
}

func TestAnInvocationTakesOnlySoManySteps(t *testing.T) {
	record := pool.Tenant{ID: "acme", Progress: pool.Started(pool.StepOpen, start)}
	looks := 0
	m := single(&record, 0, func(_ context.Context, r pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
		looks++
		return lifecycle.Next[pool.Tenant]{Record: r}, nil
	})
	var sent []lifecycle.Cursor
	m.Later = func(_ context.Context, _ string, at lifecycle.Cursor, _ time.Duration) error {
		sent = append(sent, at)
		return nil
	}
	if err := m.Drive(t.Context(), "acme", lifecycle.After(record.Progress)); err != nil {
		t.Fatal(err)
	}
	if want := []lifecycle.Cursor{lifecycle.After(record.Progress)}; looks != 30 || !slices.Equal(sent, want) {
		t.Errorf("%d looks, sent %v, want %v", looks, sent, want)
	}
}
