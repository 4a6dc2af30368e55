package pool

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestThenTakesWhatEachKeyWas(t *testing.T) {
	noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	var taken []string
	then := Then{At: at(10)}
	for _, v := range []ObjectVersion{
		{Key: "deleted later", Version: "2", Modified: at(20), Marker: true, Latest: true},
		{Key: "deleted later", Version: "1", Modified: at(5)},
		{Key: "deleted then", Version: "2", Modified: at(9), Marker: true, Latest: true},
		{Key: "deleted then", Version: "1", Modified: at(5)},
		{Key: "later", Version: "1", Modified: at(11), Latest: true},
		{Key: "now", Version: "1", Modified: at(10), Latest: true},
		{Key: "often", Version: "4", Modified: at(30)},
		{Key: "often", Version: "3", Modified: at(10)},
		{Key: "often", Version: "2", Modified: at(9)},
		{Key: "restored-20261126T101500Z/often", Version: "1", Modified: at(1), Latest: true},
		{Key: "restored-by hand/often", Version: "1", Modified: at(1), Latest: true},
		{Key: "undeleted", Version: "3", Modified: at(9), Latest: true},
		{Key: "undeleted", Version: "2", Modified: at(8), Marker: true},
	} {
		if then.Takes(v) {
			taken = append(taken, v.Key+" "+v.Version)
		}
	}
	want := []string{"deleted later 1", "now 1", "often 3", "restored-by hand/often 1", "undeleted 3"}
	if !slices.Equal(taken, want) {
		t.Errorf("taken %q, want %q", taken, want)
	}
}

func TestThenIsWhatSomebodyWouldHaveSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A history of writes and deletions, one a second, and what a reader saw after each.
		now, seen := map[string]string{}, []string{}
		var all []ObjectVersion
		start := time.Unix(0, 0)
		for i := range rapid.IntRange(1, 40).Draw(t, "changes") {
			v := ObjectVersion{Key: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key"), Version: fmt.Sprint(i), Modified: start.Add(time.Duration(i) * time.Second)}
			if v.Marker = rapid.Bool().Draw(t, "deleted"); v.Marker {
				delete(now, v.Key)
			} else {
				now[v.Key] = v.Version
			}
			all, seen = append(all, v), append(seen, fmt.Sprint(now))
		}
		slices.SortStableFunc(all, func(a, b ObjectVersion) int {
			return cmp.Or(strings.Compare(a.Key, b.Key), b.Modified.Compare(a.Modified))
		})
		i := rapid.IntRange(0, len(seen)-1).Draw(t, "time")
		then, got := Then{At: start.Add(time.Duration(i)*time.Second + 500*time.Millisecond)}, map[string]string{}
		for _, v := range all {
			if then.Takes(v) {
				got[v.Key] = v.Version
			}
		}
		if fmt.Sprint(got) != seen[i] {
			t.Fatalf("at %d it was %v, and %s was seen", i, got, seen[i])
		}
	})
}
