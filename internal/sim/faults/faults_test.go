package faults

import (
	"flag"
	"fmt"
	"strings"
	"testing"
)

var (
	replayed = flag.String("replay", "", `a plan to simulate, such as "seed=7 days=0.5 late=0"`)
	about    = flag.String("about", "", "of what happens in it, only what this stands in is printed")
	seeds    = flag.Int("seeds", 100, "how many seeds TestSeeds simulates")
	from     = flag.Uint64("from", 1, "the first of them")
)

// shrinkRuns is how often a plan is run at most to find a smaller one.
const shrinkRuns = 40

// planOf is the plan of a seed.
func planOf(seed uint64) Plan {
	days := stream(seed, "days")
	return Plan{Seed: seed, Days: 0.06 + float64(days.IntN(30))/100}
}

// report words a problem with what finds it again.
func report(p Plan, found *Problem) string {
	small := Shrink(p, found, shrinkRuns)
	return fmt.Sprintf("%v\nreplay: go test ./internal/sim/faults -run TestReplay -v -replay %q\nwhich was %q", found, small, p)
}

func TestSeeds(t *testing.T) {
	var all tally
	for seed := *from; seed < *from+uint64(*seeds); seed++ {
		p := planOf(seed)
		o := Run(p)
		all.add(p, o)
		if o.Problem != nil && *firstOnly {
			t.Fatalf("first problem: %d seeds: %v", all.Seeds, o.Problem)
		}
		if o.Problem != nil {
			t.Error(report(p, o.Problem))
		}
	}
	t.Log(&all)
	for _, k := range kinds {
		if all.Happened[k] == 0 && *seeds >= 80 && !*firstOnly {
			t.Errorf("of kind %s nothing ever happened", k)
		}
	}
}

func TestReplay(t *testing.T) {
	if *replayed == "" {
		t.Skip("nothing is to be replayed")
	}
	p, err := ParsePlan(*replayed)
	if err != nil {
		t.Fatal(err)
	}
	p.Trace, p.About = true, *about
	o := Run(p)
	fmt.Println(strings.Join(o.Trace, "\n"))
	if o.Problem != nil {
		t.Error(o.Problem)
	}
}

func TestTheSamePlanComesToTheSame(t *testing.T) {
	for seed := range uint64(3) {
		p := Plan{Seed: seed + 1, Days: 0.2, Trace: true}
		a, b := Run(p), Run(p)
		if a.Calls != b.Calls || len(a.Trace) != len(b.Trace) {
			t.Fatalf("seed %d: %d and %d calls, %d and %d lines", p.Seed, a.Calls, b.Calls, len(a.Trace), len(b.Trace))
		}
		for i := range a.Trace {
			if a.Trace[i] != b.Trace[i] && !strings.Contains(a.Trace[i], "0x") { // an address in what is said
				t.Fatalf("seed %d, line %d:\n%s\n%s", p.Seed, i, a.Trace[i], b.Trace[i])
			}
		}
	}
}

func TestPlansAreReadAsTheyAreWritten(t *testing.T) {
	const text = "seed=7 days=0.25 killed=3 late=0"
	p, err := ParsePlan(text)
	if err != nil || p.String() != text {
		t.Errorf("%q is read as %q; %v", text, p, err)
	}
	for _, bad := range []string{"seed=x", "days=", "nothing=3", "late=many"} {
		if _, err := ParsePlan(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
