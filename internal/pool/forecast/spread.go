package forecast

import (
	"math"
	"time"
)

// Spread is how much further than by chance the counts of signups lie from what was forecast: c in a count's
// variance m + c·m² (the negative binomial's, by the method of moments, with samples weighed by how much they tell).
type Spread struct {
	Excess float64 // N: sum of ((y−m)² − m)/(1+m)², each 1 at most, faded
	Weight float64 // D: sum of m²/(1+m)², faded
	Marks  []Mark  // forecasts that counts are still held against, the oldest first, one in five minutes
}

// Mark is a forecast that was made: what was expected, and how many had come.
type Mark struct {
	At        time.Time
	Signups   int64
	PerMinute float64
}

const (
	// sampleEvery is how often a forecast is made that is held against what came, in minutes.
	sampleEvery = 5
	// spreadHalf is the half-life of the spread, in minutes: a week.
	spreadHalf = 7 * 24 * 60
	// priorWeight and priorSpread are what a spread begins with: samples that saw this much.
	priorWeight = 24
	priorSpread = 0.1
	// marksMost bounds the forecasts that are kept: four hours of them.
	marksMost = 48
)

// C is the spread.
func (s Spread) C() float64 {
	return max(0, (s.Excess+priorSpread*priorWeight)/(s.Weight+priorWeight))
}

// Due reports whether a sample is to be taken.
func (s Spread) due(now time.Time) bool {
	n := len(s.Marks)
	return n == 0 || minutes(now.Sub(s.Marks[n-1].At)) >= sampleEvery
}

// sampled is the spread with the sample of now, if one is due: how many came since the forecast that was made about
// horizon minutes ago, against what was forecast for the time that has really gone by.
func (s Spread) sampled(now time.Time, signups int64, perMinute, horizon float64) Spread {
	if !s.due(now) {
		return s
	}
	if at, ok := s.made(now, horizon); ok {
		m := at.PerMinute * minutes(now.Sub(at.At))
		y := float64(max(0, signups-at.Signups))
		fade := math.Exp2(-sampleEvery / float64(spreadHalf))
		norm := (1 + m) * (1 + m)
		s.Excess = max(-priorSpread*priorWeight, s.Excess*fade+min(1, ((y-m)*(y-m)-m)/norm))
		s.Weight = s.Weight*fade + m*m/norm
	}
	var kept []Mark
	for i, mark := range s.Marks {
		// Of those that are older than the horizon only the youngest is needed by the next sample.
		if i+1 < len(s.Marks) && minutes(now.Sub(s.Marks[i+1].At)) >= horizon {
			continue
		}
		kept = append(kept, mark)
	}
	kept = append(kept, Mark{At: now, Signups: signups, PerMinute: perMinute})
	s.Marks = kept[max(0, len(kept)-marksMost):]
	return s
}

// made is the forecast that was made closest to horizon minutes ago, if one was made about then.
func (s Spread) made(now time.Time, horizon float64) (Mark, bool) {
	best, distance := Mark{}, math.Inf(1)
	for _, mark := range s.Marks {
		if off := math.Abs(minutes(now.Sub(mark.At)) - horizon); off < distance {
			best, distance = mark, off
		}
	}
	return best, distance <= max(sampleEvery, horizon/2)
}
