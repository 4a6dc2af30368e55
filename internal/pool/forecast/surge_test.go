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

// By hand: μ is what the fast rate would have counted at the slow one, and it is a surge from μ + 1.5·√(μ/2 + c·μ²) + ½ on. With
// μ = 2 that is 2 + 1.5·1 + 0.5 = 4 if c is 0, and 2 + 1.5·√(1+3) + 0.5 = 5.5 if c is 0.75; with μ = 8 and c = 0, 8 + 1.5·2 + 0.5 = 11.5.
func TestFromWhereOnItIsASurge(t *testing.T) {
	for _, test := range []struct{ mean, c, from float64 }{{2, 0, 4}, {2, 0.75, 5.5}, {8, 0, 11.5}} {
		d := Demand{
			At: start, Slow: Rate{Count: 10*test.mean - unseen, Exposure: 100}, Fast: Rate{Exposure: 10},
			Spread: Spread{Excess: (test.c - priorSpread) * priorWeight},
		}
		near(t, "c", d.C(), test.c, 1e-9)
		for off, want := range map[float64]bool{-1e-6: false, 1e-6: true} {
			if d.Fast.Count = test.from + off; d.surging() != want {
				t.Errorf("%v signups where %v are usual, spread %v: a surge is %t", d.Fast.Count, test.mean, test.c, !want)
			}
		}
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
