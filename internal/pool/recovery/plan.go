package recovery

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

// Books are what the ledger says, read after what was found: who has a slot is in one of them.
type Books struct {
	inventory.Books
	Shelves map[pool.Tier]pool.Shelf
}

// HostChange is a host as it is recorded, and as it is to be. One that is to be adopted is not recorded: Before is zero.
type HostChange struct {
	Before, After pool.Host
	Outcome       pool.Outcome
}

// TenantChange is a tenant as it is recorded, and as it is to be. One that is to be adopted is not recorded: Before is zero.
type TenantChange struct{ Before, After pool.Tenant }

// Line is one thing that a plan does, or can't decide, with its reason.
type Line struct {
	What string `json:"what"`
	Of   string `json:"of"`
	Why  string `json:"why"`
}

func (l Line) String() string { return l.What + " " + l.Of + ": " + l.Why }

// Wish is a tenant of which something was asked for, in words that the ledger lost. It was so at some time after all that the
// ledger still knows: whatever waits in a queue, and was sent since, is a later word.
type Wish struct {
	Tenant pool.TenantID
	Since  time.Time // just after the last that the ledger knows
}

// Plan is what makes the ledger true again. It is made again from what was found, and from the ledger, until there is
// nothing left of it.
type Plan struct {
	Hosts   []HostChange
	Tenants []TenantChange
	Leave   []Wish        // tenants that were leaving: they leave by the record again
	Stay    []Wish        // tenants that leave by the record, and were let in again: that they leave is undone by the record again
	Keep    []pool.HostID // hosts of which it is not known what they have: they go on being held
	Lines   []Line        // what is done
	Unsure  []Line        // what nobody but a person can decide. Nothing of that is handed out
	Blind   []string      // what could not be looked at as a whole: then it is no plan
}

// Done reports whether there is nothing to do: the ledger says what there is, as far as that can be decided.
func (p Plan) Done() bool {
	return len(p.Hosts)+len(p.Tenants)+len(p.Leave)+len(p.Stay)+len(p.Blind) == 0
}

// Parted parts the tenants into those who get no slot that they have not by their record, and those who do.
func (p Plan) Parted() (loses, gets []TenantChange) {
	for _, c := range p.Tenants {
		had := func(now, before pool.Holding) bool { return now == pool.Holding{} || now.Same(before) }
		if had(c.After.Database, c.Before.Database) && had(c.After.Share, c.Before.Share) {
			loses = append(loses, c)
		} else {
			gets = append(gets, c)
		}
	}
	return loses, gets
}

// Make plans. It decides by what was found, and where that leaves a choice, by what the ledger says. Two never get one slot, no
// slot goes back to an earlier generation, and what may be anybody's is nobody's: it is quarantined.
func Make(b Books, f Found, now time.Time) Plan {
	p := newPlanner(b, f, now)
	if p.plan.Blind = f.Blind; len(f.Blind) > 0 {
		for _, what := range f.Blind {
			p.unsure("look again", "stage "+b.Stage, "%s", what)
		}
		return p.plan
	}
	p.judge()
	for _, id := range p.hostIDs() {
		p.host(id)
	}
	return p.plan
}

func newPlanner(b Books, f Found, now time.Time) *planner {
	return &planner{
		Books: b, Found: f, now: now.UTC(), databases: map[string]place{}, shares: map[pool.TenantID][]place{},
		claims: map[pool.TenantID][]Secret{}, named: map[string][]Secret{}, holder: map[place]pool.TenantID{}, resting: map[place]pool.TenantID{}, stale: map[pool.TenantID]bool{}, contested: map[place]string{},
	}
}

// judge finds out whose each slot is.
func (p *planner) judge() {
	p.index()
	p.claim()
	for _, id := range p.tenantIDs() {
		p.tenant(id)
	}
	p.earlier()
	p.believe()
}

type planner struct {
	Books
	Found
	now  time.Time
	plan Plan

	databases map[string]place           // by database name
	shares    map[pool.TenantID][]place  // by whose they are by their tags
	claims    map[pool.TenantID][]Secret // by which each may log in
	named     map[string][]Secret        // the same, by the names of their databases

	holder    map[place]pool.TenantID // whose it is, for certain
	resting   map[place]pool.TenantID // who was about to get it, and does not
	contested map[place]string        // why it can't be said whose it is

	lives []Secret               // by which those log in that have both
	stale map[pool.TenantID]bool // whose claim on the shelf is not to be believed
}

func (p *planner) does(what, of, format string, args ...any) {
	p.plan.Lines = append(p.plan.Lines, Line{what, of, fmt.Sprintf(format, args...)})
}

func (p *planner) unsure(what, of, format string, args ...any) {
	p.plan.Unsure = append(p.plan.Unsure, Line{what, of, fmt.Sprintf(format, args...)})
}

func (p *planner) index() {
	for _, id := range slices.Sorted(maps.Keys(p.Found.Hosts)) {
		key, _, err := id.Parse()
		if p.Found.Hosts[id].Blind != "" {
			continue // what is known of it may be a part
		}
		for at, s := range p.Found.Hosts[id].Slots {
			switch {
			case err != nil:
			case key.Kind == pool.Database:
				p.databases[pool.DatabaseName(s.Name)] = place{id, at}
			case s.Tenant != "":
				p.shares[s.Tenant] = append(p.shares[s.Tenant], place{id, at})
			}
		}
	}
}

func (p *planner) tenantIDs() []pool.TenantID {
	ids := map[pool.TenantID]bool{}
	for id := range p.Tenants {
		ids[id] = true
	}
	for _, s := range p.Secrets {
		ids[s.Tenant] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

func (p *planner) hostIDs() []pool.HostID {
	ids := map[pool.HostID]bool{}
	for id := range p.Books.Hosts {
		ids[id] = true
	}
	for id := range p.Found.Hosts {
		ids[id] = true
	}
	// By their numbers: a pool's hosts are adopted in the order in which they were ordered.
	return slices.SortedFunc(maps.Keys(ids), func(a, b pool.HostID) int {
		ka, na, _ := a.Parse()
		kb, nb, _ := b.Parse()
		if c := strings.Compare(string(ka.Kind)+" "+string(ka.Tier), string(kb.Kind)+" "+string(kb.Tier)); c != 0 {
			return c
		}
		return na - nb
	})
}

// onShelf reports whether a slot that its host's record has as offered is on the shelf, or on its way there or back.
func (p *planner) onShelf(h pool.Host, s pool.Slot) bool {
	shelf, o := p.Shelves[h.Tier], s.Offer(h.ID)
	same := func(x pool.Offer) bool {
		return x.Host == o.Host && x.Index == o.Index && x.Generation == o.Generation
	}
	listed := func(l pool.Listed) bool { return l.Kind == h.Kind && same(l.Offer) }
	for id, hold := range shelf.Held {
		if !p.stale[id] && slices.ContainsFunc(hold.Listed(), listed) {
			return true
		}
	}
	return slices.ContainsFunc(shelf.Offers(h.Kind), same) || slices.ContainsFunc(shelf.Withdrawn, listed) ||
		shelf.Refill != nil && slices.ContainsFunc(shelf.Refill.Offers, listed)
}
