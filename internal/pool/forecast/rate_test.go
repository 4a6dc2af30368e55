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
		half := rapid.SampledFrom([]float64{slowHalf, fastHalf, weekHalf}).Draw(rt, "half")
		atOnce, byOne := r.after(float64(n), delta, half), r
		for range n {
			byOne = byOne.after(1, delta/float64(n), half)
		}
		near(t, "the count", byOne.Count, atOnce.Count, 1e-9)
		near(t, "the exposure", byOne.Exposure, atOnce.Exposure, 1e-9)
	})
}

// What is wanted follows from the rates, so that checks which come often and checks which come seldom want the same. Samples of the
// spread are taken when there is a look, at other times then: so there are none here.
func TestADemandThatIsNotedOftenIsOneThatIsNotedSeldom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seldom, now := drawDemand(rt)
		seldom.Spread.Marks = []Mark{{At: now.Add(time.Hour)}} // none is due
		n, seconds := rapid.IntRange(1, 60).Draw(rt, "n"), rapid.IntRange(0, 30).Draw(rt, "seconds")
		often := seldom
		for i := range n {
			often = often.Noted(seldom.Signups+int64(i+1), seldom.At.Add(time.Duration((i+1)*seconds)*time.Second), 26)
		}
		seldom = seldom.Noted(seldom.Signups+int64(n), seldom.At.Add(time.Duration(n*seconds)*time.Second), 26)
		for what, rates := range map[string][2]Rate{"slow": {often.Slow, seldom.Slow}, "fast": {often.Fast, seldom.Fast}, "week's": {often.Week, seldom.Week}} {
			near(t, "the count of the "+what+" rate", rates[0].Count, rates[1].Count, 1e-9)
			near(t, "the exposure of the "+what+" rate", rates[0].Exposure, rates[1].Exposure, 1e-9)
		}
		if often.Signups != seldom.Signups || !often.At.Equal(seldom.At) || often.surging() != seldom.surging() {
			rt.Errorf("often noted it is %+v, seldom %+v", often, seldom)
		}
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

// It begins with 30 minutes, 8/ln 2 and a day: half a signup in them, which is one an hour, some one in 23 minutes, and half a one a day.
func TestWhatRatesBeginWith(t *testing.T) {
	d := Began(start)
	near(t, "b", d.Slow.Exposure, 30, 1e-12)
	near(t, "the fast b", d.Fast.Exposure, 11.541560327111707, 1e-12)
	near(t, "the rate a day", d.PerDay(), 0.5, 1e-12)
	d = d.Noted(7, start.Add(7*24*time.Hour), 26) // a half-life of the week's rate
	near(t, "the week's b", d.Week.Exposure, 24*60/2+7*24*60/math.Ln2/2, 1e-9)
	near(t, "the week's a", d.Week.Count, 7*0.5/math.Ln2, 1e-9)
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
	// Less than there were, for long: the table was put back. From there on it counts again.
	later := start.Add(16 * time.Minute)
	less, none := d.Noted(4, start.Add(2*time.Minute), 26).Noted(4, later, 26), d.Noted(10, later, 26)
	if less.Slow != none.Slow || less.Signups != 4 {
		t.Errorf("six less, %+v became %+v", d, less)
	}
	if soon := d.Noted(4, later.Add(-time.Second), 26); soon.Signups != 10 {
		t.Errorf("within a quarter of an hour the count goes back to %d", soon.Signups)
	}
	if more := less.Noted(5, later, 26); more.Slow.Count != none.Slow.Count+1 {
		t.Errorf("one more after that makes the count %v", more.Slow.Count)
	}
}

// The count of a look is read after the look's time: who looked a moment later may have read it a moment earlier.
func TestACountThatWasReadEarlierIsNotCountedTwice(t *testing.T) {
	at := start.Add(2 * time.Minute)
	d := Began(start).Noted(105, at, 26)
	overtaken := d.Noted(100, at.Add(200*time.Millisecond), 26).Noted(106, at.Add(time.Minute), 26)
	if want := d.Noted(106, at.Add(time.Minute), 26); overtaken.Fast != want.Fast || overtaken.Slow != want.Slow || overtaken.Signups != 106 {
		t.Errorf("%+v, want %+v", overtaken, want)
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

// Five newcomers in ten minutes, worked by hand from the formula: g = 2^(−Δ/h); a ← a·g + n·(1−g)·h/(Δ·ln 2);
// b ← b·g + (1−g)·h/ln 2, with half-lives of 60 and 8 minutes.
func TestRatesAreAsTheFormulaSays(t *testing.T) {
	d := Began(start).Noted(5, start.Add(10*time.Minute), 26)
	near(t, "a", d.Slow.Count, 4.721996348806846, 1e-9)
	near(t, "b", d.Slow.Exposure, 36.17095424182387, 1e-9)
	near(t, "the fast a", d.Fast.Count, 3.3444659871801727, 1e-9)
	near(t, "the fast b", d.Fast.Exposure, 11.541560327111707, 1e-9)
}
