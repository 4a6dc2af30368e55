package pool

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Storm is which hosts of a stage, of all pools, went out of service lately because they are ill, and what people were told
// of that. Few are told of one by one; more of them at a time are gathered, and told of together.
type Storm struct {
	Fallen  []Fallen  // the earliest first
	ToldAt  time.Time // when several were told of last; zero: never
	Telling time.Time // since when somebody tells of several; zero: nobody does
	Version int64     // of the record; 0 when it is not written yet

	// Zones are those of which people were told that they seem to fail, and when: hosts that fall once more when their zone
	// comes back are no other failure of it.
	Zones map[string]time.Time
}

// Fallen is a host that went out of service.
type Fallen struct {
	Host    HostID
	Zone    string
	At      time.Time // since when it is cordoned: a host that falls once more is another
	Down    bool      // it seems not to serve its tenants, either
	Why     string    // in short
	Tenants int
	Alone   bool      // it is told of by itself, when it falls and when it is back
	Told    bool      // it was told of among several
	BackAt  time.Time // when it was back in service; zero: it is not
	Home    bool      // that it is back was told of among several
}

const (
	// stormHosts is how many hosts fall within stormWindow when they are gathered: from that one on.
	stormHosts  = 3
	stormWindow = 10 * time.Minute
	// stormLull is how long none falls until those that are gathered are told of, and stormMost how long that is put off at most.
	stormLull = time.Minute
	stormMost = 3 * time.Minute
	// stormPause is how long people are not told of more after they were told of several, and how long hosts that are
	// back are gathered while others of theirs are out.
	stormPause = 10 * time.Minute
	// stormLease is after how long somebody who began to tell of several is taken for dead.
	stormLease = 2 * time.Minute
	// stormMemory is how long a host is remembered that nothing more is to be told of, and stormForgets one that never came back.
	stormMemory  = zonePatience
	stormForgets = 24 * time.Hour
	// fallenMost bounds the hosts that are remembered, in a record of at most 400 KB.
	fallenMost = 800
	// fallenWhy bounds the reason that is remembered of each, in bytes.
	fallenWhy = 160
)

// Clone copies a storm so that the copy can be changed without changing s.
func (s Storm) Clone() Storm {
	s.Fallen, s.Zones = slices.Clone(s.Fallen), maps.Clone(s.Zones)
	return s
}

// Down reports whether a host that is ill seems not to serve its tenants, either: it does not answer, or its machine or
// gateway is not well. One that is overworked is not.
func (h Host) Down() bool {
	if h.Doubt != "" || h.Trouble != "" {
		return true
	}
	return slices.ContainsFunc(h.Alarmed(), func(name string) bool {
		return slices.ContainsFunc(append([]string{"-silence"}, mendable...), func(end string) bool { return strings.HasSuffix(name, "-"+string(h.ID)+end) })
	})
}

// Ill reports whether a host is out of service for what it has, and not because of a person or for a repair alone.
func (h Host) Ill() bool { return len(h.Alarmed()) > 0 || h.Doubt != "" || h.Trouble != "" }

// Fell notes that a host went out of service. alone says that it is to be told of by itself: that is as for a host that was
// noted before, whoever asks, and however often; then nothing is changed.
func (s Storm) Fell(h Host, now time.Time) (out Storm, alone, changed bool) {
	if i := s.of(h.ID, h.Since); i >= 0 {
		return s, s.Fallen[i].Alone, false
	}
	out = s.forget(now)
	lately := 1
	for _, f := range out.Fallen {
		if now.Sub(f.At) < stormWindow {
			lately++
		}
	}
	f := Fallen{Host: h.ID, Zone: h.Zone, At: h.Since.UTC(), Down: h.Down(), Why: short(h.Barriers()), Alone: lately < stormHosts}
	for _, slot := range h.Slots {
		if slot.State == SlotAssigned {
			f.Tenants++
		}
	}
	out.Fallen = append(out.Fallen, f)
	return out, f.Alone, true
}

func short(why string) string {
	if len(why) > fallenWhy {
		why = strings.ToValidUTF8(why[:fallenWhy], "") + "…"
	}
	return why
}

// Returned notes that a host is back in service. alone says that it is to be told of by itself, as when it fell.
func (s Storm) Returned(h Host) (out Storm, alone, changed bool) {
	out, alone = s.Clone(), true
	for i := range out.Fallen {
		f := &out.Fallen[i]
		if f.Host != h.ID || f.At.After(h.Since) {
			continue
		}
		if f.BackAt.IsZero() {
			f.BackAt, changed = h.Since.UTC(), true
		}
		if f.BackAt.Equal(h.Since) {
			alone = f.Alone
		}
	}
	return out, alone, changed
}

