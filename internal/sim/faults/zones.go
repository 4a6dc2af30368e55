package faults

import (
	"slices"
	"time"

	"headroom/internal/pool"
)

const (
	// knownTime is how long after a zone is known to fail something may go on in it that was begun by what was known before: as long
	// as the longest invocation, and what it has sent when it dies.
	knownTime = 90 * time.Second
	// togetherMost is within how long so many hosts of a zone fall ill when it is the zone, and zoneMemory for how long it is that after
	// the last of them (docs/decisions/repairing-gateways.md). It is looked for a little less than that: clocks are apart.
	togetherMost = 10*time.Minute - clocksApart
	togetherMany = 3
	zoneMemory   = time.Hour - clocksApart
)

// darken has a zone fail with all of its hosts: none answers, their alarms go off one after the other, and nothing can be made there.
// When it is back some hosts want more than time.
func (c *cloud) darken() {
	w, blackout := c.w, c.w.chances[Blackout]
	if !blackout.comes() {
		return
	}
	zone := zones[blackout.draw.IntN(len(zones))].Name
	until := w.now.Add(blackout.between(10*time.Minute, 150*time.Minute))
	w.trace("zone %s fails until %s", zone, until.Sub(w.begun))
	c.dark[zone] = until
	for _, h := range c.stacks.sorted() {
		if h.zone != zone || !h.made {
			continue
		}
		helps := ""
		if blackout.draw.IntN(5) == 0 {
			helps = []string{reboots, restarts}[blackout.draw.IntN(2)]
		}
		w.after(blackout.between(0, 2*time.Minute), func() {
			if c.isDark(zone) && !h.gone {
				c.sound(h, silenceOf(h), true)
			}
		})
		w.after(until.Sub(w.now), func() {
			if helps != "" && !w.calmed && !h.gone {
				c.down[h.name] = ailment{until: w.now.Add(2 * time.Hour), helps: helps}
			}
		})
		w.after(until.Sub(w.now)+blackout.between(0, 6*time.Minute), func() {
			if !h.gone && c.alarms[silenceOf(h)].On {
				c.sound(h, silenceOf(h), false)
			}
		})
	}
}

// silenceOf is the alarm by which a host is known to be down.
func silenceOf(h *host) string {
	if h.kind == pool.Database {
		return h.name + "-silence"
	}
	return h.name + "-status"
}

func (c *cloud) isDark(zone string) bool { return c.w.now.Before(c.dark[zone]) }

// darkHost reports whether a host's zone fails.
func (c *cloud) darkHost(name string) bool {
	h := c.stacks.live[name]
	return h != nil && c.isDark(h.zone)
}

// knownToFail are the zones that fail by what is on record: hosts of whatever pool that went down together, or patients of one ward.
func (w *world) knownToFail(a accounts) map[string]bool {
	failing := map[string]bool{}
	judge := func(times map[string][]time.Time) {
		for zone, all := range times {
			slices.SortFunc(all, time.Time.Compare)
			for i := togetherMany - 1; i < len(all); i++ {
				if all[i].Sub(all[i-togetherMany+1]) <= togetherMost && w.now.Sub(all[len(all)-1]) < zoneMemory {
					failing[zone] = true
				}
			}
		}
	}
	fell := map[string][]time.Time{}
	for _, f := range a.Storm.Fallen {
		if f.Down && f.BackAt.IsZero() && f.Zone != "" {
			fell[f.Zone] = append(fell[f.Zone], f.At)
		}
	}
	judge(fell)
	for _, ward := range a.Wards {
		ill := map[string][]time.Time{}
		for _, p := range ward.Patients {
			if !p.Planned && p.Zone != "" {
				ill[p.Zone] = append(ill[p.Zone], p.Since)
			}
		}
		judge(ill)
	}
	return failing
}

// zonesWaitedFor holds repairs to waiting for a zone that is known to fail: none goes another way in it, one by one.
func (w *world) zonesWaitedFor(a accounts) {
	failing := w.knownToFail(a)
	for zone := range w.before.failing {
		if !failing[zone] {
			delete(w.before.failing, zone)
			w.before.failed[zone] = w.now
		}
	}
	for zone := range failing {
		if _, known := w.before.failing[zone]; !known {
			w.before.failing[zone] = w.now
		}
	}
	for id, r := range a.Repairs {
		was := w.before.repairs[id]
		if r.Number == was.Number && len(r.Tried) <= len(was.Tried) || len(r.Tried) == 0 || r.Planned() || r.Consent.Way != "" { // whoever gave the word knows more of the zone
			continue
		}
		zone := a.Hosts[id].Zone
		if since, known := w.before.failing[zone]; known && w.now.Sub(since) > knownTime {
			w.found("a zone that fails is waited for", "%s goes way %s, and zone %s is known to fail since %s", r.ID(), r.Tried[len(r.Tried)-1].Way, zone, since.Sub(w.begun))
		}
	}
}

// placedWell holds new hosts to zones that are not known to fail, if there is one. One that was known to fail just now may be thought
// to fail still, by whoever looked before or has another clock: then all zones fail to them, and any is as good.
func (w *world) placedWell(h pool.Host) {
	since, fails := w.before.failing[h.Zone]
	elsewhere := slices.ContainsFunc(zones, func(z pool.Zone) bool {
		_, ill := w.before.failing[z.Name]
		at, was := w.before.failed[z.Name]
		return !ill && (!was || w.now.Sub(at) > knownTime)
	})
	if fails && elsewhere && w.now.Sub(since) > knownTime {
		w.found("nothing is placed in a zone that fails", "%s is, and zone %s is known to fail since %s", h.ID, h.Zone, since.Sub(w.begun))
	}
}

// zoneOf is where a host is placed, by its order.
func zoneOf(order pool.StackOrder) string {
	if zone := order.Parameters["AvailabilityZone"]; zone != "" {
		return zone
	}
	return zones[0].Name
}
