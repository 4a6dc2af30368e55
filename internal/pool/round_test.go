package pool

import (
	"slices"
	"testing"
	"time"
)

func TestEachHostIsLookedAtInItsTurn(t *testing.T) {
	start := time.Date(2026, 11, 2, 9, 0, 30, 0, time.UTC)
	for seq, every := range map[int]int{1: 1, 7: 7, 10: 10, 11: 10, 95: 10, 490: 10, 1000: 10, 10_000: 10, 50_000: 50} {
		r := Record{Key: Key{Share, "standard"}, Seq: seq}
		last, seen := map[HostID]int{}, map[HostID]int{}
		for minute := range 3 * every {
			at := start.Add(time.Duration(minute) * time.Minute)
			ids := Round(r, at)
			if len(ids) == 0 || len(ids) > roundMost || !slices.Equal(ids, Round(r, at.Add(29*time.Second))) {
				t.Fatalf("of %d hosts it is the turn of %d", seq, len(ids))
			}
			for _, id := range ids {
				if before, ok := last[id]; ok && minute-before != every {
					t.Fatalf("of %d hosts, %s is looked at after %d minutes", seq, id, minute-before)
				}
				last[id], seen[id] = minute, seen[id]+1
			}
		}
		for n := 1; n <= seq; n++ {
			if id := r.Key.Host(n); seen[id] != 3 || len(seen) != seq {
				t.Fatalf("%s was looked at %d times, of %d hosts", id, seen[id], len(seen))
			}
		}
	}
	if ids := Round(Record{Key: Key{Share, "standard"}}, start); len(ids) > 0 {
		t.Errorf("of a pool that has none it is the turn of %v", ids)
	}
}
