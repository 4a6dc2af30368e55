package pool

import (
	"fmt"
	"slices"
	"time"
)

const (
	// steadyMost is how many times its first term a host that flaps is waited for at most.
	steadyMost = 8
	// rangMost bounds how many of a host's alarms' beginnings are remembered: more of them change nothing.
	rangMost = 8
	// alarmLooks is how far back the alarms of hosts look (infra: three periods of five minutes): what rings so soon after a
	// host was made, or mended, may tell of the time before.
	alarmLooks = 15 * time.Minute
)

// Marked is a host with the newest mark of one of its alarms. Once none of a cordoned host's alarms is on, its calm
// begins, and the next alarm ends it. Nothing else does: what becomes of the host then follows from the record and the clock
// (Recheck), so that no message that is lost, late or doubled lets it in too early, or keeps it out.
func Marked(h Host, alarm string, m AlarmMark, now time.Time) Host {
	h = h.Clone()
	rang := len(h.Alarmed()) > 0
	if h.Alarms == nil {
		h.Alarms = map[string]AlarmMark{}
	}
	h.Alarms[alarm] = m
	rings, ready := len(h.Alarmed()) > 0, h.State == HostInService || h.State == HostCordoned
	switch {
	case rings:
		h.Calm = time.Time{}
		// While it is made, mended or taken down alarms ring that say nothing of it, and for a while after; those of one in
		// doubt, or of which RDS says that it does not serve, say the same once more.
		if !rang && ready && h.Repair == 0 && m.At.Sub(h.Set) >= alarmLooks && h.Doubt == "" && h.Trouble == "" {
			h.Rang = h.fell(now, now)
		}
	case rang && h.State == HostCordoned:
		h.Calm = now.UTC()
	}
	return h
}

// fell is Rang of a host that something ails, since a moment at which there was a first sign of it.
func (h Host) fell(since, now time.Time) []time.Time {
	rang := h.lately(now)
	if n := len(rang); n > 0 {
		since = later(since, rang[n-1])
	}
	rang = append(rang, since.UTC())
	return rang[max(0, len(rang)-rangMost):]
}

// Trusted is a host that is in doubt no longer, and so in service if nothing else keeps it out. One that something had ailed
// before, within some hours, is let in only once that has lasted, as after an alarm: it may fall again at the next signup.
func Trusted(h Host, now time.Time, why string) (Host, error) {
	h = h.Clone()
	h.Doubt = ""
	if h.State == HostCordoned && len(h.lately(now)) > 1 && len(h.Alarmed()) == 0 && h.Calm.IsZero() {
		h.Calm = now.UTC()
	}
	return Reconsider(h, now, why)
}

// Discharged is a host whose repair helped. It is let in once that has lasted for a while, as after an alarm: alarms look back,
// and would ring for what the repair itself did just after it was let in.
func Discharged(h Host, now time.Time) Host {
	h = h.Clone()
	h.Repair, h.Doubt, h.Set = 0, "", now.UTC()
	if h.State == HostCordoned && len(h.Alarmed()) == 0 {
		h.Calm = now.UTC()
	}
	return h
}

// lately is when something began to ail the host, as far as that counts still.
func (h Host) lately(now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(h.Rang), func(at time.Time) bool { return now.Sub(at) >= flapWindow })
}

// SteadyAt is when a host that nothing ails any more is let in again, if that lasts: a term after that began, and twice as long
// each time that something did within some hours, up to steadyMost times. Zero while an alarm is on, or if nothing is waited for.
func (h Host) SteadyAt(term time.Duration, now time.Time) time.Time {
	if h.Calm.IsZero() {
		return time.Time{}
	}
	times := 1
	for range h.lately(now)[min(1, len(h.lately(now))):] {
		times = min(2*times, steadyMost)
	}
	return h.Calm.Add(time.Duration(times) * term)
}

// Steady reports whether what ailed a cordoned host is over for long enough by now.
func (h Host) Steady(term time.Duration, now time.Time) bool {
	return h.State == HostCordoned && !h.Calm.IsZero() && !now.Before(h.SteadyAt(term, now))
}

// calming words that what ailed a host is over, and was not for long enough yet.
func (h Host) calming() string {
	return fmt.Sprintf("what ailed it is over since %s, and it is let in again once that has lasted", h.Calm.UTC().Format(time.RFC3339))
}
