package forecast

import "math"

// Need is how many slots of a kind must be free or on their way, and why.
type Need struct {
	Buffer int
	Surge  bool // signups come faster than the slow rate knows
	Hour   bool // more is wanted than by the rates, because more came at this hour of the weeks before
}

// Needs is the larger of the buffers that the two rates want; the fast one counts while it is in a surge.
func (d Demand) Needs(l Leads, batch int, serve float64) Need {
	var need Need
	for i, a := range d.arrivals() {
		need.Surge = i > 0
		need.Buffer = max(need.Buffer, Buffer(a, l, batch, serve))
	}
	if a, ok := d.Rhythm.arrivals(d.At, l.Mean(), d.Spread.C()); ok {
		if b := Buffer(a, l, batch, serve); b > need.Buffer {
			need.Buffer, need.Hour = b, true
		}
	}
	return need
}

// surging reports whether more came of late than the slow rate explains: by one and a half standard deviations of what the
// fast rate would have counted at that rate, and half a signup. One tenant after a quiet time is no surge, two within
// minutes are. Two deviations and one and a half signups see a surge later, for hardly less money: on series with
// clumps, walls and launches they serve 97.7, 98.7 and 97.9 of 100 at once, these 99.7, 99.4 and 98.6 (docs/simulation.md).
func (d Demand) surging() bool {
	m := d.Slow.PerMinute() * d.Fast.Exposure // μ
	return d.Fast.Count > m+1.5*math.Sqrt(m/2+d.Spread.C()*m*m)+0.5
}

// arrivals are those of the rates that count now: the slow one, and in a surge the fast one too.
func (d Demand) arrivals() []Arrivals {
	d = d.started()
	c := d.Spread.C()
	all := []Arrivals{d.Slow.Arrivals(c)}
	if d.surging() {
		all = append(all, d.Fast.Arrivals(c))
	}
	return all
}
