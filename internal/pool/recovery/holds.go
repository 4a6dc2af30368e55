package recovery

import (
	"maps"
	"slices"

	"headroom/internal/pool"
)

// believe finds the claims, on the shelf and in the records of tenants whose signup is under way, that are not to be believed any
// more: what they are for was given up since. Such a signup begins anew, with other slots; what the claim is for rests, unless it is
// somebody's.
func (p *planner) believe() {
	for _, tier := range slices.Sorted(maps.Keys(p.Shelves)) {
		held := p.Shelves[tier].Held
		for _, id := range slices.Sorted(maps.Keys(held)) {
			var has []pool.Holding
			for _, l := range held[id].Listed() {
				has = append(has, pool.Holding{Host: l.Host(tier), Index: l.Offer.Index, Generation: l.Offer.Generation})
			}
			t, _ := p.planned(id)
			elsewhere := t.State == pool.TenantReady && !slices.ContainsFunc(has, func(h pool.Holding) bool { return h.Same(t.Database) || h.Same(t.Share) })
			p.stale[id] = p.astray(id, has...) || elsewhere
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.Tenants)) {
		before := p.Tenants[id]
		t, _ := p.planned(id)
		if t.Anew || t.State != pool.TenantRequested && t.State != pool.TenantWaiting ||
			!(t.Named() && p.astray(id, t.Database, t.Share)) && !(!t.Named() && p.stale[id]) {
			continue
		}
		after := t.Clone()
		after.Anew, after.Database, after.Share, after.Secret = true, pool.Holding{}, pool.Holding{}, ""
		undecided := slices.ContainsFunc(p.claims[id], func(s Secret) bool { return s.Mark == before.Mark }) // then it fails, and opens nothing
		if !undecided && !slices.Contains(after.Spent, before.Mark) {                                        // its secret may be gone, and can't be made again
			after.Spent, after.Mark = append(after.Spent, before.Mark), another(before.Mark)
		}
		p.change(before, after)
		p.does("give other slots to", "tenant "+string(id), "what its signup had claimed by the record is not its own any more")
	}
}

// astray reports whether one of the slots that a tenant has by a claim is another's, or is not known not to be, or is of an earlier
// generation than stands; or whether the tenant has one of them, and not the other.
func (p *planner) astray(id pool.TenantID, has ...pool.Holding) bool {
	served := p.Tenants[id].State == pool.TenantReady // it opens nothing any more
	stored := slices.ContainsFunc(p.claims[id], func(s Secret) bool {
		at, found := p.databases[s.Database]
		return found && slices.ContainsFunc(has, func(h pool.Holding) bool { return p.same(h, at) })
	})
	var its, others int
	var free []place
	for _, h := range has {
		f := p.Found.Hosts[h.Host]
		if f.Blind != "" || len(f.Slots) == 0 {
			continue
		}
		n := slices.IndexFunc(f.Slots, func(s Slot) bool { return s.Index == h.Index && s.Generation == h.Generation })
		if n < 0 {
			others++
			continue
		}
		at := place{h.Host, n}
		s := p.slot(at)
		// A secret is stored before anything is opened.
		touched := !stored && (s.Open || s.Holds || s.Tenant != "" && s.Tenant != id)
		switch holder := p.holder[at]; {
		case holder == id:
			its++
		case holder != "" || !served && (p.contested[at] != "" || touched):
			others++
		default:
			free = append(free, at)
		}
	}
	if others == 0 && (its == 0 || len(free) == 0) {
		return false
	}
	for _, at := range free {
		if _, rests := p.resting[at]; !rests {
			p.resting[at] = id
		}
	}
	return true
}
