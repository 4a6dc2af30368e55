package faults

import (
	"time"

	"headroom/internal/adapter/policy"
	"headroom/internal/pool"
)

// before is what the checker remembers of when it looked last: some rules are about what becomes of things.
type before struct {
	hosts     map[pool.HostID]pool.Host
	repairs   map[pool.HostID]pool.Repair
	letGo     map[pool.HostID]int // the last repair that a host was let go from
	returned  map[place]time.Time // since when slots are
	tenants   map[pool.TenantID]pool.Tenant
	grown     map[pool.Key]int // how many hosts a pool had
	hostsOf   map[pool.Kind]int
	full      map[pool.Kind]time.Time // since when no host more may be ordered of a kind, by what is known of quotas
	fullBy    map[pool.Kind]string
	bare      map[pool.Kind]time.Time // since when there is nothing of a kind to be given away, and nothing on its way
	failing   map[string]time.Time    // since when zones are known to fail
	failed    map[string]time.Time    // when zones were known to fail no more
	spent     pool.Cents
	forgotten bool // what it was: the books are others since
}

func newBefore() before {
	return before{hosts: map[pool.HostID]pool.Host{}, repairs: map[pool.HostID]pool.Repair{}, letGo: map[pool.HostID]int{}, returned: map[place]time.Time{}, grown: map[pool.Key]int{}, full: map[pool.Kind]time.Time{}, bare: map[pool.Kind]time.Time{}, failing: map[string]time.Time{}, failed: map[string]time.Time{}, tenants: map[pool.TenantID]pool.Tenant{}}
}

// restLeast is how long a slot rests that was taken back: as long as the longest invocation that Lambda has, which may be at
// it still (AWS Lambda quotas: 15 minutes).
const restLeast = 15*time.Minute - clocksApart

// becomes holds what has become of hosts and repairs since the last look to what may.
func (w *world) becomes(a accounts) {
	for id, h := range a.Hosts {
		was, known := w.before.hosts[id]
		if known && was.Version == h.Version {
			continue
		}
		w.before.hosts[id] = h
		if !known {
			w.placedWell(h)
		}
		for i := range h.Slots {
			w.slotBecomes(place{id, h.Slots[i].Index}, was.Slot(h.Slots[i].Index), h.Slots[i])
		}
		for name, mark := range was.Alarms {
			if now, there := h.Alarms[name]; there && now.At.Before(mark.At) {
				w.found("what is known of an alarm is its newest", "%s is known to be %t at %s, and was known to be %t at %s", name, now.On, now.At, mark.On, mark.At)
			}
		}
		if was.Repair > 0 && h.Repair == 0 {
			w.before.letGo[id] = was.Repair
		}
	}
	w.rehosted(a)
	w.zonesWaitedFor(a)
	for id, r := range a.Repairs {
		was := w.before.repairs[id]
		w.before.repairs[id] = r
		if r.State == pool.RepairMended && was.State != pool.RepairMended && r.Renewal.Moved {
			w.renewed(a, r)
		}
		if r.State == pool.RepairMended && was.State != pool.RepairMended && w.before.letGo[id] != r.Number && w.putback.from.IsZero() {
			w.found("a host that is mended is let go", "%s is mended, and %s was let go from number %d at last", r.ID(), id, w.before.letGo[id])
		}
	}
}

// slotBecomes holds a slot to how it becomes free again: what was taken back rests first.
func (w *world) slotBecomes(at place, was *pool.Slot, now pool.Slot) {
	switch {
	case now.State == pool.SlotReturned:
		if was == nil || was.State != pool.SlotReturned {
			w.before.returned[at] = w.now
		}
	case was != nil && was.State == pool.SlotReturned:
		if rested := w.now.Sub(w.before.returned[at]); rested < restLeast {
			w.found("what was taken back rests", "slot %v is %s, %s after it was", at, now.State, rested)
		}
	}
}

// limits are what a policy document allows, since a time.
type limits struct {
	since    time.Time
	ceilings map[pool.Kind]int
	most     pool.Cents // 0: there is no cap
}

// limited notes what a document allows.
func (w *world) limited(d pool.Document) {
	l := limits{since: w.now, ceilings: map[pool.Kind]int{}, most: d.Cap()}
	for _, p := range d.Pools {
		l.ceilings[p.Kind] = p.Ceiling
	}
	w.limits = append(w.limits, l)
}

// policyTime is how long a function goes by a document that is in force no more: it keeps one for a while, and an invocation
// that has read it lasts.
const policyTime = policy.TTL + time.Minute + clocksApart

// allowed are the widest limits that a function may go by now.
func (w *world) allowed() limits {
	widest := limits{ceilings: map[pool.Kind]int{}}
	uncapped := false
	for i, l := range w.limits {
		if i+1 < len(w.limits) && w.now.Sub(w.limits[i+1].since) > policyTime {
			continue
		}
		for kind, most := range l.ceilings {
			widest.ceilings[kind] = max(widest.ceilings[kind], most)
		}
		uncapped = uncapped || l.most == 0
		widest.most = max(widest.most, l.most)
	}
	if uncapped {
		widest.most = 0
	}
	return widest
}

// limitsHold holds what grows to the limits that are in force.
func (w *world) limitsHold(a accounts) {
	allowed := w.allowed()
	for key, r := range a.Pools {
		if n := r.Counters.Hosts; n > w.before.grown[key] && n > allowed.ceilings[key.Kind] {
			w.found("no pool outgrows its ceiling", "%s has %d hosts, and %d are allowed", key, n, allowed.ceilings[key.Kind])
		}
		w.before.grown[key] = r.Counters.Hosts
	}
	if a.Spent > w.before.spent && allowed.most > 0 && a.Spent > allowed.most {
		w.found("what is spent stays under the cap", "%s is spent, and %s is allowed", a.Spent, allowed.most)
	}
	w.before.spent = a.Spent
}
