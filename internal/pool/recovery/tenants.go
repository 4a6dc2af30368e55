package recovery

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"headroom/internal/pool"
)

// tenant decides what a tenant has: the database that its secret is for, and the share that bears its tag.
func (p *planner) tenant(id pool.TenantID) {
	t, known := p.Tenants[id]
	of := "tenant " + string(id)
	var there []Secret // whose databases stand
	secrets, lost := 0, ""
	for _, s := range p.Secrets {
		if s.Tenant != id {
			continue
		}
		if p.departs(t, s.Mark) {
			p.stays(id, s)
			continue
		}
		if !slices.Contains(p.claims[id], s) {
			continue // spent
		}
		secrets++
		if _, found := p.databases[s.Database]; found {
			there = append(there, s)
		} else {
			lost = s.Database
		}
	}
	switch {
	case secrets == 0 && known && t.State == pool.TenantReady:
		p.without(t)
		return
	case secrets == 0:
		p.rest(t, id, "")
		p.spent(t, known, id)
		return // it waits, or leaves, or has left
	case len(there) == 0:
		p.unsure("look for the database of", of, "its secret is for database %q, which stands on no host that could be looked at", lost)
		p.readdress(t, id)
		return
	}
	secret, sure := p.chosen(t, there, lost != "" && p.unseen())
	if !sure {
		for _, s := range there {
			p.contested[p.databases[s.Database]] = "it is not known by which of its secrets tenant " + string(id) + " logs in"
		}
		p.unsure("decide for", of, "it has %d secrets, of which %d are for databases that were seen, and it is not known by which it logs in", secrets, len(there))
		p.readdress(t, id)
		return
	}
	database := p.databases[secret.Database]
	share, n := p.shareOf(t, secret)
	if db := p.slot(database); p.shared(secret) && (n > 0 || db.Open || db.Holds) {
		p.contested[database] = "secrets of several tenants are for it"
		p.unsure("decide for", of, "a secret of another tenant is for its database %s too", secret.Database)
		p.readdress(t, id)
		return
	}
	p.rest(t, id, secret.Database)
	switch {
	case n == 0:
		p.unfinished(t, known, id, secret, database)
		return
	case n > 1:
		for _, at := range p.shares[id] {
			p.contested[at] = "it is not known which share tenant " + string(id) + " uses"
		}
		p.holder[database] = id
		p.unsure("decide for", of, "%d shares bear its tag, and are open", n)
		return
	}
	if db := p.slot(database); len(t.Addresses) == 0 && t.State != pool.TenantReady && !db.Open && !db.Holds && !p.slot(share).Open && !p.slot(share).Full { // nobody knows any more for whom it is to be opened
		p.resting[share] = id
		p.unfinished(t, known, id, secret, database)
		return
	}
	asRecorded := known && t.State == pool.TenantReady && p.same(t.Database, database) && p.same(t.Share, share) &&
		slices.Equal(slices.Sorted(slices.Values(p.slot(share).Clients)), t.Clients())
	if other, address := p.alsoServes(id, share); other != "" && !asRecorded {
		for _, at := range []place{database, share} {
			p.contested[at] = "it is tenant " + string(id) + "'s for " + address + ", which is tenant " + string(other) + "'s address"
		}
		p.unsure("decide for", of, "its share serves %s, which is tenant %s's address", address, other)
		return
	}
	if address, other := p.lost(t, share); other != "" && p.half(t, database, share) {
		for _, at := range []place{database, share} {
			p.contested[at] = "tenant " + string(id) + " was about to get it for " + address + ", which is tenant " + string(other) + "'s address"
		}
		p.unsure("decide for", of, "it was signing up from %s, which is tenant %s's address by now", address, other)
		return
	}
	p.holder[database], p.holder[share] = id, id
	p.has(t, known, secret, database, share)
}

// readdress has a tenant of whose database nothing can be said be recorded with the addresses that its share serves: one that it had
// once may be another's by now, whose machine would be let in with it.
func (p *planner) readdress(t pool.Tenant, id pool.TenantID) {
	share, n := p.shareOf(t, Secret{Tenant: id, Mark: t.Mark})
	if t.State != pool.TenantReady || n != 1 || !p.same(t.Share, share) {
		return
	}
	if other, _ := p.alsoServes(id, share); other != "" {
		return // whose address it is is for people to say
	}
	if after, why := p.addressed(t, share); why != "" {
		p.change(t, after)
		p.does("restore", "tenant "+string(id), "%s", why)
	}
}

