package faults

import (
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// hearReady holds what is said of a tenant's storage to what is so: it has it, and its password and its address open it.
// Of a tenant that has left since, or signed up anew, it comes late.
func (t *town) hearReady(e events.StorageReady) {
	w := t.w
	id := pool.TenantID(e.TenantID)
	if p := t.people[id]; p != nil {
		p.ready = &e
	}
	a := w.ledger.Books()
	tenant := a.Tenants[id]
	if tenant.State != pool.TenantReady || tenant.ReadyAt.UnixMilli() != e.ReadyAt.UnixMilli() {
		if tenant.State != pool.TenantLeft && !w.justLeft(e) && w.putback.from.IsZero() { // by a ledger of before it may be said anew, or late
			w.found("what is announced is so", "%s is announced as ready, and is %s", id, tenant.State)
		}
		return
	}
	if e.Database.Name != pool.DatabaseName(tenant.Database.Name) || e.Database.Host != tenant.Database.Address || e.Share.Host != tenant.Share.Address || e.Database.SecretARN != tenant.Secret {
		w.found("what is announced is so", "%s has %+v and %+v, and is told %+v", id, tenant.Database, tenant.Share, e)
	}
	if undoing(a, id) {
		return // the first looks at its share read no record: one that was sent before may see it as it was
	}
	if a.Restorations[id].ShutsOut() {
		return // it moves, and was ready before: a late copy of a message may say so again
	}
	if w.undecided(tenant) {
		return // to be let in or put out: who asks again is told what the ledger says, and people are asked what is so
	}
	server := w.cloud.databases.servers[e.Database.Host]
	if server == nil || server.databases[tenant.Database.Name] == nil || !server.databases[tenant.Database.Name].login {
		w.found("what is announced can be reached", "the database of %s lets nobody in", id)
	}
	host := a.Hosts[tenant.Share.Host]
	ref, _ := host.ShareRef(tenant.Share.Index)
	for _, share := range w.cloud.gateways.Shares() {
		reached := slices.ContainsFunc(tenant.Reached(), func(address string) bool { return slices.Contains(share.Clients, address+"/32") })
		if share.ID == ref.ID && !reached {
			w.found("what is announced can be reached", "the share of %s has the clients %v", id, share.Clients)
		}
	}
	w.write(tenant)
	w.filesLive(tenant)
}

// undoing reports whether a tenant is being let in again, its departure being undone.
func undoing(a memory.Books, id pool.TenantID) bool {
	for _, d := range a.Departures {
		if d.Tenant.ID == id && d.State == pool.DepartureUndoing {
			return true
		}
	}
	return false
}

// announcing is how long after its departure was recorded a tenant may be announced that was read before: while a message may carry
// what was read (signup's looksLast), an invocation of signup's lasts, and its last call takes effect.
const announcing = 15*time.Second + 20*time.Second + 5*time.Second + clocksApart

// justLeft reports whether what is said is of a life that a tenant has left a moment ago, and signed up anew since.
func (w *world) justLeft(e events.StorageReady) bool {
	for _, d := range w.ledger.Books().Departures {
		if string(d.Tenant.ID) == e.TenantID && d.Tenant.ReadyAt.UnixMilli() == e.ReadyAt.UnixMilli() && w.now.Sub(d.RecordedAt) < announcing {
			return true
		}
	}
	return false
}
