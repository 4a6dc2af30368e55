package localclock_test

import (
	"testing"
	"time"

	"headroom/internal/function/localclock"
)

func TestClockRunsFromItsOriginAsFastAsItSays(t *testing.T) {
	origin := time.UnixMilli(1_767_225_600_000)
	now := func() time.Time { return origin.Add(3 * time.Second) }
	for text, want := range map[string]time.Duration{
		"":                    3 * time.Second,
		"1767225600000 20":    time.Minute,
		"1767225600000 0.5":   1500 * time.Millisecond,
		"1767225602000 1e+01": 12 * time.Second,
	} {
		clock, err := localclock.New(text, now)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := clock().Sub(origin); got != want {
			t.Errorf("%q: %s after the origin, want %s", text, got, want)
		}
	}
}

func TestClockThatMeansNothingIsRefused(t *testing.T) {
	for _, text := range []string{"20", "1767225600000", "soon 20", "1767225600000 fast", "1767225600000 0", "1767225600000 -1", "1767225600000 NaN", "1767225600000 +Inf"} {
		if _, err := localclock.New(text, time.Now); err == nil {
			t.Errorf("%q is a clock", text)
		}
	}
}
