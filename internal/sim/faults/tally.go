package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// tally counts runs.
type tally struct {
	Seeds    int
	Days     float64 // of virtual time
	Calls    int
	Checks   int
	Seconds  float64 // of real time, in which they were run
	Next     uint64  // seed; no seed is run twice
	Happened map[Kind]int
	Ended    map[string]int
	Failed   []string // plans that came to a problem, which are kept
}

// add counts a run.
func (t *tally) add(p Plan, o Outcome) {
	if t.Happened == nil {
		t.Happened, t.Ended = map[Kind]int{}, map[string]int{}
	}
	t.Seeds++
	t.Days += o.Lasted.Hours() / 24
	t.Calls, t.Checks = t.Calls+o.Calls, t.Checks+o.Checks
	for k, n := range o.Happened {
		t.Happened[k] += n
	}
	for what, n := range o.Ended {
		t.Ended[what] += n
	}
	if o.Problem != nil {
		t.Failed = append(t.Failed, p.String()+": "+o.Problem.Error())
	}
}

// String words the tally in a few lines.
func (t *tally) String() string {
	return fmt.Sprintf("%d seeds, %.1f days, %d calls, %d checks, %d failed\nhappened: %v\nended: %v", t.Seeds, t.Days, t.Calls, t.Checks, len(t.Failed), t.Happened, t.Ended)
}

// readTally reads the tally of all nights so far; there may have been none.
func readTally(file string) (tally, error) {
	t := tally{Next: firstSeed}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	return t, err
}

// firstSeed is the first of the nights': those before it are of every test.
const firstSeed = 1_000_000

func (t *tally) write(file string) error {
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	// Beside it first, so that none is lost that is cut short.
	if err := os.WriteFile(file+".new", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// rates words how fast seeds were run.
func (t *tally) rates(took time.Duration, seeds int, days float64) string {
	return fmt.Sprintf("%d seeds in %s: %.2f seeds and %.2f days a second", seeds, took.Round(time.Second), float64(seeds)/took.Seconds(), days/took.Seconds())
}
