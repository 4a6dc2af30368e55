package inventory

import (
	"strings"
	"time"

	"headroom/internal/pool"
)

// settled is how long a record has to have been as it is before AWS is held against it: longer than a host's step or a
// tenant's signup is under way, and than AWS takes to list what was made.
const settled = 15 * time.Minute

// Books are what the ledger says, read after AWS was looked at.
type Books struct {
	Stage        string
	Hosts        map[pool.HostID]pool.Host // all that there ever were
	Tenants      map[pool.TenantID]pool.Tenant
	Departures   map[pool.TenantID][]pool.Departure
	Restorations map[pool.TenantID]pool.Restoration
	Held         map[pool.TenantID]bool // who holds what is not settled yet
	Nobody       string                 // client of a share that is nobody's
	Protected    bool                   // whether instances are to be protected from deletion
}

// Fullest is how many tenants hold slots of the host of each pool that has most of them.
func (b Books) Fullest() map[pool.Key]int {
	most := map[pool.Key]int{}
	for _, h := range b.Hosts {
		most[h.Key()] = max(most[h.Key()], h.Assigned())
	}
	return most
}

// prefix is how the names of a stage's things begin.
func (b Books) prefix() string { return "headroom-" + b.Stage + "-" }

// hostOf is the host that a thing is of, by its marks, or else by its name. ours is false when it bears no mark of the
// stage.
func (b Books) hostOf(m Marks, name string) (id pool.HostID, ours bool) {
	if m.Stage == b.Stage && m.Host != "" {
		return pool.HostID(m.Host), true
	}
	rest, found := strings.CutPrefix(name, b.prefix())
	if !found {
		return "", false
	}
	return pool.HostID(rest), false
}

// orders are the marks of all orders that there ever were.
func (b Books) orders() map[string]pool.HostID {
	orders := map[string]pool.HostID{}
	for id, h := range b.Hosts {
		if h.Mark != "" {
			orders[h.Mark] = id
		}
	}
	return orders
}

// standing reports whether a host has all that a host has: it serves, or is kept from it.
func standing(h pool.Host, at time.Time) bool {
	return (h.State == pool.HostInService || h.State == pool.HostCordoned) && h.Repair == 0 && at.Sub(lately(h)) >= settled
}

// lately is when a host last changed, as far as its history tells.
func lately(h pool.Host) time.Time {
	last := h.Since
	if n := len(h.History); n > 0 && h.History[n-1].At.After(last) {
		last = h.History[n-1].At
	}
	return last
}

// resting reports whether a tenant has what it has, and nothing is under way about it.
func (b Books) resting(t pool.Tenant, at time.Time) bool {
	return t.State == pool.TenantReady && t.Step == "" && !b.Held[t.ID] && at.Sub(t.ReadyAt) >= settled && at.Sub(latelyOf(t)) >= settled && !b.restoring(t.ID)
}

func latelyOf(t pool.Tenant) time.Time {
	if n := len(t.History); n > 0 {
		return t.History[n-1].At
	}
	return t.RequestedAt
}

func (b Books) restoring(id pool.TenantID) bool {
	r, known := b.Restorations[id]
	return known && !r.State.Ended()
}
