package forecast

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// hourly is a demand that counts came in, one an hour from start (a Monday at nine) on; it is looked at in the last minute of each.
func hourly(counts []int64) Demand {
	d := Began(start)
	for i, n := range counts {
		d = d.Noted(d.Signups+n, start.Add(time.Duration(i+1)*time.Hour-time.Minute), 26)
	}
	return d
}

// week is the hour of a week's, by its number from start on.
func week(n, hour int) int { return n*hoursOfWeek + hour }

func TestWhatComesEachWeekIsExpectedBeforeIt(t *testing.T) {
	counts := make([]int64, week(3, 0))
	for n := range 3 {
		counts[week(n, 0)] = 60 // at nine on Mondays
		counts[week(n, 48)] = int64(30 * (n % 2))
	}
	leads := LeadTimes(nil, nil, databases)
	for _, test := range []struct {
		name  string
		weeks int
		want  bool
	}{{"after a week", 1, false}, {"after two", 2, true}, {"after three", 3, true}} {
		d := hourly(counts[:week(test.weeks, -1)])
		before := func(minutes int) Need {
			d := d.Noted(d.Signups, start.Add(time.Duration(week(test.weeks, 0))*time.Hour-time.Duration(minutes)*time.Minute), 26)
			return d.Needs(leads, 20, 0.99)
		}
		if need := before(20); need.Hour != test.want || need.Hour && need.Buffer < 20 {
			t.Errorf("%s: twenty minutes before, %+v is needed", test.name, need)
		}
		if need := before(45); need.Hour && need.Buffer > 10 {
			t.Errorf("%s: three quarters of an hour before, %+v is needed", test.name, need)
		}
	}
	if d := hourly(counts[:week(2, 47)]); d.Rhythm.at(start.Add(time.Duration(week(2, 48))*time.Hour)) != 0 {
		t.Error("what came in one of two weeks is expected again")
	}
	if got := hourly(counts).Rhythm.at(start.Add(time.Duration(week(3, 0)) * time.Hour)); got != 60 {
		t.Errorf("%d are expected, not 60", got)
	}
}

// Until two weeks are known, what came at an hour of most of the last three days is expected at it.
func TestWhatComesEachDayIsExpectedUntilWeeksAreKnown(t *testing.T) {
	counts := make([]int64, week(3, 0))
	for day := range 21 {
		if day%7 < 5 {
			counts[24*day] = int64(50 + day) // at nine of each working day
		}
	}
	counts[24+7] = 30 // once
	for day, want := range map[int]int{
		1: 0,                // one day is known
		2: 50, 3: 51, 4: 52, // of two the less, of three the middle one
		5: 53, 6: 53, // a Saturday and a Sunday: nobody knows of weeks yet
		7: 0, 8: 0, 9: 57, // a Monday and a Tuesday, after days without; then the less of two
		14: 50, 15: 51, 19: 0, // weeks are known
	} {
		at := start.Add(time.Duration(24*day) * time.Hour)
		if got := hourly(counts[:24*day]).Rhythm.at(at); got != want {
			t.Errorf("on day %d %d are expected, not %d", day, got, want)
		}
		if got := hourly(counts[:24*day]).Rhythm.at(at.Add(7 * time.Hour)); got != 0 {
			t.Errorf("on day %d %d are expected at an hour at which some came once", day, got)
		}
	}
}

// What came at an hour is known as well as if it had come in each of three.
func TestWhatIsExpectedAtAnHourIsKnownFromThree(t *testing.T) {
	counts := make([]int64, week(3, 0))
	for n := range 3 {
		counts[week(n, 0)] = 60
	}
	d := hourly(counts)
	if a, ok := d.Rhythm.arrivals(start.Add(time.Duration(week(3, 0))*time.Hour), 20, 0.2); !ok || a != (Rate{Count: 180, Exposure: 180}).Arrivals(0.2) {
		t.Errorf("sixty an hour are expected as %+v", a)
	}
}

func TestHoursThatNobodyLookedAtAreEmpty(t *testing.T) {
	d := hourly([]int64{3, 5})
	d = d.Noted(d.Signups+7, start.Add(10*time.Hour), 26)
	if r := d.Rhythm; len(r.Past) != 10 || r.Past[0] != 3 || r.Past[1] != 5 || r.Past[2] != 0 || r.Count != 7 {
		t.Errorf("the hours are %v, and %d", r.Past, r.Count)
	}
}

func TestARhythmIsBounded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, now := drawDemand(rt)
		for range 20 {
			now = now.Add(time.Duration(rapid.IntRange(-100, 100_000).Draw(rt, "minutes")) * time.Minute)
			d = d.Noted(d.Signups+int64(rapid.IntRange(0, 200_000).Draw(rt, "came")), now, 26)
			if len(d.Rhythm.Past) > rhythmPeriods*hoursOfWeek {
				rt.Fatalf("%d hours are kept", len(d.Rhythm.Past))
			}
			for range 3 {
				at := now.Add(time.Duration(rapid.IntRange(-100_000, 100_000).Draw(rt, "off")) * time.Minute)
				if n := d.Rhythm.at(at); n < 0 || n > hourMost {
					rt.Fatalf("%d are expected", n)
				}
			}
		}
	})
}
