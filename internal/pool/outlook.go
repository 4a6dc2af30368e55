package pool

import (
	"maps"
	"slices"
	"time"

	"headroom/internal/pool/forecast"
)

// Outlook is what is expected of a tier: how many come, what was planned for that last, and how much was wanted of late.
// It is the one record that a check writes, at most once.
type Outlook struct {
	Tier    Tier
	Demand  forecast.Demand
	Plans   map[Kind]Planned // the last that were recorded
	Peaks   map[Kind][]Peak  // the largest buffers of late, the oldest first
	Off     MoveOff          // the last move that was asked for to empty a drained host
	Version int64            // of the record; 0 when it is not written yet
}

// Planned is a plan as it is kept.
type Planned struct {
	At     time.Time
	Buffer int
	Orders int
	Held   []HeldBack
	Reason string
	Spare  string // what could be done without, in words, and so why a host was retired or none
}

// Peak is the largest buffer that was wanted of a pool in a time that begins at From.
type Peak struct {
	From   time.Time
	Buffer int
}

const (
	// peakStep is the time for which one peak stands.
	peakStep = time.Hour
	// peaksMost bounds the peaks that are kept: as many as the longest keepEmpty needs.
	peaksMost = int(keepMost/peakStep) + 1
)

// Clone copies an outlook so that the copy can be changed without changing o.
func (o Outlook) Clone() Outlook {
	o.Demand = o.Demand.Clone()
	o.Plans, o.Peaks = maps.Clone(o.Plans), maps.Clone(o.Peaks)
	for k, peaks := range o.Peaks {
		o.Peaks[k] = slices.Clone(peaks)
	}
	return o
}

// Noted is the outlook when so many signups had come by now. databases are the lead times of the tier's database hosts,
// whose mean is how far forecasts look.
func (o Outlook) Noted(signups int64, databases forecast.Leads, now time.Time) Outlook {
	o.Demand = o.Demand.Noted(signups, now, databases.Mean())
	return o
}

// Planned is the outlook with plans that were made for its pools. keep is for how long it is remembered what was wanted.
func (o Outlook) Planned(plans map[Kind]Plan, keep func(Kind) time.Duration, now time.Time) Outlook {
	planned, peaks := make(map[Kind]Planned, len(Kinds)), make(map[Kind][]Peak, len(Kinds))
	maps.Copy(planned, o.Plans)
	maps.Copy(peaks, o.Peaks)
	for k, p := range plans {
		planned[k] = Planned{At: now, Buffer: p.Buffer, Orders: len(p.Actions), Held: p.Held, Reason: p.Reason}
		peaks[k] = peaked(peaks[k], p.Buffer, keep(k), now)
	}
	o.Plans, o.Peaks = planned, peaks
	return o
}

// peaked are peaks with the buffer of now, without those that are over.
func peaked(peaks []Peak, buffer int, keep time.Duration, now time.Time) []Peak {
	from := now.Truncate(peakStep)
	if n := len(peaks); n > 0 && now.Sub(peaks[0].From) < keep+peakStep && peaks[n-1].From.Equal(from) && peaks[n-1].Buffer >= buffer {
		return peaks // as mostly
	}
	kept := make([]Peak, 0, len(peaks)+1)
	for _, p := range peaks {
		if now.Sub(p.From) < keep+peakStep && !p.From.After(from) {
			kept = append(kept, p)
		}
	}
	if n := len(kept); n > 0 && kept[n-1].From.Equal(from) {
		kept[n-1].Buffer = max(kept[n-1].Buffer, buffer)
	} else {
		kept = append(kept, Peak{From: from, Buffer: buffer})
	}
	return last(kept, peaksMost)
}

// Peak is the largest buffer that was wanted of a pool within a time, and since when that is known.
func (o Outlook) Peak(k Kind, within time.Duration, now time.Time) (buffer int, since time.Time) {
	for _, p := range o.Peaks[k] {
		if now.Sub(p.From) < within+peakStep {
			buffer = max(buffer, p.Buffer)
		}
	}
	if len(o.Peaks[k]) > 0 {
		since = o.Peaks[k][0].From
	}
	return buffer, since
}

// News reports whether the outlook is worth writing over another that was read: somebody came, a sample was taken, an hour
// began, or something else is planned.
func (o Outlook) News(read Outlook) bool {
	if o.Demand.Signups != read.Demand.Signups || len(o.Demand.Spread.Marks) == 0 || len(read.Demand.Spread.Marks) == 0 {
		return true
	}
	newest := func(o Outlook) time.Time { return o.Demand.Spread.Marks[len(o.Demand.Spread.Marks)-1].At }
	if !newest(o).Equal(newest(read)) {
		return true
	}
	for _, k := range Kinds {
		was, is := read.Plans[k], o.Plans[k]
		if was.Buffer < is.Buffer || was.Orders != is.Orders || !slices.Equal(was.Held, is.Held) || len(o.Peaks[k]) != len(read.Peaks[k]) {
			return true
		}
	}
	return false
}
