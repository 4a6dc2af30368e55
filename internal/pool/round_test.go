package pool

import (
	"testing"
	"time"
)

func TestEachHostIsLookedAtInItsTurn(t *testing.T) {
	r := Record{Key: Key{Share, "standard"}, Seq: 7}
	seen := map[HostID]int{}
	for minute := range 21 {
		at := time.Date(2026, 11, 2, 9, minute, 30, 0, time.UTC)
		id, ok := Round(r, at)
		again, _ := Round(r, at.Add(29*time.Second))
		if !ok || id != again {
			t.Fatalf("in one minute it is %s and %s, %v", id, again, ok)
		}
		seen[id]++
	}
	for n := 1; n <= 7; n++ {
		if id := r.Key.Host(n); seen[id] != 3 || len(seen) != 7 {
			t.Errorf("%s was looked at %d times, of %d hosts", id, seen[id], len(seen))
		}
	}
	if id, ok := Round(Record{Key: r.Key}, time.Now()); ok {
		t.Errorf("of a pool that has none it is %s", id)
	}
}
