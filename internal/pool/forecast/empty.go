package forecast

import (
	"math"
	"time"

	"gonum.org/v1/gonum/mathext"
)

// Forever is what a time is said to be that is too far away to tell: ten years.
const Forever = 10 * 365 * 24 * time.Hour

// Until is the time by which n tenants have come with a chance: I_p(a′, n) = 1 − chance, solved for the time.
func (a Arrivals) Until(n int, chance float64) time.Duration {
	if n <= 0 {
		return 0
	}
	p := mathext.InvRegIncBeta(a.shape, float64(n), 1-chance)
	t := a.exposure * (1 - p) / p
	if math.IsNaN(t) || t > minutes(Forever) {
		return Forever
	}
	return duration(t)
}

// Lasts is how long so many pairs last that are free now, with nothing that is coming: the median.
func (d Demand) Lasts(pairs int) time.Duration { return d.until(pairs, 0.5) }

// Empty is Lasts, and early, which the pairs outlast with 90 %, as far as what was said of it before was to be trusted.
func (d Demand) Empty(pairs int) (median, early time.Duration) {
	median = d.Lasts(pairs)
	return median, min(median, d.Trust.stretched(d.until(pairs, earlyChance)))
}

// until is the time by which so many have come with a chance, at the rate that has them come soonest.
func (d Demand) until(pairs int, chance float64) time.Duration {
	until := Forever
	for _, a := range d.arrivals() {
		until = min(until, a.Until(pairs, chance))
	}
	return until
}

// Stock is what there is of a kind, and what is on its way.
type Stock struct {
	Leads Leads
	Free  int             // slots
	Batch int             // slots that a host brings
	Ages  []time.Duration // of the hosts on their way, since they were decided on
}

// looks is how many times a risk is looked for.
const looks = 8

// Risk is how likely somebody must wait for a slot within the lead time that 90 of 100 hosts stay below, of what is
// free and what comes in the meantime: the highest chance at any time until then.
func (d Demand) Risk(s Stock) float64 {
	risk, horizon, ages := 0.0, s.Leads.At(0.9), inMinutes(s.Ages)
	for i := 1; i <= looks; i++ {
		t := horizon * float64(i) / looks
		ready := s.Leads.ready(ages, t)
		for _, a := range d.arrivals() {
			late := 0.0
			for k, chance := range ready {
				late += chance * (1 - a.AtMost(s.Free+k*s.Batch, t))
			}
			risk = max(risk, late)
		}
	}
	return min(1, max(0, risk))
}