// Gathers reports whether a host that is out of service is told of among several.
func (s Storm) Gathers(h HostID) bool {
	return slices.ContainsFunc(s.Fallen, func(f Fallen) bool { return f.Host == h && !f.Alone && f.BackAt.IsZero() })
}

// Gathered is what people are to be told of several hosts.
type Gathered struct {
	Fell    []Fallen // those that were not told of yet
	Beside  []Fallen // those that are out besides, and were told of
	Back    []Fallen // those that are back, of those that were told of among several
	Failing []string // zones that seem to fail, and were not told of as such
}

// Gathered returns what is to be told of now. due is false when there is nothing, when more is waited for, or when somebody
// else is about to tell.
func (s Storm) Gathered(now time.Time) (g Gathered, due bool) {
	if !s.Telling.IsZero() && now.Sub(s.Telling) < stormLease {
		return Gathered{}, false
	}
	out, first, last, back := 0, time.Time{}, time.Time{}, time.Time{}
	for _, f := range s.Fallen {
		switch {
		case !f.Alone && !f.Told:
			g.Fell = append(g.Fell, f)
			if first.IsZero() || f.At.Before(first) {
				first = f.At
			}
			last = later(last, f.At)
		case !f.Alone && !f.BackAt.IsZero() && !f.Home:
			g.Back = append(g.Back, f)
			back = later(back, f.BackAt)
		}
		if f.BackAt.IsZero() {
			out++
			if f.Alone || f.Told {
				g.Beside = append(g.Beside, f)
			}
		}
	}
	g.Failing = slices.DeleteFunc(s.FailingZones(now), func(zone string) bool { return !s.Zones[zone].IsZero() && now.Sub(s.Zones[zone]) < zonePatience })
	fell := len(g.Fell) > 0 && (now.Sub(last) >= stormLull || now.Sub(first) >= stormMost) && now.Sub(s.ToldAt) >= stormPause
	return g, fell || len(g.Fell) == 0 && len(g.Back) > 0 && (out == 0 || now.Sub(back) >= stormPause)
}

// Begun notes that somebody is about to tell of what is gathered.
func (s Storm) Begun(now time.Time) Storm {
	s = s.Clone()
	s.Telling = now.UTC()
	return s
}

// Ended notes that people were told of what was gathered. What has happened since is told of later.
func (s Storm) Ended(g Gathered, now time.Time) Storm {
	s = s.Clone()
	for _, told := range g.Fell {
		if i := s.of(told.Host, told.At); i >= 0 {
			s.Fallen[i].Told = true
			s.Fallen[i].Home = !told.BackAt.IsZero()
		}
	}
	for _, told := range g.Back {
		if i := s.of(told.Host, told.At); i >= 0 {
			s.Fallen[i].Home = true
		}
	}
	s.Telling = time.Time{}
	if len(g.Fell) > 0 {
		s.ToldAt = now.UTC()
		for _, zone := range g.Failing {
			if s.Zones == nil {
				s.Zones = map[string]time.Time{}
			}
			s.Zones[zone] = now.UTC()
		}
	}
	return s.forget(now)
}

// FailingZones are the zones that seem to fail, sorted: so many hosts in each, of whatever pool, went down so shortly after
// one another, are not back, and not long ago.
func (s Storm) FailingZones(now time.Time) []string {
	since := map[string][]time.Time{}
	for _, f := range s.Fallen {
		if f.Zone != "" && f.Down && f.BackAt.IsZero() {
			since[f.Zone] = append(since[f.Zone], f.At)
		}
	}
	return failing(since, now)
}

// FailingZones are the zones that seem to fail, sorted: by hosts of whatever pool that went down together, or by those of a pool
// that are to be mended.
func FailingZones(s Storm, w Ward, now time.Time) []string {
	zones := append(s.FailingZones(now), w.FailingZones(now)...)
	slices.Sort(zones)
	return slices.Compact(zones)
}

func (s Storm) of(h HostID, at time.Time) int {
	return slices.IndexFunc(s.Fallen, func(f Fallen) bool { return f.Host == h && f.At.Equal(at) })
}

// forget leaves out of which nothing is to be told any more, once they count for nothing else.
func (s Storm) forget(now time.Time) Storm {
	s = s.Clone()
	s.Fallen = slices.DeleteFunc(s.Fallen, func(f Fallen) bool {
		owed := !f.Alone && (!f.Told || !f.BackAt.IsZero() && !f.Home)
		age := now.Sub(f.At)
		return !owed && (age >= stormForgets || !f.BackAt.IsZero() && age >= stormMemory)
	})
	for len(s.Fallen) >= fallenMost {
		s.Fallen = s.Fallen[1:]
	}
	maps.DeleteFunc(s.Zones, func(_ string, told time.Time) bool { return now.Sub(told) >= zonePatience })
	return s
}