// alsoServes is another tenant whose address is among those that a tenant's share serves: by the records, or by what stands. To a
// firewall two tenants with one address are one: whose it is is for people to say.
func (p *planner) alsoServes(id pool.TenantID, share place) (other pool.TenantID, address string) {
	if !p.slot(share).Open {
		return "", ""
	}
	for _, address = range p.slot(share).Addresses() {
		for _, other = range slices.Sorted(maps.Keys(p.Tenants)) {
			t := p.Tenants[other]
			// Then what stands says it. The share of a signup that is under way is not open yet, and is to be.
			seen := slices.ContainsFunc(p.shares[other], func(at place) bool { return p.slot(at).Open }) || len(p.shares[other]) > 0 && p.wrote(other) ||
				t.State == pool.TenantReady && (len(p.shares[other]) > 0 || p.Found.Hosts[t.Share.Host].Blind == "")
			if other != id && t.State != pool.TenantLeft && !seen && slices.Contains(t.Reached(), address) {
				return other, address
			}
		}
		if other = p.serving(address, id); other != "" {
			return other, address
		}
	}
	return "", ""
}

// wrote reports whether a tenant has been in: it is no signup, whatever its record says, and is shut if its share serves nobody.
func (p *planner) wrote(id pool.TenantID) bool {
	return slices.ContainsFunc(p.shares[id], func(at place) bool { return p.slot(at).Full }) || slices.ContainsFunc(p.claims[id], func(s Secret) bool {
		at, found := p.databases[s.Database]
		return found && (p.slot(at).Open || p.slot(at).Holds)
	})
}

// serving is a tenant but one whose share serves an address; empty: there is none.
func (p *planner) serving(address string, but pool.TenantID) pool.TenantID {
	serves := func(at place) bool { return p.slot(at).Open && slices.Contains(p.slot(at).Addresses(), address) }
	for _, id := range slices.Sorted(maps.Keys(p.shares)) {
		if id != but && slices.ContainsFunc(p.shares[id], serves) {
			return id
		}
	}
	return ""
}

// departs reports whether a mark is of a life of a tenant that a departure on record is ending.
func (p *planner) departs(t pool.Tenant, mark string) bool {
	return slices.ContainsFunc(p.Departures[t.ID], func(d pool.Departure) bool {
		return !d.State.Ended() && (d.Tenant.Mark == mark || slices.Contains(d.Tenant.Spent, mark))
	})
}

// stays finds out that a tenant which leaves by the record was let in again since: what it has must not be scrubbed. One that
// was not shut out yet by the record may have been let in again, or never shut out: nobody but a person knows. One that
// has another database than it had then, or other addresses, is for people to decide: to undo that it leaves would open the former.
func (p *planner) stays(id pool.TenantID, s Secret) {
	at, found := p.databases[s.Database]
	leaves := slices.IndexFunc(p.Departures[id], func(d pool.Departure) bool {
		return d.State == pool.DepartureLeaving && d.Tenant.Mark == s.Mark && d.Done(pool.StepShut)
	})
	open := slices.ContainsFunc(p.shares[id], func(at place) bool { return p.slot(at).Open })
	goes := slices.ContainsFunc(p.Departures[id], func(d pool.Departure) bool {
		return (d.State == pool.DepartureLeaving || d.State == pool.DepartureScrubbing) && d.Tenant.Mark == s.Mark
	})
	if !found || !goes || !p.slot(at).Open || !open {
		return
	}
	of := "tenant " + string(id)
	if leaves < 0 { // it is yet to be shut out, or can't be let in again any more: its departure goes on when it may
		p.unsure("have stay, or leave,", of, "it reaches its database and its share, and by the record it leaves")
		return
	}
	const why = "it reaches its database and its share, and by the record it was shut out to leave"
	departure := p.Departures[id][leaves]
	then := departure.Tenant
	as := func(at place) bool {
		return p.same(then.Share, at) && slices.Equal(slices.Sorted(slices.Values(p.slot(at).Clients)), then.Clients())
	}
	if !p.same(then.Database, at) || !slices.ContainsFunc(p.shares[id], as) {
		p.contested[at] = "it is tenant " + string(id) + "'s, which leaves by the record"
		p.unsure("have stay", of, "%s, with another database or other addresses", why)
		return
	}
	p.plan.Stay = append(p.plan.Stay, Wish{id, departure.LastAsked().Add(tick)})
	p.does("have stay", of, "%s", why)
}

