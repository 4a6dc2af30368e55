package faults

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// quiet says what is not at rest yet, or not as it must be at rest; nil: all is.
func (w *world) quiet() *Problem {
	var unrest *Problem
	bad := func(rule, format string, args ...any) {
		if unrest == nil {
			unrest = &Problem{Rule: rule, What: fmt.Sprintf(format, args...), At: w.now.Sub(w.begun)}
		}
	}
	if w.blind() {
		bad("a recovery ends", "it is under way, or was until now")
		return unrest
	}
	a := w.account()
	w.everybodyIsDone(a, bad)
	if !w.putback.from.IsZero() { // what was under way then is nobody's to end but people's (docs/decisions/recovering.md)
		return unrest
	}
	w.departuresEnd(a, bad)
	w.repairsEnd(a, bad)
	w.restorationsEnd(a, bad)
	w.nothingIsUnderWay(a, bad)
	w.booksRest(a, bad)
	w.cloudAgrees(a, bad)
	return unrest
}

type complain func(rule, format string, args ...any)

// everybodyIsDone holds the stage to what it acknowledged: everybody is served, refused, or with people, who were told.
func (w *world) everybodyIsDone(a accounts, bad complain) {
	for _, p := range w.town.order {
		t, known := a.Tenants[p.id]
		switch {
		case !known:
			if p.rejected == "" && !w.dead(p.id) {
				bad("every signup ends", "that of %s has come to nothing, and nobody was told", p.id)
			}
		case t.Stuck != "":
			// A signup that is asked for again goes on once all is well.
			if !w.town.told[string(p.id)] || !t.Stuck.OfChange() && !w.undecided(t) {
				bad("who is stuck is with people", "%s is stuck at %s (%s), and nobody was told: %t", p.id, t.Stuck, t.Error, !w.town.told[string(p.id)])
			}
		case t.State == pool.TenantLeft:
			if p.asked.IsZero() {
				bad("nobody is thrown out", "%s has left, and never wanted to", p.id)
			}
			if p.returned.After(t.LeftAt.Add(clocksApart)) && p.rejected == "" && !w.dead(p.id) {
				bad("every signup ends", "%s has come back, and is as it was when it left", p.id)
			}
		case t.State == pool.TenantWaiting:
			o, err := w.ledger.Outlook(context.Background(), tier)
			bad("every signup ends", "%s waits, and the plans are %+v", p.id, must(w, o, err).Plans)
		case t.State != pool.TenantReady:
			bad("every signup ends", "%s is %s at step %q: %s", p.id, t.State, t.Step, t.Error)
		case p.ready == nil && t.Step == "" && !w.dead(p.id):
			bad("every signup ends", "%s is ready, and was never told", p.id)
		}
	}
}

// dead reports whether a message about a tenant is in a queue that people look at.
func (w *world) dead(id pool.TenantID) bool {
	for _, q := range w.queues {
		for _, m := range q.dead {
			if strings.Contains(m.delivery.Body, `"`+string(id)+`"`) {
				return true
			}
		}
	}
	return false
}

// nothingIsUnderWay wants no step and no message to be left, and no lock.
func (w *world) nothingIsUnderWay(a accounts, bad complain) {
	for id, h := range a.Hosts {
		switch {
		case h.State == pool.HostQuarantined || h.State == pool.HostDeleted || h.State == pool.HostLost:
			if h.State == pool.HostQuarantined && !w.town.told[string(id)] {
				bad("a host that is given up is with people", "%s is", id)
			}
		case h.State != pool.HostInService:
			bad("every host ends", "%s is %s at step %q, due at %s: %s; barred by %v", id, h.State, h.Step, h.Due.Sub(w.begun), h.Error, h.Barred())
		case h.Step != "":
			bad("every step ends", "%s is at step %s: %s", id, h.Step, h.Error)
		}
	}
	for id, t := range a.Tenants {
		if t.Step != "" && t.Step != pool.StepReport {
			bad("every step ends", "%s is at step %s: %s", id, t.Step, t.Error)
		}
	}
	for _, q := range w.queues {
		if q != w.checks && q != w.rounds && len(q.away) > 0 {
			bad("every message ends", "%d of queue %s are left", len(q.away), q.name)
		}
	}
}

