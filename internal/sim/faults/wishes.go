package faults

import (
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// wishes has somebody want something else: to leave, to stay after all, to come back, or to have other addresses.
func (t *town) wishes() {
	w := t.w
	if len(t.order) == 0 {
		return
	}
	t.goBack()
	p := t.order[w.will.IntN(len(t.order))]
	tenant, known := w.ledger.Books().Tenants[p.id]
	if w.chances[Leave].comes() && known && tenant.State != pool.TenantLeft {
		t.leave(p, life(p.id, tenant.Mark))
	}
	if w.chances[Undo].comes() && !p.asked.IsZero() {
		w.trace("%s wants to stay", p.id)
		t.asks(func() {
			w.send(w.leaving, events.UndoRequested{Version: events.Version, Type: events.TypeUndoRequested, TenantID: string(p.id), Reason: "a mistake", RequestedBy: "support"})
		})
	}
	if w.chances[Return].comes() && known && tenant.State == pool.TenantLeft {
		p.returned = w.now
		t.signUp(p, p.address)
		for again := w.chances[Return].draw; again.IntN(2) == 0; { // who comes back is impatient
			w.after(time.Duration(again.IntN(400))*time.Millisecond, func() { t.signUp(p, p.address) })
		}
	}
	if w.chances[Move].comes() {
		t.move(p)
	}
	if w.chances[Rehost].comes() && known {
		t.rehost(p.id)
	}
}

func (t *town) leave(p *person, own string) {
	t.asks(func() {
		t.w.trace("%s wants to leave", own)
		p.asked = t.w.now
		p.leaves[own] = append(p.leaves[own], t.w.now)
		t.w.send(t.w.leaving, events.DecommissionRequested{
			Version: events.Version, Type: events.TypeDecommissionRequested, TenantID: string(p.id), Reason: "its contract ended", RequestedBy: "billing",
		})
	})
}

// move has somebody want other addresses: one that is new, for the one that it has or beside it; or one that is another's.
func (t *town) move(p *person) {
	w := t.w
	t.moves++
	change := events.InstanceChangeRequested{Version: events.Version, Type: events.TypeInstanceChangeRequested, TenantID: string(p.id)}
	fresh := fmt.Sprintf("10.1.%d.%d", t.moves/200, 1+t.moves%200)
	switch w.will.IntN(5) {
	case 0:
		change.Add = []string{t.order[w.will.IntN(len(t.order))].address}
	case 1:
		change.Add = []string{fresh}
	case 2:
		if len(p.others) > 0 {
			change.Remove = []string{p.others[w.will.IntN(len(p.others))]}
			break
		}
		fallthrough
	default:
		change.Add, change.Remove = []string{fresh}, []string{p.address}
	}
	w.trace("%s wants %v, and not %v", p.id, change.Add, change.Remove)
	p.others = append(p.others, change.Add...)
	w.send(w.changes, change)
}

// hearLeaving hears what is said of departures.
func (t *town) hearLeaving(e events.Event) {
	books := t.w.ledger.Books()
	switch e := e.(type) {
	case events.TenantClosed:
		p := t.people[pool.TenantID(e.TenantID)]
		for _, d := range books.Departures {
			own := life(d.Tenant.ID, d.Tenant.Mark)
			if p == nil || d.Tenant.ID != p.id || d.GraceUntil().UnixMilli() != e.GraceUntil.UnixMilli() {
				continue
			}
			p.closed[own] = later(p.closed[own], d.RequestedAt)
			t.isShut(d)
		}
	case events.TenantReopened:
		for _, d := range books.Departures {
			if p := t.people[pool.TenantID(e.TenantID)]; p != nil && d.Tenant.ID == p.id {
				own := life(d.Tenant.ID, d.Tenant.Mark)
				p.stays[own] = later(p.stays[own], d.UndoneAt)
			}
		}
	case events.TenantReleased:
		if p := t.people[pool.TenantID(e.TenantID)]; p != nil {
			p.released = t.w.now
		}
	case events.RequestRejected:
		if p := t.people[pool.TenantID(e.TenantID)]; p != nil {
			p.refused = e.Field + " " + e.Reason
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// isShut holds that who is said to be out is out. It may be said late: then its slots may be another's, or its own again in
// another life, if nothing was handed over to it in this one.
func (t *town) isShut(d pool.Departure) {
	now := t.w.ledger.Books().Tenants[d.Tenant.ID]
	if d.State != pool.DepartureLeaving || now.State != pool.TenantLeft || pool.DepartureIDOf(now) != d.ID() {
		return
	}
	if s := t.w.cloud.databases.servers[d.Tenant.Database.Address]; s != nil {
		if db := s.databases[d.Tenant.Database.Name]; db != nil && db.login && t.passwords[db.password] == d.Tenant.ID {
			t.w.found("who is said to be out is out", "the database of %s lets its tenant in", d.ID())
		}
	}
}

// departuresEnd holds the stage to what it acknowledged of departures.
func (w *world) departuresEnd(a accounts, bad complain) {
	for id, d := range a.Departures {
		switch {
		case d.State == pool.DepartureLeft, d.State == pool.DepartureUndone:
			if d.Step != "" {
				bad("every departure ends", "%s is %s, at step %s", id, d.State, d.Step)
			}
		case w.town.told[string(d.Tenant.ID)] && w.clearanceStuck(a, d):
		default:
			bad("every departure ends", "%s is %s at step %q, due at %s: %s", id, d.State, d.Step, d.Due.Sub(w.begun), d.Error)
		}
	}
	for id, c := range a.Clearances {
		if !c.State.Ended() && c.State != pool.ClearanceQuarantined {
			bad("every clearance ends", "%s is %s at step %q, due at %s: %s", id, c.State, c.Step, c.Due.Sub(w.begun), c.Error)
		}
	}
	for _, bay := range a.Bays.Taken { // one that its owner has no use of any more is given back by the next who wants one
		if a.Departures[pool.DepartureID(bay.Owner)].Copying() {
			bad("no bay is taken for ever", "%+v", bay)
		}
	}
	for _, p := range w.town.order {
		t := a.Tenants[p.id]
		if p.asked.IsZero() || t.State == pool.TenantLeft || p.refused != "" || w.dead(p.id) || !t.RequestedAt.Before(p.asked) {
			continue
		}
		heard := false
		for _, d := range a.Departures {
			heard = heard || d.Tenant.ID == p.id && !d.RequestedAt.Before(p.asked.Add(-clocksApart))
		}
		if !heard && t.LeftAt.Before(p.asked.Add(-clocksApart)) {
			bad("every wish to leave is heard", "%s asked at %s, and is %s", p.id, p.asked.Sub(w.begun), t.State)
		}
	}
	for _, t := range a.Tenants {
		if t.State == pool.TenantReady && t.Stuck == "" {
			w.filesLive(t)
		}
	}
}

// clearanceStuck reports whether a clearance of a departure is with people.
func (w *world) clearanceStuck(a accounts, d pool.Departure) bool {
	for _, c := range a.Clearances {
		if c.Departure == d.ID() && (c.Stuck != "" || c.State == pool.ClearanceQuarantined) {
			return true
		}
	}
	return false
}

// graceOf is how long departures can be undone here.
const graceOf = time.Hour
