package recovery

import (
	"maps"
	"slices"

	"headroom/internal/pool"
)

// claim collects by which secrets each tenant may log in. The secret of a mark that was spent stays as long as its tenant, and the
// database that it is for, of the same name and generation, may be another's by now: so a secret alone does not say whose one is.
func (p *planner) claim() {
	for _, s := range p.Secrets {
		t := p.Tenants[s.Tenant]
		if !p.departs(t, s.Mark) && !slices.Contains(t.Spent, s.Mark) {
			p.claims[s.Tenant] = append(p.claims[s.Tenant], s)
			p.named[s.Database] = append(p.named[s.Database], s)
		}
	}
	for _, s := range p.Secrets { // who leaves by the record has what its secret is for until that is gone
		leaves := func(d pool.Departure) bool { return !d.State.Ended() && d.Tenant.Mark == s.Mark }
		if slices.ContainsFunc(p.Departures[s.Tenant], leaves) && s.Database != "" {
			for _, other := range slices.Clone(p.named[s.Database]) {
				p.disclaim(other)
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, id := range slices.Sorted(maps.Keys(p.claims)) {
			mine, certain := p.certain(id)
			for _, s := range slices.Clone(p.claims[id]) {
				if certain && s.Mark != mine.Mark && p.shared(s) {
					p.disclaim(s)
					changed = true
				}
			}
			for _, s := range slices.Clone(p.named[mine.Database]) {
				if theirs, also := p.certain(s.Tenant); certain && s.Tenant != id && !(also && theirs == s) { // else it is for people to say whose it is
					p.disclaim(s)
					changed = true
				}
			}
		}
	}
}

func (p *planner) disclaim(s Secret) {
	is := func(o Secret) bool { return o == s }
	p.claims[s.Tenant] = slices.DeleteFunc(p.claims[s.Tenant], is)
	p.named[s.Database] = slices.DeleteFunc(p.named[s.Database], is)
}

// certain is the secret by which a tenant logs in, if others that name its databases need not be asked: the only one that it has
// while its share is open, or the only one whose database is open and that no other names.
func (p *planner) certain(id pool.TenantID) (Secret, bool) {
	open := func(at place) bool { return p.slot(at).Open }
	if all := p.claims[id]; len(all) == 1 && slices.ContainsFunc(p.shares[id], open) {
		return all[0], true
	}
	mine := slices.DeleteFunc(slices.Clone(p.claims[id]), func(s Secret) bool {
		at, found := p.databases[s.Database]
		return !found || !open(at) || p.shared(s)
	})
	if len(mine) != 1 {
		return Secret{}, false
	}
	return mine[0], true
}

// shared reports whether another tenant's secret is for the same database.
func (p *planner) shared(s Secret) bool {
	return s.Database != "" && slices.ContainsFunc(p.named[s.Database], func(o Secret) bool { return o.Tenant != s.Tenant })
}

// rest has the databases rest that a tenant's other secrets are for, and no other tenant's: its signup was about to open them. One
// that is free since its mark was spent has rested.
func (p *planner) rest(t pool.Tenant, id pool.TenantID, but string) {
	for _, s := range p.Secrets {
		at, found := p.databases[s.Database]
		if s.Tenant != id || s.Database == but || !found || p.departs(t, s.Mark) || p.shared(s) {
			continue
		}
		h := p.Books.Hosts[at.host]
		if r := h.Slot(p.slot(at).Index); slices.Contains(t.Spent, s.Mark) && r != nil && r.State == pool.SlotFree {
			continue
		}
		p.resting[at] = id
	}
}
