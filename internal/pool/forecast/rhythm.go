package forecast

import (
	"slices"
	"time"
)

// Rhythm is how many came in each hour of the last three weeks. What came at the same hour of the week in most of them is
// expected again: so hosts are there before a wall at nine, which no rate of the last hour knows of. Until two weeks are known,
// what came at the same hour of most of the last three days is, which is wrong about a Saturday and a Monday, and right about
// most other days. Hours are UTC's: where clocks are put forward or back, it is late or early by an hour until two weeks have passed.
type Rhythm struct {
	Hour  int64    // the hour that is being counted, since the epoch
	Count int64    // of it, so far
	Past  []uint16 // of the hours before, the youngest last
}

const (
	hoursOfDay  = 24
	hoursOfWeek = 7 * hoursOfDay
	// rhythmPeriods is how many weeks, or days, are looked back. Of three the middle one counts: what came once was an accident.
	rhythmPeriods = 3
	hourMost      = 1<<16 - 1
)

// noted is the rhythm when n more came by now.
func (r Rhythm) noted(n int64, now time.Time) Rhythm {
	hour := now.Unix() / 3600
	if r.Hour == 0 {
		r.Hour = hour
	}
	if hour > r.Hour {
		// Of what came since the last look nobody knows in which of the hours: a look a minute makes that no matter.
		past := append(slices.Clone(r.Past), uint16(min(hourMost, r.Count)))
		past = append(past, make([]uint16, min(hour-r.Hour-1, rhythmPeriods*hoursOfWeek))...)
		r.Past = past[max(0, len(past)-rhythmPeriods*hoursOfWeek):]
		r.Hour, r.Count = hour, 0
	}
	r.Count += n
	return r
}

// at is how many came at the hour of a moment that is yet to come, in the weeks before, and as long as these are not known, on the
// days before; none, as long as these are not either.
func (r Rhythm) at(moment time.Time) int {
	if n, known := r.middle(moment, hoursOfWeek); known {
		return n
	}
	n, _ := r.middle(moment, hoursOfDay)
	return n
}

// middle is how many came at the hour of a moment in the periods before, of so many hours: of three the middle one, of two the less.
// known is false of fewer.
func (r Rhythm) middle(moment time.Time, period int64) (n int, known bool) {
	var came [rhythmPeriods]int
	periods := 0
	for back := range int64(rhythmPeriods) {
		i := int64(len(r.Past)) - (r.Hour - moment.Unix()/3600 + (back+1)*period)
		if i >= 0 && i < int64(len(r.Past)) {
			came[periods] = int(r.Past[i])
			periods++
		}
	}
	if periods < 2 {
		return 0, false
	}
	slices.Sort(came[:periods])
	return came[(periods-1)/2], true
}

// arrivals are those that are expected by what came at these hours before: of the hours that the next so many minutes touch,
// the busiest counts. ok is false where nobody came in them, or nothing is known.
func (r Rhythm) arrivals(now time.Time, ahead, c float64) (a Arrivals, ok bool) {
	most, until := 0, now.Add(duration(ahead))
	for t := now; t.Before(until); t = t.Add(time.Hour) {
		most = max(most, r.at(t))
	}
	most = max(most, r.at(until))
	return Rate{Count: float64(most * rhythmPeriods), Exposure: 60 * rhythmPeriods}.Arrivals(c), most > 0
}
