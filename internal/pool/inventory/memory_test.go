package inventory

import (
	"fmt"
	"testing"
	"time"
)

func TestAFindingIsToldOnceAndNotBeforeItIsBelieved(t *testing.T) {
	stray := Finding{Verdict: Orphaned, Severity: Ticket, Sort: Volumes, Of: "vol-1", What: "a"}
	note := Finding{Verdict: Orphaned, Severity: Note, Sort: Volumes, Of: "vol-2"}
	blind := Finding{Verdict: Unlooked, Severity: Ticket, Sort: Volumes}
	all, none := []Finding{stray, note}, []Finding(nil)
	for name, test := range map[string]struct {
		minutes []int
		finds   [][]Finding
		news    string // how many at each look
	}{
		"once":                                 {[]int{0}, [][]Finding{all}, "0"},
		"twice, too soon":                      {[]int{0, 15}, [][]Finding{all, all}, "0 0"},
		"three times":                          {[]int{0, 15, 30}, [][]Finding{all, all, all}, "0 0 1"},
		"twice, with a long time between":      {[]int{0, 60}, [][]Finding{all, all}, "0 1"},
		"it is told once":                      {[]int{0, 60, 120, 180}, [][]Finding{all, all, all, all}, "0 1 0 0"},
		"it goes, and comes again":             {[]int{0, 60, 120, 180, 240}, [][]Finding{all, all, none, all, all}, "0 1 0 0 1"},
		"it goes before it is believed":        {[]int{0, 15, 30}, [][]Finding{all, none, all}, "0 0 0"},
		"nothing is known of it for a while":   {[]int{0, 60, 120, 180}, [][]Finding{all, all, {blind}, all}, "0 1 0 0"},
		"that nothing can be seen is told too": {[]int{0, 60, 120}, [][]Finding{{blind}, {blind}, {blind}}, "0 1 0"},
		"other words are no other finding":     {[]int{0, 60, 120}, [][]Finding{all, all, {{Verdict: Orphaned, Severity: Page, Sort: Volumes, Of: "vol-1", What: "b"}}}, "0 1 0"},
		"a thing that is amiss in two ways":    {[]int{0, 60}, [][]Finding{{way(1), way(2)}, {way(1), way(2)}}, "0 2"},
		"found twice in one look":              {[]int{0, 60}, [][]Finding{{stray, stray}, {stray, stray}}, "0 1"},
	} {
		t.Run(name, func(t *testing.T) {
			var s Sightings
			got := ""
			for i, minute := range test.minutes {
				r := Remember(s, test.finds[i], now.Add(time.Duration(minute)*time.Minute))
				s = r.Sightings
				got += fmt.Sprint(len(r.News), " ")
				for _, f := range r.News {
					if f.Severity == Note {
						t.Errorf("told of %+v", f)
					}
				}
			}
			if got != test.news+" " {
				t.Errorf("told of %s, want %s", got, test.news)
			}
		})
	}
}

// way is one of the ways in which a security group is another than it should be.
func way(n int) Finding {
	return Finding{Verdict: Drifted, Severity: Ticket, Sort: Groups, Of: "sg-1", What: fmt.Sprint("way ", n)}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	var found []Finding
	for n := range 2 * rememberedMost {
		found = append(found, Finding{Verdict: Missing, Severity: Page, Sort: Shares, Of: fmt.Sprint(n)})
	}
	if r := Remember(Sightings{}, found, now); len(r.All) != rememberedMost {
		t.Errorf("%d are remembered", len(r.All))
	}
}

func TestWhatStandsIsKnownFromTheRecord(t *testing.T) {
	small := Finding{Verdict: Orphaned, Severity: Ticket, Sort: Volumes, Of: "vol-1"}
	grave := Finding{Verdict: Missing, Severity: Page, Sort: Shares, Of: "share-1"}
	blind := Finding{Verdict: Unlooked, Severity: Ticket, Sort: Shares}
	var s Sightings
	for _, look := range []struct {
		after time.Duration
		finds []Finding
		want  string
	}{
		{0, []Finding{small, grave}, "false false"},
		{graceLeast, []Finding{small, grave}, "true true"},
		{graceLeast + 1, []Finding{small, blind}, "true true"}, // whether it is still there is not known
		{graceLeast + 2, []Finding{small}, "true false"},
		{graceLeast + 3, nil, "false false"},
	} {
		s = Remember(s, look.finds, now.Add(look.after)).Sightings
		if got := fmt.Sprint(s.Stands(false), s.Stands(true)); got != look.want || !s.At.Equal(now.Add(look.after)) {
			t.Errorf("after %s, of anything and of what is grave: %s, want %s; looked at %s", look.after, got, look.want, s.At)
		}
	}
}