// booksRest wants the shelf to be at rest, and each slot to be in one place.
func (w *world) booksRest(a accounts, bad complain) {
	for t, s := range a.Shelves {
		if s.Refill != nil || len(s.Withdrawn) > 0 || s.Queue != 0 && len(a.Waiting[t]) == 0 {
			bad("the shelf rests", "refill %v, withdrawn %v, queue %d", s.Refill, s.Withdrawn, s.Queue)
		}
		held := map[place]bool{}
		for id, hold := range s.Held {
			if have := a.Tenants[id]; have.State != pool.TenantReady || w.now.Sub(have.ReadyAt) > 2*time.Hour {
				bad("no hold lasts", "%s, who is %s since %s, holds %+v", id, have.State, have.ReadyAt, hold)
			}
			for _, l := range hold.Listed() {
				held[place{l.Host(t), l.Offer.Index}] = true
			}
		}
		onList := map[place]bool{}
		for _, k := range pool.Kinds {
			for _, l := range pool.List(k, s.Offers(k)) {
				onList[place{l.Host(t), l.Offer.Index}] = true
			}
		}
		for id, h := range a.Hosts {
			for _, slot := range h.Slots {
				at := place{id, slot.Index}
				if offered := slot.State == pool.SlotOffered; h.Tier == t && h.State == pool.HostInService && offered != (onList[at] || held[at]) {
					bad("each slot is in one place", "slot %v is %s; on the list %t, held %t", at, slot.State, onList[at], held[at])
				}
				if slot.State == pool.SlotReturned && h.State == pool.HostInService {
					bad("no slot stays returned", "%v", at)
				}
			}
		}
	}
	for id, t := range a.Tenants {
		if t.State != pool.TenantReady {
			continue
		}
		for _, has := range []pool.Holding{t.Database, t.Share} {
			h := a.Hosts[has.Host]
			if slot := h.Slot(has.Index); slot == nil || slot.Generation != has.Generation || slot.State == pool.SlotAssigned && slot.Tenant != id || slot.State != pool.SlotAssigned && slot.State != pool.SlotOffered {
				bad("books agree", "%s has %+v, and the host's record %+v", id, has, slot)
			}
		}
	}
}

// cloudAgrees wants the cloud to be as the books say.
func (w *world) cloudAgrees(a accounts, bad complain) {
	names := map[string]bool{}
	for id, h := range a.Hosts {
		names[h.Stack.Name] = h.State.Live()
		if there := w.cloud.stacks.live[h.Stack.Name] != nil; there != h.State.Live() && h.State != pool.HostQuarantined {
			bad("books and cloud agree", "%s is %s, and its stack is there: %t", id, h.State, there)
		}
	}
	for name := range w.cloud.stacks.live {
		if !names[name] {
			bad("books and cloud agree", "stack %s is no host's", name)
		}
	}
	open := map[string][]string{} // addresses by group
	for id, t := range a.Tenants {
		if t.State != pool.TenantReady || t.Stuck != "" {
			continue
		}
		h := a.Hosts[t.Share.Host]
		for _, address := range t.Desired() {
			open[h.Access.SecurityGroup] = append(open[h.Access.SecurityGroup], "tcp 2049-2049 "+address+"/32")
		}
		server := w.cloud.databases.servers[t.Database.Address]
		if server == nil || server.databases[t.Database.Name] == nil || !server.databases[t.Database.Name].login || w.town.passwords[server.databases[t.Database.Name].password] != id {
			bad("who is ready gets in", "%s does not get into %s on %s", id, t.Database.Name, t.Database.Address)
		}
	}
	for _, share := range w.cloud.gateways.Shares() {
		at, known := a.shares[share.ID]
		if !known || a.Hosts[at.host].State != pool.HostInService {
			continue
		}
		want := []string{nobody}
		t, owned := a.Tenants[a.owners[at]]
		if owned && t.Stuck != "" {
			continue // it is with people, half open
		}
		if owned && t.State == pool.TenantReady {
			want = t.Clients()
		}
		h := a.Hosts[at.host]
		if state := h.Slot(at.index).State; state == pool.SlotLeaving || state == pool.SlotQuarantined {
			continue // it is with people
		}
		slices.Sort(share.Clients)
		if !slices.Equal(share.Clients, want) {
			bad("shares are open to whom they should", "%v (%s) is open to %v, and should be to %v", at, share.ID, share.Clients, want)
		}
	}
	for id, h := range a.Hosts {
		if h.Kind == pool.Share && h.State == pool.HostInService {
			want := slices.Sorted(slices.Values(open[h.Access.SecurityGroup]))
			got := w.cloud.groups.Rules(h.Access.SecurityGroup) // a rule too many lets nobody reach a share
			if !slices.Equal(slices.DeleteFunc(got, func(rule string) bool { return !slices.Contains(want, rule) }), want) {
				bad("gateways are open to whom they should", "%s is open to %v, and should be to %v", id, got, want)
			}
		}
	}
	for _, s := range w.cloud.databases.sorted() {
		for name, db := range s.databases {
			at, known := a.slots[name]
			if db.login && known && a.owners[at] == "" && slices.Contains([]pool.SlotState{pool.SlotFree, pool.SlotCooling}, w.slotState(a, at)) && a.Hosts[at.host].State == pool.HostInService {
				bad("databases are open to whom they should", "%v lets somebody in, and is nobody's", at)
			}
		}
	}
}

func (w *world) slotState(a accounts, at place) pool.SlotState {
	h := a.Hosts[at.host]
	return h.Slot(at.index).State
}

// ended counts what became of people.
func (t *town) ended() map[string]int {
	ends := map[string]int{}
	books := t.w.ledger.Books()
	for _, p := range t.order {
		tenant, known := books.Tenants[p.id]
		switch {
		case !known:
			ends["unknown"]++
		case tenant.Stuck != "":
			ends["stuck"]++
		default:
			ends[string(tenant.State)]++
		}
	}
	for _, h := range books.Hosts {
		ends["host "+string(h.State)]++
	}
	for _, d := range books.Departures {
		ends["departure "+string(d.State)]++
	}
	for _, r := range books.Repairs {
		ends["repair "+string(r.State)]++
	}
	for _, r := range books.Restorations {
		ends["restoration "+string(r.State)]++
	}
	return ends
}
