package forecast

import (
	"slices"
	"time"
)

// Demand is what is remembered of the signups of a tier. A zero Demand is one that nothing was noted of.
type Demand struct {
	At      time.Time // up to when signups were noted
	Signups int64     // how many there were by then, of those who came for the first time
	Slow    Rate      // half-life an hour
	Fast    Rate      // half-life 8 minutes: sees a surge
	Week    Rate      // half-life a week: how a stage grows
	Spread  Spread
}

// Noted is the demand when signups tenants came by now. horizon is how far forecasts look, in minutes: the mean lead time
// of databases. A clock that went back, or a count that did, adds nothing.
//
// Of a tier that is looked at for the first time, those that came before are not known to have come lately: they
// do not count.
func (d Demand) Noted(signups int64, now time.Time, horizon float64) Demand {
	if d.At.IsZero() {
		d = Demand{At: now, Signups: signups, Slow: startRate(), Fast: startFast(), Week: startWeek()}
		d.Spread.Marks = []Mark{{At: now, Signups: signups, PerMinute: d.Slow.PerMinute()}}
		return d
	}
	if signups < d.Signups && !now.After(d.At) {
		return d // who looked later has noted them already: they would be counted twice
	}
	n := float64(max(0, signups-d.Signups))
	delta := max(0, minutes(now.Sub(d.At)))
	d.Slow, d.Fast, d.Week = d.Slow.after(n, delta, slowHalf), d.Fast.after(n, delta, fastHalf), d.Week.after(n, delta, weekHalf)
	d.Signups = signups
	if now.After(d.At) {
		d.At = now
	}
	d.Spread = d.Spread.sampled(d.At, signups, d.Slow.PerMinute(), horizon)
	return d
}

// Began is a demand that nothing was noted of before, at a time from which tenants are counted.
func Began(at time.Time) Demand { return Demand{}.Noted(0, at, 0) }

// started is the demand as it is, or what one begins with.
func (d Demand) started() Demand {
	if d.At.IsZero() {
		d.Slow, d.Fast, d.Week = startRate(), startFast(), startWeek()
	}
	return d
}

// PerHour is how many tenants come an hour, on average.
func (d Demand) PerHour() float64 { return 60 * d.started().Slow.PerMinute() }

// PerDay is how many tenants come a day, over the last weeks.
func (d Demand) PerDay() float64 { return 24 * 60 * d.started().Week.PerMinute() }

// C is how unsteadily tenants come: 0 is by chance alone.
func (d Demand) C() float64 { return d.Spread.C() }

// Clone copies a demand so that the copy can be changed without changing d.
func (d Demand) Clone() Demand {
	d.Spread.Marks = slices.Clone(d.Spread.Marks)
	return d
}
