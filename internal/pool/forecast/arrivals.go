package forecast

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Arrivals is the distribution of how many tenants come: their rate has a gamma distribution, so the count in a time
// has a negative binomial one. A spread makes it wider, and leaves its mean.
type Arrivals struct {
	shape    float64 // a′
	exposure float64 // b′, in minutes
}

// Arrivals are those of a rate with a spread c: the shape a″ = a + ½ becomes a″/(1 + c·a″), the exposure shrinks
// alike.
func (r Rate) Arrivals(c float64) Arrivals {
	shape := r.Count + unseen
	wider := 1 + c*shape
	return Arrivals{shape: shape / wider, exposure: r.Exposure / wider}
}

// Known are the arrivals of a rate that is known, in signups a minute.
func Known(perMinute float64) Arrivals {
	const certain = 1e5
	return Arrivals{shape: certain, exposure: certain / perMinute}
}

// AtMost is how likely no more than y tenants come in so many minutes: I_p(a′, y+1), the regularized incomplete beta
// function with p = b′/(b′ + minutes), which is the negative binomial distribution's.
func (a Arrivals) AtMost(y int, minutes float64) float64 {
	if y < 0 {
		return 0
	}
	if minutes <= 0 {
		return 1
	}
	return mathext.RegIncBeta(a.shape, float64(y)+1, a.exposure/(a.exposure+minutes))
}

// counts walks through a negative binomial distribution from below: each step is one count further. It is what AtMost
// says, for many counts one after the other, at two multiplications each.
type counts struct {
	next   int     // the count that comes next
	chance float64 // of that count
	below  float64 // of all that are less
	shape  float64
	beyond float64 // 1 − p
}

// deviations is how many standard deviations below the mean a walk begins: what lies below has a chance of less
// than 1e-15.
const deviations = 8

// counts begins a walk through the arrivals of so many minutes.
func (a Arrivals) counts(minutes float64) counts {
	p := a.exposure / (a.exposure + minutes)
	c := counts{shape: a.shape, beyond: minutes / (a.exposure + minutes)}
	mean := a.shape * minutes / a.exposure
	c.next = max(0, int(mean-deviations*math.Sqrt(mean/p)))
	c.chance = math.Exp(a.shape * math.Log(p)) // of none
	if y := float64(c.next); y > 0 {
		c.chance = math.Exp(a.shape*math.Log(p) + y*math.Log(c.beyond) + logChoices(a.shape, y))
	}
	return c
}

// logChoices is the logarithm of Γ(a+y)/(Γ(a)·y!).
func logChoices(a, y float64) float64 {
	both, _ := math.Lgamma(a + y)
	one, _ := math.Lgamma(a)
	other, _ := math.Lgamma(y + 1)
	return both - one - other
}

// atMost takes the walk to count y and returns how likely no more come. Counts may only grow.
func (c *counts) atMost(y int) float64 {
	for c.next <= y {
		c.below += c.chance
		c.chance *= (c.shape + float64(c.next)) * c.beyond / float64(c.next+1)
		c.next++
	}
	return min(1, c.below)
}
