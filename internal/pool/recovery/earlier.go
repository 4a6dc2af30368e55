package recovery

import (
	"slices"

	"headroom/internal/pool"
)

// earlier decides what becomes of the other secrets of those who have their storage. One that is for a database which holds something,
// and is nobody's, is of an earlier life: the tenant has left, has signed up again, and the departure is on no record. Until people have
// seen to what that life had, its secret says whose it is. All others are spent: they go with the tenant.
func (p *planner) earlier() {
	for _, life := range p.lives {
		t, _ := p.planned(life.Tenant)
		after := t.Clone()
		for _, s := range p.Secrets {
			if s.Tenant != life.Tenant || s.Mark == life.Mark || slices.Contains(t.Spent, s.Mark) || p.departs(p.Tenants[life.Tenant], s.Mark) {
				continue
			}
			at, found := p.databases[s.Database]
			if !found && p.unseen() {
				continue // it may stand on a host that could not be looked at
			}
			if !found || !p.slot(at).Holds || p.holder[at] != "" || p.cleared(at) {
				after.Spent = append(after.Spent, s.Mark)
				continue
			}
			if p.contested[at] == "" {
				p.contested[at] = "an earlier life of tenant " + string(s.Tenant) + " had it, and no departure is on record that clears it"
			}
			p.unsure("see to what is left of", "tenant "+string(s.Tenant), "its secret %s is of an earlier life, and its database %s holds something still", s.ARN, s.Database)
		}
		if n := p.changed(life.Tenant); n >= 0 {
			p.plan.Tenants[n].After = after
		}
	}
}

// cleared reports whether a departure or a restoration that is on record clears a slot, whosever that is.
func (p *planner) cleared(at place) bool {
	is := func(h pool.Holding) bool { return h.Host == at.host && h.Index == p.slot(at).Index }
	return slices.ContainsFunc(p.tenantIDs(), func(id pool.TenantID) bool { return p.underWay(id, is) != "" })
}
