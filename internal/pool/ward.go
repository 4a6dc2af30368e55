package pool

import (
	"fmt"
	"slices"
	"time"
)

// Ward is which hosts of a pool are ill, and which of them are being mended: so few at once that a mistake does not
// reach them all.
type Ward struct {
	Key      Key
	Patients []Patient
	Begun    []time.Time // when the last were admitted, the oldest first
	FailedAt time.Time   // when one was given up last
	Version  int64       // of the record; 0 when it is not written yet
}

// Patient is a host that is ill, or that a person wants changed.
type Patient struct {
	Host    HostID
	Zone    string
	Since   time.Time
	Inside  bool // it is being mended
	Planned bool // it is well, and a person wants it changed: it says nothing of its zone
	Update  bool // that is an update of its stack to another template
}

const (
	// wardPart is the part of a pool's hosts that may be mended at once; at least one may.
	wardPart = 10
	// wardHourly is how many of a pool are admitted within an hour.
	wardHourly = 6
	// wardPause is how long none is admitted after one was given up.
	wardPause = 15 * time.Minute
	// zonePatients are so many hosts of one zone that fell ill within zoneWindow: then it is the zone.
	zonePatients = 3
	zoneWindow   = 10 * time.Minute
	// zonePatience is how long a zone is waited for after the last of its hosts fell ill.
	zonePatience = time.Hour
)

// Note notes that a host is ill. Since and Inside of p are not looked at.
func (w Ward) Note(p Patient, now time.Time) Ward {
	w = w.Clone()
	if !slices.ContainsFunc(w.Patients, func(q Patient) bool { return q.Host == p.Host }) {
		p.Since, p.Inside = now.UTC(), false
		w.Patients = append(w.Patients, p)
	}
	return w
}

// Enter notes that a host is ill, and admits it if that may be: hosts is how many its pool has. Why it is not is worded;
// that of one that is admitted already is empty, whatever holds by now. Since and Inside of p are not looked at.
func (w Ward) Enter(p Patient, hosts int, now time.Time) (out Ward, why string) {
	return w.enter(p, p.Zone, hosts, now)
}

// EnterByWord is Enter for a host of which a person said just now how it is mended: that its zone seems to fail, they know.
func (w Ward) EnterByWord(p Patient, hosts int, now time.Time) (out Ward, why string) {
	return w.enter(p, "", hosts, now)
}

// enter admits a host if that may be, and a zone does not fail; "" is none.
func (w Ward) enter(p Patient, zone string, hosts int, now time.Time) (out Ward, why string) {
	out = w.Note(p, now)
	i := slices.IndexFunc(out.Patients, func(q Patient) bool { return q.Host == p.Host })
	if out.Patients[i].Inside {
		return out, ""
	}
	if why = out.closed(zone, hosts, now); why == "" && p.Update {
		why = out.updating()
	}
	if why != "" {
		return out, why
	}
	out.Patients[i].Inside = true
	out.Begun = append(slices.DeleteFunc(out.Begun, func(at time.Time) bool { return now.Sub(at) >= time.Hour }), now.UTC())
	return out, ""
}

// Admitted reports whether a host was admitted, and is being mended.
func (w Ward) Admitted(h HostID) bool {
	return slices.ContainsFunc(w.Patients, func(p Patient) bool { return p.Host == h && p.Inside })
}

// closed says why no other host of a zone is admitted.
func (w Ward) closed(zone string, hosts int, now time.Time) string {
	inside, lately := 0, 0
	for _, p := range w.Patients {
		if p.Inside {
			inside++
		}
	}
	for _, at := range w.Begun {
		if now.Sub(at) < time.Hour {
			lately++
		}
	}
	most := max(1, hosts/wardPart)
	switch {
	case slices.Contains(w.FailingZones(now), zone):
		return fmt.Sprintf("zone %s seems to fail, for %d of the pool's hosts in it fell ill together: they are not repaired into it one by one", zone, w.illIn(zone))
	case inside >= most:
		return fmt.Sprintf("%d of the pool's %d hosts are being repaired, and no more than %d are at once", inside, hosts, most)
	case lately >= wardHourly:
		return fmt.Sprintf("%d repairs of the pool were begun within an hour, and no more are", lately)
	case !w.FailedAt.IsZero() && now.Sub(w.FailedAt) < wardPause:
		return fmt.Sprintf("a repair of the pool failed at %s, and none is begun for %s", w.FailedAt.UTC().Format(time.RFC3339), wardPause)
	}
	return ""
}

// updating says why no other host's stack is updated; empty: none is. A template that is wrong is to show at one host, however
// many may be mended at once.
func (w Ward) updating() string {
	for _, p := range w.Patients {
		if p.Inside && p.Update {
			return fmt.Sprintf("host %s is being updated, and one of a pool is at a time", p.Host)
		}
	}
	return ""
}

func (w Ward) illIn(zone string) int {
	n := 0
	for _, p := range w.Patients {
		if p.Zone == zone && !p.Planned {
			n++
		}
	}
	return n
}

// FailingZones are the zones that seem to fail, sorted: so many of the pool's hosts in each fell ill so shortly after one
// another, and not long ago.
func (w Ward) FailingZones(now time.Time) []string {
	since := map[string][]time.Time{}
	for _, p := range w.Patients {
		if p.Zone != "" && !p.Planned {
			since[p.Zone] = append(since[p.Zone], p.Since)
		}
	}
	return failing(since, now)
}

// failing are the zones that seem to fail, sorted, by when hosts in each fell ill.
func failing(since map[string][]time.Time, now time.Time) []string {
	var zones []string
	for zone, times := range since {
		slices.SortFunc(times, time.Time.Compare)
		if now.Sub(times[len(times)-1]) >= zonePatience {
			continue
		}
		for i := range len(times) - zonePatients + 1 {
			if times[i+zonePatients-1].Sub(times[i]) <= zoneWindow {
				zones = append(zones, zone)
				break
			}
		}
	}
	slices.Sort(zones)
	return zones
}

// Leave notes that a host is not ill any more, or was given up.
func (w Ward) Leave(h HostID, failed bool, now time.Time) Ward {
	w = w.Clone()
	w.Patients = slices.DeleteFunc(w.Patients, func(p Patient) bool { return p.Host == h })
	if failed {
		w.FailedAt = now.UTC()
	}
	return w
}

// Clone copies a ward so that the copy can be changed without changing w.
func (w Ward) Clone() Ward {
	w.Patients, w.Begun = slices.Clone(w.Patients), slices.Clone(w.Begun)
	return w
}
