package sim

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, text string, scale float64) Demand {
	t.Helper()
	d, err := ReadDemand(strings.NewReader(text), scale)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestASeriesOfTimes(t *testing.T) {
	d := read(t, "signup\n2026-11-02T10:00:00Z\n\n2026-11-02T09:00:00+01:00\n", 1)
	want := []time.Time{monday.Add(8 * time.Hour), monday.Add(10 * time.Hour)}
	if got := d.arrivals(1); !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("they come at %v", got)
	}
	if !d.First().Equal(want[0]) || !d.End().Equal(want[1]) || d.Interval != time.Hour {
		t.Errorf("from %v to %v, by %v", d.First(), d.End(), d.Interval)
	}
}

func TestASeriesOfCounts(t *testing.T) {
	d := read(t, "timestamp,value\n2026-11-02 00:00:00,1.5\n2026-11-02 00:30:00,0\n2026-11-02 01:00:00,2.5\n2026-11-02 01:30:00,3\n", 2)
	if d.Interval != 30*time.Minute || !d.End().Equal(monday.Add(2*time.Hour)) {
		t.Errorf("by %v to %v", d.Interval, d.End())
	}
	counts := make([]int, 4)
	for _, at := range d.arrivals(1) {
		counts[at.Sub(monday)/(30*time.Minute)]++
	}
	if want := []int{3, 0, 5, 6}; !slices.Equal(counts, want) {
		t.Errorf("counts %v, want %v", counts, want)
	}
	if slices.EqualFunc(d.arrivals(1), d.arrivals(2), time.Time.Equal) {
		t.Error("the seed does not spread them")
	}
}

func TestDecimalsOfCountsAreCarriedOn(t *testing.T) {
	d := read(t, "2026-11-02T00:00:00Z,0.4\n2026-11-02T01:00:00Z,0.4\n2026-11-02T02:00:00Z,0.4\n2026-11-02T03:00:00Z,0.8\n", 1)
	got := d.arrivals(1)
	if len(got) != 2 || got[0].Hour() != 2 || got[1].Hour() != 3 {
		t.Errorf("they come at %v", got)
	}
}

func TestAGapIsNoLongerInterval(t *testing.T) {
	d := read(t, "2026-11-02T00:00:00Z,9\n2026-11-02T01:00:00Z,9\n2026-11-02T02:00:00Z,9\n2026-11-03T00:00:00Z,9\n", 1)
	for _, at := range d.arrivals(1)[18:27] {
		if at.Hour() != 2 {
			t.Errorf("one comes at %v", at)
		}
	}
}

func TestWhatIsNoSeriesIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"a heading alone": "signup\n",
		"no time":         "2026-11-02T00:00:00Z\nlater\n",
		"no count":        "2026-11-02T00:00:00Z,many\n",
		"less than none":  "2026-11-02T00:00:00Z,-1\n",
		"some counted":    "2026-11-02T00:00:00Z,1\n2026-11-02T01:00:00Z\n",
		"nobody":          "2026-11-02T00:00:00Z,0\n",
		"too many":        "2026-11-02T00:00:00Z,1e9\n",
		"not a number":    "2026-11-02T00:00:00Z,NaN\n",
		"no time first":   "2026-11-02T0:00\n2026-11-02T00:00:00Z\n",
		"two headings":    "time\ncount\n2026-11-02T00:00:00Z\n",
		"too long":        "0001-01-01T00:00:00Z\n2026-11-02T00:00:00Z\n",
	} {
		if _, err := ReadDemand(strings.NewReader(text), 1); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestMomentsOfASeries(t *testing.T) {
	d := read(t, "2026-11-02T00:00:00Z\n2026-11-12T00:00:00Z\n", 1)
	for text, want := range map[string]time.Time{
		"": {}, "50%": monday.AddDate(0, 0, 5), "0%": monday, "2026-11-05": monday.AddDate(0, 0, 3), "2026-11-05T06:00:00Z": monday.Add(78 * time.Hour),
	} {
		if got, err := d.Moment(text); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, error %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"100%", "-1%", "x%", "soon", "2027-01-01"} {
		if got, err := d.Moment(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestASeriesOfTimesEndsWhenItIsSaidTo(t *testing.T) {
	at := func(hour int) time.Time { return monday.Add(time.Duration(hour) * time.Hour) }
	d := Signups([]time.Time{at(5), at(1), at(3)}, at(9))
	if !d.First().Equal(at(1)) || !d.End().Equal(at(9)) || len(d.arrivals(1)) != 3 {
		t.Errorf("from %s until %s, %d came", d.First(), d.End(), len(d.arrivals(1)))
	}
	for _, test := range []struct{ since, until, came, end int }{{0, 0, 3, 9}, {2, 0, 2, 9}, {3, 5, 1, 5}, {0, 6, 3, 6}} {
		since, until := at(test.since), time.Time{}
		if test.until > 0 {
			until = at(test.until)
		}
		part, err := d.Between(since, until)
		if err != nil || len(part.arrivals(1)) != test.came || !part.End().Equal(at(test.end)) {
			t.Errorf("%+v: %d came until %s, error %v", test, len(part.arrivals(1)), part.End(), err)
		}
	}
	if _, err := d.Between(at(6), time.Time{}); err == nil {
		t.Error("a part in which nobody came is one")
	}
}

// What some programs begin a file with is no part of the first time, and no reason to take that for a heading.
func TestAByteOrderMarkIsNoHeading(t *testing.T) {
	if d := read(t, "\uFEFF2026-11-02T00:00:00Z\n2026-11-02T01:00:00Z\n", 1); len(d.arrivals(1)) != 2 {
		t.Errorf("%d came", len(d.arrivals(1)))
	}
}

func TestLinesOfOneTimeShareItsInterval(t *testing.T) {
	d := read(t, "2026-11-02T00:00:00Z,40\n2026-11-02T00:00:00Z,40\n2026-11-02T01:00:00Z,0\n", 1)
	at := map[time.Time]int{}
	for _, came := range d.arrivals(1) {
		at[came]++
	}
	if len(at) != 80 {
		t.Errorf("80 came at %d moments", len(at))
	}
}

func TestAPartOfASeriesOfCountsMayBeginAndEndAmidAnInterval(t *testing.T) {
	d := read(t, "2026-11-02T00:00:00Z,400\n2026-11-02T01:00:00Z,400\n2026-11-02T02:00:00Z,400\n", 1)
	since, until := monday.Add(30*time.Minute), monday.Add(90*time.Minute)
	part, err := d.Between(since, until)
	if err != nil || !part.First().Equal(since) || !part.End().Equal(until) {
		t.Fatalf("it goes from %s to %s, error %v", part.First(), part.End(), err)
	}
	came := part.arrivals(1)
	if n := len(came); n < 300 || n > 500 {
		t.Errorf("%d came within one hour of 400", n)
	}
	for _, at := range came {
		if at.Before(since) || !at.Before(until) {
			t.Fatalf("one came at %s", at)
		}
	}
}

// Of one signup five are made: all of them are in the series, none behind its end.
func TestTimesAreScaled(t *testing.T) {
	d := read(t, "2026-11-02T00:00:00Z\n", 5)
	came := d.arrivals(1)
	if len(came) != 5 || came[4].After(d.End()) {
		t.Errorf("%v came until %s", came, d.End())
	}
}
