package faults

import (
	"context"
	"maps"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// operators do what operators do, at any time: they change the policies, throw the stop switch, take hosts out of service,
// and let go on what was given up.
func (t *town) operators() {
	w := t.w
	if t.loses(); w.blind() {
		return
	}
	if w.chances[Policy].comes() {
		t.changePolicy()
	}
	if stop := w.chances[Stop]; stop.comes() {
		t.stop(pool.Stops{Order: w.will.IntN(2) == 0, Repair: w.will.IntN(2) == 0, Destroy: w.will.IntN(2) == 0, By: "ops", Why: "to be safe", At: w.now})
		w.after(stop.between(time.Minute, 4*time.Hour), func() { t.stop(pool.Stops{}) })
	}
	t.ambush()
	hosts := w.ledger.Books().Hosts
	for _, h := range w.cloud.stacks.sorted() {
		if r := w.ledger.Books().Repairs[h.id]; r.State == pool.RepairAsking {
			t.word(r)
		}
		if !w.chances[Request].comes() {
			continue
		}
		switch state := hosts[h.id].State; {
		case state == pool.HostQuarantined:
			t.request(h.id, []string{events.HostRelease, events.HostDelete}[w.will.IntN(2)])
		case state == pool.HostInService:
			t.request(h.id, []string{events.HostCordon, events.HostRetire, events.HostRetire, events.HostDrain, events.HostProtect}[w.will.IntN(5)])
		case state == pool.HostCordoned && hosts[h.id].Drained != "":
			t.request(h.id, events.HostUndrain)
		case state == pool.HostCordoned:
			t.request(h.id, events.HostUncordon)
			t.repair(h.id, events.RepairDrop)
		}
	}
	departures := w.ledger.Books().Departures
	for _, id := range slices.Sorted(maps.Keys(departures)) {
		if departures[id].Stuck != "" {
			t.resume(id)
			break
		}
	}
}

// resume has what a departure was given up at tried again: that may work by now.
func (t *town) resume(id pool.DepartureID) {
	t.w.send(t.w.leaving, events.DepartureRequest{
		Version: events.Version, Type: events.TypeDepartureRequest, DepartureID: string(id), Action: events.DepartureResume, RequestedBy: "ops", Reason: "it may work by now",
	})
}

func (t *town) request(id pool.HostID, action string) {
	t.w.trace("ops wants %s to be %sed", id, action)
	t.w.send(t.w.hostEvents, events.HostRequest{Version: events.Version, Type: events.TypeHostRequest, HostID: string(id), Action: action, RequestedBy: "ops", Reason: "maintenance"})
}

func (t *town) repair(id pool.HostID, action string) {
	t.w.send(t.w.repairRequests, events.RepairRequest{Version: events.Version, Type: events.TypeRepairRequest, HostID: string(id), Action: action, RequestedBy: "ops", Reason: "it is well"})
}

// stopTime is how long after the stop switch was thrown nothing may happen any more that it forbids: what was asked for
// before is over by then.
const stopTime = 90 * time.Second

// stopped reports whether something is forbidden for so long that it must not happen any more.
func (w *world) stopped(forbids func(pool.Stops) bool) bool {
	s := w.ledger.Books().Stops
	return forbids(s) && w.now.Sub(s.At) > stopTime
}

func (t *town) stop(s pool.Stops) {
	if held := t.heldStill(); held != "" && !s.Destroy { // until the doctor is clean (docs/decisions/recovering.md)
		s.Destroy, s.By, s.Why, s.At = true, "ops", "it is not known what "+string(held)+" has", t.w.now
	}
	t.w.trace("the stop switch: %+v", s)
	must(t.w, 0, t.w.ledger.SaveStops(context.Background(), s))
}

// changePolicy changes something about one pool, or the cap on money.
func (t *town) changePolicy() {
	w := t.w
	d := w.document
	d.Pools = append(pool.Policies(nil), d.Pools...)
	p := &d.Pools[w.will.IntN(len(d.Pools))]
	switch w.will.IntN(7) {
	case 0:
		p.BufferSlots = w.will.IntN(5)
	case 1:
		p.SlotsPerHost = 2 + w.will.IntN(4)
	case 2:
		p.Placement = []pool.Placement{pool.Pack, pool.Spread}[w.will.IntN(2)]
	case 3:
		p.TenantsPerHost = w.will.IntN(4)
	case 4:
		p.Ceiling = 4 + w.will.IntN(12)
	case 5:
		d.MoneyCap = float64(500 + w.will.IntN(3000))
	case 6:
		w.spoil()
		return
	}
	w.inForce(d)
}

// rehost has operators move somebody to another host: to any, to one of theirs, or to one that there is not.
func (t *town) rehost(id pool.TenantID) {
	w := t.w
	q := events.NewMoveRequest(string(id), "its host is full", "ops")
	hosts := w.cloud.stacks.sorted()
	switch n := w.will.IntN(4); {
	case n == 0:
		q.To = "database-standard-99"
	case n == 1 && len(hosts) > 0:
		if h := hosts[w.will.IntN(len(hosts))]; h.kind == pool.Database {
			q.To = string(h.id)
		}
	}
	if w.will.IntN(2) == 0 {
		q.Grace = "1h"
	}
	w.trace("ops wants %s to move to %q", id, q.To)
	t.asks(func() { w.send(w.restoring, q) })
}

// tidyUp has operators leave the stage as it was.
func (t *town) tidyUp() {
	t.w.inForce(t.w.roomy)
	t.stop(pool.Stops{})
	t.recoversWhatIsHeld()
	for _, h := range t.w.cloud.stacks.sorted() {
		record := t.w.ledger.Books().Hosts[h.id]
		if record.ByHand != "" {
			t.request(h.id, events.HostUncordon)
		}
		if record.Drained != "" {
			t.request(h.id, events.HostUndrain)
		}
	}
	t.answer()
	if !t.tidied.After(t.w.now) { // what was asked for before comes late
		t.tidied = t.w.now.Add(24 * time.Hour)
		t.w.after(2*time.Hour, t.tidyUp)
	}
}

// resumeAll has all that was given up tried again: signups by those who signed up, changes by those who wanted them.
func (t *town) resumeAll() {
	books := t.w.ledger.Books()
	for _, id := range slices.Sorted(maps.Keys(books.Departures)) {
		if d := books.Departures[id]; d.Stuck != "" {
			t.resume(id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(books.Clearances)) {
		if c := books.Clearances[id]; c.Stuck != "" {
			t.resume(c.Departure)
		}
	}
	for _, p := range t.order {
		tenant, known := books.Tenants[p.id]
		from := p.address
		if len(tenant.Addresses) > 0 && tenant.State != pool.TenantLeft {
			from = tenant.Addresses[0] // it may have signed up again from elsewhere
		}
		if t.toldNothing(p, tenant, known) {
			t.signUp(p, from)
		}
		if tenant.Stuck != "" && !tenant.Stuck.OfChange() && tenant.State != pool.TenantLeft {
			t.signUp(p, from)
		}
	}
}

// toldNothing reports whether somebody signed up in the time that was lost with the table, and was told of no storage: who did
// signs up again (docs/decisions/recovering.md). The books may know nothing of that, or only the life before, or have the storage
// by what stands, and not that its announcement is owed.
func (t *town) toldNothing(p *person, tenant pool.Tenant, known bool) bool {
	if t.w.putback.over.IsZero() || later(p.since, p.returned).After(t.w.putback.put) {
		return false
	}
	switch {
	case !known:
		return true
	case tenant.State == pool.TenantLeft:
		return p.returned.After(tenant.LeftAt)
	default:
		return tenant.State == pool.TenantReady && tenant.Step == "" && p.ready == nil
	}
}

// answer has operators answer, every other hour, each repair that asks for a word, and have done again
// what was given up: the hosts are well by then.
func (t *town) answer() {
	for _, h := range t.w.cloud.stacks.sorted() {
		if r := t.w.ledger.Books().Repairs[h.id]; r.State == pool.RepairAsking && (t.w.cloud.isWreck(h) || r.Moving() || r.Renewing()) {
			t.proceed(h.id, r.Way)
		} else if r.State == pool.RepairAsking {
			t.repair(h.id, events.RepairDrop)
		}
	}
	t.resumeAll()
	if t.w.now.Before(t.tidied) {
		t.w.after(2*time.Hour, t.answer)
	}
}