// chosen is the secret by which a tenant logs in. unseen says that another of its secrets may be for a database that could not be
// looked at: then only one that is open is certain. What is shut may be what its signup gave up for that.
func (p *planner) chosen(t pool.Tenant, there []Secret, unseen bool) (Secret, bool) {
	open := slices.DeleteFunc(slices.Clone(there), func(s Secret) bool { return !p.slot(p.databases[s.Database]).Open })
	if len(open) == 1 {
		return open[0], true
	}
	if len(open) > 0 || unseen {
		return Secret{}, false
	}
	// It is shut out. What a signup gave up was never open, and holds nothing.
	holding := slices.DeleteFunc(slices.Clone(there), func(s Secret) bool { return !p.slot(p.databases[s.Database]).Holds })
	if len(holding) > 0 {
		there = holding
	}
	if at := slices.IndexFunc(there, func(s Secret) bool { return s.Mark == t.Mark }); at >= 0 || len(there) == 1 {
		return there[max(at, 0)], true
	}
	return Secret{}, false
}

// unseen reports whether there is a host whose databases could not be looked at.
func (p *planner) unseen() bool {
	for id, h := range p.Found.Hosts {
		if key, _, err := id.Parse(); err == nil && key.Kind == pool.Database && h.Blind != "" {
			return true
		}
	}
	return false
}

// shareOf is the share of a tenant that logs in by a secret, and how many it may be. With one mark a signup gets one share, which its
// tenant has for as long as it stays: the one on record, then, whatever another is open that the signup gave up before, on a host that
// did not answer. One that a departure on record clears is of an earlier life, whose tag it bears until it is made anew.
func (p *planner) shareOf(t pool.Tenant, s Secret) (place, int) {
	all := slices.DeleteFunc(slices.Clone(p.shares[s.Tenant]), func(at place) bool {
		return slices.ContainsFunc(p.Departures[s.Tenant], func(d pool.Departure) bool { return !d.State.Ended() && p.same(d.Tenant.Share, at) })
	})
	if len(all) > 1 {
		if at := slices.IndexFunc(all, func(at place) bool { return p.same(t.Share, at) }); at >= 0 && t.Mark == s.Mark {
			return all[at], 1
		}
		open := slices.DeleteFunc(slices.Clone(all), func(at place) bool { return !p.slot(at).Open })
		if len(open) == 0 { // it leaves, and what it had is what is recorded
			open = slices.DeleteFunc(slices.Clone(all), func(at place) bool { return !p.same(t.Share, at) })
		}
		if len(open) > 0 {
			all = open
		}
	}
	if len(all) == 0 {
		return place{}, 0
	}
	return all[0], len(all)
}

func (p *planner) same(h pool.Holding, at place) bool {
	s := p.slot(at)
	return h.Host == at.host && h.Index == s.Index && h.Generation == s.Generation
}

// without is a tenant that is recorded as ready, and that has no secret: either nothing of what it had stands any more, and it
// has left since; or nobody knows.
func (p *planner) without(t pool.Tenant) {
	of := "tenant " + string(t.ID)
	if !p.over(t.Database) && !p.over(t.Share) || len(p.shares[t.ID]) > 0 {
		p.unsure("look for the secret of", of, "it has none, and what it had still stands")
		p.readdress(t, t.ID)
		return
	}
	if !p.over(t.Database) || !p.over(t.Share) { // as what it had before it moved: nobody gets it
		p.unsure("look at what is left of", of, "it has no secret, and one half of what it had is made anew for others: it has left")
	}
	left, err := pool.MoveTenant(t, pool.TenantLeft, p.now, "recovered: it has no secret, and what it had is made anew for others")
	if err != nil {
		p.unsure("decide for", of, "%v", err)
		return
	}
	left.LeftAt, left.Returning = p.now, nil
	p.change(t, left)
	p.does("note that it has left", of, "it has no secret, and what it had is made anew for others")
}

// over reports whether a generation of a slot is over for certain: a later one stands, or its host is gone.
func (p *planner) over(h pool.Holding) bool {
	host, there := p.Found.Hosts[h.Host]
	if !there {
		return true
	}
	return host.Blind == "" && slices.ContainsFunc(host.Slots, func(s Slot) bool { return s.Index == h.Index && s.Generation > h.Generation }) &&
		!slices.ContainsFunc(host.Slots, func(s Slot) bool { return s.Index == h.Index && s.Generation == h.Generation })
}

