package disorder_test

import (
	"slices"
	"testing"
	"time"

	"headroom/internal/local/disorder"
)

func TestNoOptionsLeaveDeliveriesAsTheyAre(t *testing.T) {
	s := disorder.New(1, disorder.Options{})
	if got := s.Copies(); !slices.Equal(got, []time.Duration{0}) {
		t.Errorf("copies %v", got)
	}
	s.Shuffle(3, func(int, int) { t.Error("shuffled") })
}

func TestDeliveriesAreDoubledDelayedAndShuffled(t *testing.T) {
	s := disorder.New(1, disorder.Options{Double: 0.5, Delay: time.Second, Shuffle: true})
	doubled := 0
	for range 1000 {
		copies := s.Copies()
		doubled += len(copies) - 1
		for _, delay := range copies {
			if delay < 0 || delay >= time.Second {
				t.Fatalf("delay %v", delay)
			}
		}
	}
	if doubled < 400 || doubled > 600 {
		t.Errorf("%d of 1000 doubled, asked for half", doubled)
	}
	for range 1000 {
		if part := s.Part(time.Second); part < 0 || part >= time.Second {
			t.Fatalf("part %v", part)
		}
	}
	if part := s.Part(0); part != 0 {
		t.Errorf("a part %v of nothing", part)
	}
	order := []int{0, 1, 2, 3, 4, 5, 6, 7}
	s.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	if slices.IsSorted(order) {
		t.Error("not shuffled")
	}
}

func TestSameSeedSameDecisions(t *testing.T) {
	options := disorder.Options{Double: 0.5, Delay: time.Second}
	a, b := disorder.New(7, options), disorder.New(7, options)
	for range 100 {
		if first, second := a.Copies(), b.Copies(); !slices.Equal(first, second) {
			t.Fatalf("%v and %v", first, second)
		}
	}
}
