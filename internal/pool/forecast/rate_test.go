package forecast

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSignupsNotedAtOnceAreSignupsNotedOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := drawRate(rt)
		n := rapid.IntRange(1, 200).Draw(rt, "n")
		delta := rapid.Float64Range(0, 600).Draw(rt, "delta")
		half := rapid.SampledFrom([]float64{slowHalf, fastHalf}).Draw(rt, "half")
		atOnce, byOne := r.after(float64(n), delta, half), r
		for range n {
			byOne = byOne.after(1, delta/float64(n), half)
		}
		near(t, "the count", byOne.Count, atOnce.Count, 1e-9)
		near(t, "the exposure", byOne.Exposure, atOnce.Exposure, 1e-9)
	})
}

func TestSignupsOfTheSameMomentCountInFull(t *testing.T) {
	if r := startRate().after(7, 0, slowHalf); r.Count != 7 || r.Exposure != slowStart {
		t.Errorf("seven at once make the rate %+v", r)
	}
}

func TestARateComesToWhatThereIs(t *testing.T) {
	d := Began(start)
	for minute := range 24 * 60 {
		now := start.Add(time.Duration(minute+1) * time.Minute)
		d = d.Noted(int64(2*(minute+1)), now, 26)
	}
	near(t, "the rate an hour", d.PerHour(), 120, 0.01)
	near(t, "the slow exposure", d.Slow.Exposure, slowHalf/math.Ln2, 1e-3)
	near(t, "the fast exposure", d.Fast.Exposure, fastHalf/math.Ln2, 1e-3)
}

func TestNothingNotedMeansOneSignupAnHour(t *testing.T) {
	near(t, "the rate an hour", Demand{}.PerHour(), 1, 1e-12)
}

func TestWhatCameBeforeTheFirstLookIsNotOfLate(t *testing.T) {
	d := Demand{}.Noted(10_000, start, 26)
	near(t, "the rate an hour", d.PerHour(), 1, 1e-12)
	if d = d.Noted(10_001, start, 26); d.Slow.Count != 1 {
		t.Errorf("one more makes the count %v", d.Slow.Count)
	}
}

func TestAClockOrACountThatGoesBackAddsNothing(t *testing.T) {
	d := Began(start).Noted(10, start.Add(time.Minute), 26)
	back := d.Noted(10, start.Add(-time.Hour), 26)
	if back.Slow != d.Slow || back.Fast != d.Fast || !back.At.Equal(d.At) {
		t.Errorf("an hour back, %+v became %+v", d, back)
	}
	// Less than there were: the table was put back. From there on it counts again.
	less, none := d.Noted(4, start.Add(2*time.Minute), 26), d.Noted(10, start.Add(2*time.Minute), 26)
	if less.Slow != none.Slow || less.Signups != 4 {
		t.Errorf("six less, %+v became %+v", d, less)
	}
	if more := less.Noted(5, start.Add(2*time.Minute), 26); more.Slow.Count != none.Slow.Count+1 {
		t.Errorf("one more after that makes the count %v", more.Slow.Count)
	}
}

// A look that was made before another, and is noted after it, would have those in between counted again.
func TestALookThatComesLateAddsNothing(t *testing.T) {
	d := Began(start).Noted(130, start.Add(2*time.Minute), 26)
	late := d.Noted(100, start.Add(time.Minute), 26)
	if next := late.Noted(130, start.Add(2*time.Minute), 26); next.Slow.Count != d.Slow.Count || next.Signups != 130 {
		t.Errorf("130 signups make the count %v, and %v after the late look", d.Slow.Count, next.Slow.Count)
	}
}
