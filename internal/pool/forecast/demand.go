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
	Trust   Trust
	Rhythm  Rhythm
}

// staleCount is for how long a count that is lower than one noted before is taken for that of somebody who read it earlier, and
// was overtaken: as long as the longest invocation there can be (AWS Lambda quotas: 15 minutes). After that it is the count that
// went back, with a table that was put back.
const staleCount = 15 * time.Minute

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
	if signups < d.Signups && now.Sub(d.At) < staleCount {
		return d // somebody has noted more already: what is taken back here would be counted twice by the next
	}
	n := float64(max(0, signups-d.Signups))
	delta := max(0, minutes(now.Sub(d.At)))
	d.Slow, d.Fast, d.Week = d.Slow.after(n, delta, slowHalf), d.Fast.after(n, delta, fastHalf), d.Week.after(n, delta, weekHalf)
	d.Rhythm = d.Rhythm.noted(int64(n), now)
	d.Signups = signups
	if now.After(d.At) {
		d.At = now
	}
	d.Spread = d.Spread.sampled(d.At, signups, d.Slow.PerMinute(), horizon)
	return d
}

// Watched is the demand when so many pairs are free: what is said of how long they last is held against what comes.
func (d Demand) Watched(pairs int) Demand {
	d.Trust = d.Trust.learned(d.At, d.Signups)
	if pairs > 0 && !d.At.Before(d.Trust.Next) {
		_, early := d.Empty(pairs)
		d.Trust = d.Trust.looked(d.At, d.Signups+int64(pairs), early)
	}
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
	d.Trust.Looks = slices.Clone(d.Trust.Looks)
	d.Rhythm.Past = slices.Clone(d.Rhythm.Past)
	return d
}
