package forecast

import (
	"math"
	"slices"
	"time"
)

// Trust is how far the early time to empty may be trusted: by what factor it is made longer or shorter, so that free pairs
// are gone before it in one case of ten, whatever the series does that the model knows nothing of, such as nights.
//
// It is learned from what was said and what came of it: each look that was beaten makes the next ones shorter, each that held
// makes them longer by a ninth of that, so that over a long time one in ten is beaten, of any series (I. Gibbs and E. Candès,
// "Adaptive conformal inference under distribution shift", NeurIPS 2021; on the quantile itself: A. Angelopoulos, E. Candès
// and R. Tibshirani, "Conformal PID control for time series prediction", NeurIPS 2023).
type Trust struct {
	Stretch float64   // the logarithm of the factor
	Looks   []Look    // of which it is not known yet what comes of them, the oldest first
	Looked  time.Time // when the last was made
	Next    time.Time // when the next is due
}

// Look is an early time to empty that was said.
type Look struct {
	Until time.Time // it was said that the pairs last until then
	Gone  int64     // they are gone when so many signups have come
	For   float64   // minutes for which it stands: since the look before
}

const (
	// trustStep is how much one look that was beaten, and stands for a quarter of an hour, takes from the logarithm.
	trustStep = 0.04
	// lookEvery is how often a look is kept, in minutes; of a time that is long, looksMost in it.
	lookEvery = 15
	looksMost = 16
	// lookFor bounds what one look stands for, in minutes.
	lookFor = 4 * 60
	// stretchLeast and stretchMost bound the logarithm.
	stretchLeast, stretchMost = -5, 3
	// earlyChance is how likely pairs are gone sooner than the early time to empty.
	earlyChance = 0.1
)

// stretched is an early time to empty as it is said.
func (t Trust) stretched(early time.Duration) time.Duration {
	return duration(min(minutes(Forever), minutes(early)*math.Exp(t.Stretch)))
}

// learned is the trust by what came of the looks up to a time, when so many signups had come.
func (t Trust) learned(now time.Time, signups int64) Trust {
	if !slices.ContainsFunc(t.Looks, func(l Look) bool { return l.Gone <= signups || !l.Until.After(now) }) {
		return t
	}
	var open []Look
	for _, l := range t.Looks {
		weight := trustStep * l.For / lookEvery
		switch beaten := signups >= l.Gone; {
		case beaten && now.Before(l.Until):
			t.Stretch -= weight * (1 - earlyChance)
		case !now.Before(l.Until):
			t.Stretch += weight * earlyChance
		default:
			open = append(open, l)
		}
	}
	t.Stretch, t.Looks = min(stretchMost, max(stretchLeast, t.Stretch)), open
	return t
}

// looked is the trust with what is said now: how long it lasts until so many have signed up. A look stands for the time since the one
// before, so that times which are looked at less often, because they are long, count as much as others. When the next is due
// is said beforehand: were it to follow from what is said by then, short times would be looked at more often than they are said.
func (t Trust) looked(now time.Time, gone int64, early time.Duration) Trust {
	since := float64(lookEvery)
	if !t.Looked.IsZero() {
		since = min(lookFor, minutes(now.Sub(t.Looked)))
	}
	t.Looks = append(slices.Clone(t.Looks), Look{Until: now.Add(early).Truncate(time.Second), Gone: gone, For: since})
	t.Looked, t.Next = now, now.Add(max(lookEvery*time.Minute, early/looksMost)).Truncate(time.Second)
	return t
}
