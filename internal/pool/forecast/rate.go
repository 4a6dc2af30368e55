package forecast

import "math"

// Rate is what is known of how often tenants come: a count and the time in which it was made, both of which
// fade. With a prior it is a gamma distribution that is updated by Poisson counts and discounted as time goes by
// (R. L. Smith, "A generalization of the Bayesian steady forecasting model", JRSS B 41, 1979; A. C. Harvey and
// C. Fernandes, "Time series models for count or qualitative observations", JBES 7, 1989).
type Rate struct {
	Count    float64 // a: signups, faded
	Exposure float64 // b: minutes in which they came, faded
}

const (
	// slowHalf and fastHalf are the half-lives of the rate, and of the one by which surges are seen, in minutes.
	slowHalf = 60
	fastHalf = 8
	// weekHalf is the half-life of the rate by which days ahead are looked at: a week, so that nights and weekends count.
	weekHalf = 7 * 24 * 60
	// slowStart is the exposure that a rate begins with, in minutes, which with none counted means one signup an hour.
	slowStart = 30
	// unseen is added to the count: what may come although nobody came (Jeffreys' prior).
	unseen = 0.5
)

// startRate, startFast and startWeek are the rates of whom nothing is known yet.
func startRate() Rate { return Rate{Exposure: slowStart} }
func startFast() Rate { return Rate{Exposure: fastHalf / math.Ln2} }
func startWeek() Rate { return Rate{Exposure: slowHalf * 24} }

// after is the rate when delta minutes have passed in which n signups came evenly. Noting them at once is the
// same as noting them one by one. At delta 0 they count in full.
func (r Rate) after(n, delta, half float64) Rate {
	x := delta * math.Ln2 / half
	kept := math.Exp(-x) // g
	lost := -math.Expm1(-x)
	weight := 1.0 // of signups that came evenly since, as the mean of what they faded to
	if x > 0 {
		weight = lost / x
	}
	return Rate{Count: r.Count*kept + n*weight, Exposure: r.Exposure*kept + lost*half/math.Ln2}
}

// PerMinute is the rate's mean, in signups a minute.
func (r Rate) PerMinute() float64 { return (r.Count + unseen) / r.Exposure }
