package forecast

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/mathext"
)

// Prior is what is known of a kind's lead times before any was measured: a lognormal distribution. Five points of it
// stand beside what is measured, always, so that a pool which had only quick ones still expects a slow one.
type Prior struct {
	Median float64 // minutes
	Sigma  float64 // of the logarithm
}

const (
	priorPoints = 5
	// Quantiles is how many lead times stand for their distribution.
	Quantiles = 8
	// tail is how much longer than the longest lead time one may take yet, as a share of it.
	tail = 0.5
)

// Leads are the lead times of a pool, in minutes: an empirical distribution.
type Leads struct {
	points    []float64          // sorted; the i-th of n, from 1, is the quantile of (i−½)/n (Hazen)
	quantiles [Quantiles]float64 // at (i−½)/8
}

// priorQuantiles are those of a standard normal distribution at (i−½)/5.
var priorQuantiles = func() (z [priorPoints]float64) {
	for i := range z {
		z[i] = mathext.NormalQuantile((float64(i) + 0.5) / priorPoints)
	}
	return z
}()

// LeadTimes mixes lead times that were measured, the ages of hosts that are still on their way, and a prior. A host
// that is older than every lead time counts with its age: it takes at least that long.
func LeadTimes(measured, ages []time.Duration, prior Prior) Leads {
	return leadTimes(measured, 1, ages, prior)
}

// WaitTimes is LeadTimes for who is told how long to wait, in which what was measured counts for more: what hosts were
// thought to take keeps a plan on the safe side, and somebody who is told the same waits for less than was said.
func WaitTimes(measured, ages []time.Duration, prior Prior) Leads {
	return leadTimes(measured, measuredWeight, ages, prior)
}

// measuredWeight is how many points each lead time that was measured is where somebody is told how long to wait.
const measuredWeight = 2

func leadTimes(measured []time.Duration, weight int, ages []time.Duration, prior Prior) Leads {
	points := make([]float64, 0, weight*len(measured)+priorPoints+len(ages))
	for _, z := range priorQuantiles {
		points = append(points, prior.Median*math.Exp(prior.Sigma*z))
	}
	for _, took := range measured {
		for range weight {
			points = append(points, max(0, minutes(took)))
		}
	}
	longest := slices.Max(points)
	for _, age := range ages {
		if age := minutes(age); age > longest {
			points = append(points, age)
		}
	}
	slices.Sort(points)
	return leadsOf(points)
}

// Constant is the distribution of lead times that are always the same.
func Constant(took time.Duration) Leads { return leadsOf([]float64{minutes(took)}) }

// Measured is the distribution of lead times that are known from having been measured, one at least.
func Measured(took []time.Duration) Leads {
	points := make([]float64, len(took))
	for i, t := range took {
		points[i] = minutes(t)
	}
	slices.Sort(points)
	return leadsOf(points)
}

func leadsOf(points []float64) Leads {
	l := Leads{points: points}
	for i := range l.quantiles {
		l.quantiles[i] = l.At((float64(i) + 0.5) / Quantiles)
	}
	return l
}

// At is the lead time that a share of all stay below, in minutes, interpolated between points.
func (l Leads) At(share float64) float64 {
	at := share*float64(len(l.points)) - 0.5
	if at <= 0 {
		return l.points[0]
	}
	if at >= float64(len(l.points)-1) {
		return l.points[len(l.points)-1]
	}
	i := math.Floor(at)
	low, high := l.points[int(i)], l.points[int(i)+1]
	return low + (high-low)*(at-i)
}

// Mean is the mean lead time, in minutes, over the quantiles.
func (l Leads) Mean() float64 {
	sum := 0.0
	for _, q := range l.quantiles {
		sum += q
	}
	return sum / Quantiles
}

// P90 is the lead time that 90 of 100 hosts stay below.
func (l Leads) P90() time.Duration { return duration(l.At(0.90)) }

// P99 is the lead time that 99 of 100 hosts stay below. A host that is older is not counted on.
func (l Leads) P99() time.Duration { return duration(l.At(0.99)) }

// Median is the lead time that half of the hosts stay below.
func (l Leads) Median() time.Duration { return duration(l.At(0.5)) }

// within is how likely a host of an age is in service within so many minutes more. One that is as old as the oldest
// may take half as long again.
func (l Leads) within(age, more float64) float64 {
	there, by := l.share(age), l.share(age+more)
	if there >= 1 {
		return 0 // nobody knows when it comes
	}
	return (by - there) / (1 - there)
}

// share is how many of all lead times are below x: the inverse of At, with tails on either side.
func (l Leads) share(x float64) float64 {
	n := len(l.points)
	i, _ := slices.BinarySearch(l.points, x)
	// x lies between the points i−1 and i.
	at := func(i int) float64 { return (float64(i) + 0.5) / float64(n) }
	switch {
	case i == 0:
		if l.points[0] <= 0 {
			return 0
		}
		return at(0) * max(0, x) / l.points[0]
	case i == n:
		longest := l.points[n-1]
		if longest <= 0 {
			return 1
		}
		return min(1, at(n-1)+(1-at(n-1))*(x-longest)/(tail*longest))
	}
	low, high := l.points[i-1], l.points[i]
	return at(i-1) + (x-low)/(high-low)/float64(n)
}

func duration(m float64) time.Duration { return time.Duration(m * float64(time.Minute)) }
