package faults

import (
	"flag"
	"runtime"
	"sync"
	"testing"
	"time"
)

var (
	night     = flag.Duration("night", 0, "how long TestNight simulates; 0: not at all")
	tallyFile = flag.String("tally", "", "file that keeps the count of all nights")
)

// TestNight simulates seeds that were never simulated before, on all processors, until the night is over.
func TestNight(t *testing.T) {
	if *night == 0 {
		t.Skip("no night was asked for")
	}
	all := tally{Next: firstSeed}
	if *tallyFile != "" {
		var err error
		if all, err = readTally(*tallyFile); err != nil {
			t.Fatal(err)
		}
	}
	seeds, days, seconds, began := all.Seeds, all.Days, all.Seconds, time.Now()
	// Once a minute, so that a night that is cut short counts, too.
	saved := began
	save := func() {
		saved = time.Now()
		all.Seconds = seconds + saved.Sub(began).Seconds()
		if *tallyFile == "" {
			return
		}
		if err := all.write(*tallyFile); err != nil {
			t.Error(err)
		}
	}
	var mu sync.Mutex
	next := func() Plan {
		mu.Lock()
		defer mu.Unlock()
		all.Next++
		return planOf(all.Next - 1)
	}
	done := func(p Plan, o Outcome) {
		mu.Lock()
		defer mu.Unlock()
		all.add(p, o)
		if o.Problem != nil {
			t.Errorf("%v\nreplay: go test ./internal/sim/faults -run TestReplay -v -replay %q", o.Problem, p)
		}
		if time.Since(saved) > time.Minute {
			save()
		}
	}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for time.Since(began) < *night {
				p := next()
				done(p, Run(p))
			}
		})
	}
	workers.Wait()
	save()
	t.Logf("%s\nall nights: %s", all.rates(time.Since(began), all.Seeds-seeds, all.Days-days), &all)
}