// unfinished is a tenant whose credentials were stored, and whose share was not given to it yet: it was told nothing. One that
// holds its slots still goes on; any other is given others, and those rest.
func (p *planner) unfinished(t pool.Tenant, known bool, id pool.TenantID, s Secret, database place) {
	of := "tenant " + string(id)
	hold, held := p.Shelves[t.Tier].Held[id]
	if known && (p.same(t.Database, database) || held && p.holds(t.Tier, hold, database)) {
		if t.State == pool.TenantReady && !p.slot(database).Open {
			p.unsure("let in or put out", of, "nobody can reach its database, and its share could not be looked at, or stands no more")
		}
		return
	}
	former := t.State == pool.TenantReady && t.Mark != s.Mark && p.over(t.Database) && p.over(t.Share)
	if former { // it left, and was signing up again
		p.without(t)
	}
	if db := p.slot(database); db.Open || db.Holds || t.State == pool.TenantReady && !former {
		p.contested[database] = "tenant " + string(id) + " has it, and no share"
		p.unsure("look for the share of", of, "its database %s stands, and no share bears its tag", s.Database)
		return
	}
	p.resting[database] = id
	if !known || former || t.State == pool.TenantLeft {
		p.unsure("have sign up again", of, "its signup was cut short before it was told anything, and its secret %s is of no use any more", s.ARN)
		return
	}
	p.otherSlots(t, s.Mark, "its signup was cut short when it had stored its credentials")
}

// spent is a tenant all of whose secrets are for what it does not get, or does not have any more.
func (p *planner) spent(t pool.Tenant, known bool, id pool.TenantID) {
	for _, s := range p.Secrets {
		switch {
		case s.Tenant != id || p.departs(t, s.Mark):
		case !known:
			p.unsure("have sign up again", "tenant "+string(id), "its signup was cut short, and its secret %s is of no use any more", s.ARN)
		case s.Mark == t.Mark && (t.State == pool.TenantRequested || t.State == pool.TenantWaiting):
			p.otherSlots(t, s.Mark, "those that its secret is for are another tenant's")
		}
	}
}

// otherSlots has a signup go on with others than those of a mark.
func (p *planner) otherSlots(t pool.Tenant, mark, why string) {
	after := t.Clone()
	after.Spent = append(after.Spent, mark)
	if after.Mark == mark {
		after.Mark = another(mark)
	}
	p.change(t, after)
	p.does("give other slots to", "tenant "+string(t.ID), "%s", why)
}

// another is the mark of a signup that goes on with other slots: it follows from the one that it had, so that a plan is the
// same whenever it is made.
func another(mark string) string {
	sum := sha256.Sum256([]byte("recovered " + mark))
	return "r" + hex.EncodeToString(sum[:])[:11]
}

func (p *planner) holds(tier pool.Tier, h pool.Hold, at place) bool {
	s := p.slot(at)
	return pool.Key{Kind: pool.Database, Tier: tier}.Host(h.Database.Host) == at.host && h.Database.Index == s.Index && h.Database.Generation == s.Generation
}

func (p *planner) holding(at place) pool.Holding {
	s, access := p.slot(at), p.access(at.host)
	return pool.Holding{Host: at.host, Index: s.Index, Generation: s.Generation, Name: s.Name, Address: access.Address, Port: access.Port}
}

// changed is where the plan has a tenant's change; below zero: it has none.
func (p *planner) changed(id pool.TenantID) int {
	return slices.IndexFunc(p.plan.Tenants, func(c TenantChange) bool { return c.After.ID == id })
}

// planned is a tenant as it is to be; false: it is on no record, and is to be on none.
func (p *planner) planned(id pool.TenantID) (pool.Tenant, bool) {
	if n := p.changed(id); n >= 0 {
		return p.plan.Tenants[n].After, true
	}
	t, known := p.Tenants[id]
	return t, known
}

// change has a tenant be as it is to be, whatever was planned for it before.
func (p *planner) change(before, after pool.Tenant) {
	if n := p.changed(after.ID); n >= 0 {
		p.plan.Tenants[n].After = after
		return
	}
	p.plan.Tenants = append(p.plan.Tenants, TenantChange{before, after})
}
