package memory

import (
	"slices"

	"headroom/internal/pool"
)

// Books are all records of a ledger, for who checks that they agree. They are the ledger's own: they are to be read at
// once, and not changed.
type Books struct {
	Tenants      map[pool.TenantID]pool.Tenant
	Addresses    map[string]pool.TenantID
	Shelves      map[pool.Tier]pool.Shelf
	Waiting      map[pool.Tier][]pool.Waiter
	Pools        map[pool.Key]pool.Record
	Hosts        map[pool.HostID]pool.Host
	Departures   map[pool.DepartureID]pool.Departure
	Clearances   map[pool.ClearanceID]pool.Clearance
	Repairs      map[pool.HostID]pool.Repair
	Restorations map[pool.TenantID]pool.Restoration
	Wards        map[pool.Key]pool.Ward
	Held         map[string]pool.Cents // money, besides hosts, by name
	Spent        pool.Cents
	Stops        pool.Stops
	Quotas       pool.Quotas
	Storm        pool.Storm
	Bays         pool.Bays
	Audits       []pool.Audit
}

// Books opens the books. Nobody may write meanwhile.
func (l *Ledger) Books() Books {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Books{
		Tenants: l.tenants, Addresses: l.addresses, Shelves: l.shelves, Waiting: l.waiting, Pools: l.pools, Hosts: l.hosts,
		Departures: l.departures, Clearances: l.clearances, Repairs: l.repairs, Restorations: l.restored, Wards: l.wards,
		Held: l.money, Spent: l.spent, Stops: l.stops, Quotas: l.quotas, Storm: l.storm, Bays: l.bays, Audits: slices.Clip(l.audits),
	}
}
