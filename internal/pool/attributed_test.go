package pool_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/pool"
)

func TestWhatAChangeAddsBearsTheIDOfWhatItCameOf(t *testing.T) {
	at := time.Date(2026, 11, 2, 17, 0, 0, 0, time.UTC)
	line := func(n int, id string) pool.Entry {
		return pool.Entry{At: at.Add(time.Duration(n) * time.Second), What: fmt.Sprintf("line %d", n), Correlation: id}
	}
	ctx := events.WithCorrelation(t.Context(), "alarm-7")
	before := []pool.Entry{line(1, "signup-1"), line(2, "")}
	after := pool.Append(pool.Append(before, line(3, "")), line(4, ""))
	want := []pool.Entry{line(1, "signup-1"), line(2, ""), line(3, "alarm-7"), line(4, "alarm-7")}
	if diff := cmp.Diff(want, pool.Attributed(ctx, before, after)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, pool.Attributed(ctx, before, before)); diff != "" {
		t.Errorf("a history without a change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]pool.Entry{line(3, "alarm-7")}, pool.Attributed(ctx, nil, []pool.Entry{line(3, "")})); diff != "" {
		t.Errorf("a new record (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(after, pool.Attributed(events.WithoutCorrelation(ctx), before, after)); diff != "" {
		t.Errorf("what came of no message (-want +got):\n%s", diff)
	}
	for n := 5; n < 5+pool.HistoryLimit; n++ { // those of before go, the oldest first, but for the very first
		after = pool.Append(after, line(n, ""))
	}
	for i, e := range pool.Attributed(ctx, before, after) {
		if want := map[bool]string{true: "signup-1", false: "alarm-7"}[i == 0]; e.Correlation != want {
			t.Errorf("%s is of %q", e.What, e.Correlation)
		}
	}
}
