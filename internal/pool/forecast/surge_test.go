package forecast

import (
	"testing"
	"time"
)

func TestTwoWithinMinutesAreASurgeAndOneIsNone(t *testing.T) {
	d := Began(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	now := d.At
	look := func(signups int64) bool {
		now = now.Add(time.Minute)
		d = d.Noted(signups, now, 25)
		return d.surging()
	}
	for range 8 * 60 { // a quiet night
		look(0)
	}
	if look(1) {
		t.Error("the first one is a surge")
	}
	if !look(2) {
		t.Error("two within a minute are no surge")
	}
	for range 60 {
		look(2)
	}
	if look(2) {
		t.Error("it is a surge an hour later")
	}
}

func TestASteadyRateIsNoSurgeOnAverage(t *testing.T) {
	d := Began(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	for minute := range int64(24 * 60) {
		if d = d.Noted(minute/2, d.At.Add(time.Minute), 25); d.surging() {
			t.Fatalf("30 an hour, evenly, are a surge in minute %d", minute)
		}
	}
}
