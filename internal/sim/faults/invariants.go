package faults

import (
	"strings"

	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// place is a slot of a host.
type place struct {
	host  pool.HostID
	index int
}

// accounts are what the checker makes of the books: whose each slot is, by all that says so.
type accounts struct {
	memory.Books
	owners map[place]pool.TenantID
	shares map[string]place // by the share's ID
	slots  map[string]place // of databases, by the slot's name
	set    map[place]int    // how often a slot lies on its shelf
	next   map[place]bool   // it is on the list, or will be
}

// look holds everything to what must be so between any two calls, if anything was written since it looked last.
func (w *world) look() {
	if !w.wrote || w.problem != nil || w.blind() {
		return
	}
	w.wrote = false
	w.checked++
	a := w.account()
	w.regards(a)
	w.sumsAgree(a)
	w.limitsHold(a)
	w.quotasHold(a)
	w.shelfAgrees(a)
	w.waitersAgree(a)
	w.nobodyReachesAnothers(a)
	w.lives(a)
	w.becomes(a)
}

// account draws up the accounts. That somebody has a slot which somebody else has is found here.
func (w *world) account() accounts {
	a := w.accounts // drawn up anew each time in the same maps: it is most of the checker's work
	a.Books = w.ledger.Books()
	clear(a.owners)
	clear(a.shares)
	clear(a.slots)
	clear(a.set)
	clear(a.next)
	own := func(at place, id pool.TenantID, by string) {
		if other, taken := a.owners[at]; taken && other != id {
			w.found("no slot has two tenants", "slot %v is %s's, and %s's by %s", at, other, id, by)
		}
		a.owners[at] = id
	}
	for id, h := range a.Hosts {
		for i := range h.Slots {
			s := &h.Slots[i]
			at := place{id, s.Index}
			if s.Share != "" {
				a.shares[s.Share] = at
			}
			if h.Kind == pool.Database {
				a.slots[s.Name] = at
			}
			if s.State == pool.SlotAssigned || s.State == pool.SlotLeaving {
				own(at, s.Tenant, "the host's record")
			}
		}
	}
	for id, t := range a.Tenants {
		if t.State == pool.TenantLeft || !t.Named() {
			continue
		}
		for _, has := range []pool.Holding{t.Database, t.Share} {
			h := a.Hosts[has.Host]
			if slot := h.Slot(has.Index); slot != nil && slot.Generation > has.Generation && w.undecided(t) {
				continue // scrubbed when it had left, before the table was put back: people are to say so
			}
			own(place{has.Host, has.Index}, id, "its record")
		}
	}
	for _, d := range a.Departures {
		if d.State == pool.DepartureUndone || d.State == pool.DepartureLeft || !d.Handed() {
			continue
		}
		for _, has := range []pool.Holding{d.Tenant.Database, d.Tenant.Share} {
			h := a.Hosts[has.Host]
			if slot := h.Slot(has.Index); slot != nil && slot.Generation == has.Generation && slot.State == pool.SlotLeaving {
				own(place{has.Host, has.Index}, d.Tenant.ID, "its departure")
			}
		}
	}
	for _, s := range a.Shelves {
		for id, hold := range s.Held {
			for _, l := range hold.Listed() {
				own(place{l.Host(s.Tier), l.Offer.Index}, id, "what it holds of the shelf")
			}
		}
	}
	return a
}

// sumsAgree holds counters and money to the sums of what there is.
func (w *world) sumsAgree(a accounts) {
	sums := make(map[pool.Key]*pool.Counters, len(a.Pools))
	for key := range a.Pools {
		sums[key] = &pool.Counters{}
	}
	var spent pool.Cents
	for _, h := range a.Hosts {
		if sum := sums[h.Key()]; sum != nil {
			*sum = sum.Add(pool.Contribution(h))
		}
		spent += pool.Spending(h)
	}
	for _, held := range a.Held {
		spent += held
	}
	for key, r := range a.Pools {
		if sum := *sums[key]; r.Counters != sum {
			w.found("counters are sums", "those of %s are %+v, its hosts sum up to %+v", key, r.Counters, sum)
		}
	}
	if spent != a.Spent {
		w.found("what is spent is a sum", "%s is noted, %s is spent", a.Spent, spent)
	}
}

// refilled is where slots lie that are about to be set out.
const refilled = "the refill"

// shelfAgrees holds the shelves to the hosts' records: each slot lies on its shelf once at most, is nobody's then, and is
// known to be set out.
func (w *world) shelfAgrees(a accounts) {
	for t, s := range a.Shelves {
		offer := func(l pool.Listed, where string) {
			at := place{l.Host(t), l.Offer.Index}
			if a.set[at]++; a.set[at] > 1 {
				w.found("no slot is offered twice", "slot %v is, at last in %s", at, where)
			}
			// A refill is noted before its slots are marked in their hosts' records, which grant only what is free by then: a tenant
			// may have moved to one meanwhile.
			h := a.Hosts[at.host]
			begun := where == refilled && (h.Slot(at.index) == nil || h.Slot(at.index).State != pool.SlotOffered)
			if owner, taken := a.owners[at]; taken && l.Tenant != owner && !begun {
				w.found("no slot is offered that somebody has", "slot %v is %s's, and in %s", at, owner, where)
			}
		}
		for _, k := range pool.Kinds {
			for _, l := range pool.List(k, s.Offers(k)) {
				offer(l, "the list")
				a.next[place{l.Host(t), l.Offer.Index}] = true
				if h := a.Hosts[l.Host(t)]; h.Slot(l.Offer.Index) == nil || h.Slot(l.Offer.Index).State != pool.SlotOffered || h.Slot(l.Offer.Index).Generation != l.Offer.Generation {
					w.found("what is offered is known to be", "%s/%d is on the list, and is %+v", h.ID, l.Offer.Index, h.Slot(l.Offer.Index))
				}
			}
		}
		if s.Refill != nil {
			for _, l := range s.Refill.Offers {
				offer(l, refilled)
				a.next[place{l.Host(t), l.Offer.Index}] = true
			}
		}
		for _, l := range s.Withdrawn {
			offer(l, "what is withdrawn")
		}
	}
}

// waitersAgree holds the waiting lists to the tenants' records.
func (w *world) waitersAgree(a accounts) {
	waits := 0
	for t, list := range a.Waiting {
		for i, waiter := range list {
			waits++
			if have := a.Tenants[waiter.Tenant]; have.State != pool.TenantWaiting || have.Tier != t {
				w.found("who is on a waiting list waits", "%s is %s", waiter.Tenant, have.State)
			}
			if i > 0 && list[i-1].Seq >= waiter.Seq {
				w.found("waiting lists are in order", "%v", list)
			}
		}
	}
	for _, t := range a.Tenants {
		if t.State == pool.TenantWaiting {
			waits--
		}
	}
	if waits != 0 {
		w.found("who waits is on the waiting list", "%d more on the lists than wait", waits)
	}
}

// nobodyReachesAnothers holds what is open in the cloud to whose it is: an address that is one tenant's is on no client
// list of another's share, and a password that one tenant knows opens no other's database.
func (w *world) nobodyReachesAnothers(a accounts) {
	for _, share := range w.cloud.gateways.Shares() {
		owner := a.owners[a.shares[share.ID]]
		if owner == "" {
			continue
		}
		for _, client := range share.Clients {
			if of, known := a.Addresses[strings.TrimSuffix(client, "/32")]; known && of != owner {
				w.found("no tenant reaches another's share", "%s of %s is a client of share %s of %s", client, of, share.ID, owner)
			}
		}
	}
	for _, s := range w.cloud.databases.servers {
		for name, db := range s.databases {
			at, known := a.slots[name] // a table that was put back may not know its host
			owner := a.owners[at]
			// What a host has that did not answer to a recovery is not known: it is held until it is, and nothing of it is handed out.
			if db.login && known && owner == "" && (a.next[at] || w.slotState(a, at) == pool.SlotFree && !a.Hosts[at.host].HeldByRecovery()) {
				w.found("what is nobody's lets nobody in", "%s on %s is nobody's, and %q gets in", name, s.name, w.town.passwords[db.password])
			}
			if of := w.town.passwords[db.password]; db.login && owner != "" && of != owner {
				w.found("no tenant reaches another's database", "%q knows the password of %s on %s, which is %s's", of, name, s.name, owner)
			}
		}
	}
}

// mayDelete holds the deletion of a stack to what it destroys: nobody's storage, and no host that is in use.
func (w *world) mayDelete(h *host) {
	a := w.account()
	for at, owner := range a.owners {
		if at.host == h.id {
			w.found("nothing is destroyed that somebody has", "stack %s is deleted, and slot %d of it is %s's", h.name, at.index, owner)
		}
	}
	if state := a.Hosts[h.id].State; state == pool.HostInService || state == pool.HostCordoned {
		w.found("no host in use is deleted", "%s is %s", h.name, state)
	}
}
