package recovery

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"headroom/internal/pool"
)

// Release gives a slot back that was quarantined because it could not be said whose it is, if all that is found says by now that it is
// nobody's: it is shut and empty in each of its generations that stand, and no tag, secret, tenant, claim or restoration names it. Then
// it goes the way of one that was returned. Else why says what is against it, and nothing changes.
func Release(b Books, f Found, id pool.HostID, index int, now time.Time) (c HostChange, why string, err error) {
	if len(f.Blind) > 0 {
		return c, f.Blind[0], nil
	}
	p := newPlanner(b, f, now)
	p.judge()
	if why = p.against(id, index); why != "" {
		return c, why, nil
	}
	at, _ := p.stands(id, index)
	e, h := p.slot(at), b.Hosts[id]
	is := *h.Slot(index)
	is.Generation, is.Name = e.Generation, e.Name
	if h.Kind == pool.Share {
		is.Bucket, is.Role, is.Share = e.Bucket, e.Role, e.Share
	}
	after, err := pool.RestDoubted(h, is, now)
	return HostChange{Before: h, After: after, Outcome: pool.Neutral}, "", err
}

// against says why a doubted slot can't be given back; empty: it can.
func (p *planner) against(id pool.HostID, index int) string {
	h, f := p.Books.Hosts[id], p.Found.Hosts[id]
	s := h.Slot(index)
	switch {
	case s == nil:
		return "it is not on record"
	case !s.Doubted():
		return fmt.Sprintf("it is %s, and not in quarantine by a recovery", s.State)
	case h.State != pool.HostInService && h.State != pool.HostCordoned:
		return fmt.Sprintf("its host is %s", h.State)
	case h.Repair > 0:
		return "its host is being repaired"
	case f.Order != h.Mark:
		return "its host does not stand"
	case f.Blind != "":
		return f.Blind
	case s.Since.After(p.At):
		return "it was quarantined only just now"
	}
	at, found := p.stands(id, index)
	switch {
	case !found:
		return "it does not stand on its host"
	case p.slot(at).Generation < s.Generation:
		return fmt.Sprintf("generation %d stands, which is before generation %d on record", p.slot(at).Generation, s.Generation)
	case p.onShelf(h, *s):
		return "a claim on the shelf is for it"
	}
	for n, e := range f.Slots {
		if e.Index != index {
			continue
		}
		if why := p.somebodys(place{id, n}); why != "" {
			return why
		}
	}
	return p.recorded(id, index)
}

// somebodys says why one generation of a slot may be somebody's; empty: it is nobody's.
func (p *planner) somebodys(at place) string {
	e := p.slot(at)
	of := fmt.Sprintf("generation %d", e.Generation)
	_, cutShort := p.resting[at]
	switch {
	case p.holder[at] != "":
		return of + " is tenant " + string(p.holder[at]) + "'s: headroom recover gives it back"
	case p.contested[at] != "":
		return of + ": " + p.contested[at]
	case e.Tenant != "" && !cutShort:
		return of + " bears the tag of tenant " + string(e.Tenant)
	case e.Open:
		return "somebody can reach " + of
	case e.Holds:
		return of + " is not known to be empty"
	}
	return ""
}

// recorded says which record names a slot as somebody's, in whichever generation; empty: none does.
func (p *planner) recorded(id pool.HostID, index int) string {
	is := func(h pool.Holding) bool { return h.Host == id && h.Index == index }
	for _, tenant := range slices.Sorted(maps.Keys(p.Tenants)) {
		if t := p.Tenants[tenant]; t.State != pool.TenantLeft && (is(t.Database) || is(t.Share)) {
			return "by its record it is tenant " + string(tenant) + "'s"
		}
		if why := p.underWay(tenant, is); why != "" {
			return why
		}
	}
	return ""
}

// underWay says what is done with one of a tenant's holdings; empty: nothing is.
func (p *planner) underWay(tenant pool.TenantID, is func(pool.Holding) bool) string {
	for _, d := range p.Departures[tenant] {
		if !d.State.Ended() && (is(d.Tenant.Database) || is(d.Tenant.Share)) {
			return "it is cleared by departure " + string(d.ID())
		}
	}
	r := p.Restorations[tenant]
	if !r.State.Ended() && (is(r.Database) || is(r.Share) || is(r.Target)) {
		return "restoration " + string(r.ID()) + " is under way in it"
	}
	if slices.ContainsFunc(r.Kept, func(k pool.KeptDatabase) bool { return k.Move != "" && is(k.Holding) }) {
		return "it is kept since tenant " + string(tenant) + " moved away from it"
	}
	return ""
}
