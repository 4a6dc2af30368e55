package operator

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"headroom/internal/pool"
)

// Diagnosis is what a close look at a deployment found.
type Diagnosis struct {
	Looked []Look `json:"looked"`          // at what, in order
	Needs  []Need `json:"needs"`           // what a person should look at; empty: it is well
	Notes  []Need `json:"notes,omitempty"` // what is as it should be for a while, and worth knowing
}

// Look is one thing that was looked at.
type Look struct {
	At    string `json:"at"`
	Found int    `json:"found"`           // needs
	Blind string `json:"blind,omitempty"` // why it, or a part of it, could not be looked at
}

// Doctor looks at all that Status does, and reads the whole ledger beside it: whether hosts, tenants and counters say the
// same, and who was given up. Then it holds what AWS has against that. What it could not look at is a need of its own.
func (o *Operator) Doctor(ctx context.Context) (Diagnosis, error) {
	var d Diagnosis
	note := func(at string, needs []Need) {
		d.Looked = append(d.Looked, Look{At: at, Found: len(needs)})
		d.Needs = append(d.Needs, needs...)
	}
	s, err := o.Status(ctx)
	if err != nil {
		return d, err
	}
	note("waiting lists, pools, queues, alarms, hosts, repairs, restorations, deadlines, stop switch and policy", s.Needs)
	// Hosts are read before tenants: who takes a slot meanwhile has it in its own record first.
	hosts, err := o.hosts(ctx, "")
	if err != nil {
		return d, err
	}
	tenants, err := o.tenants(ctx, true)
	if err != nil {
		return d, err
	}
	held, records, err := o.heldAndCounted(ctx)
	if err != nil {
		return d, err
	}
	note("tenants that were given up", givenUp(tenants))
	abandoned, nothing, err := o.abandoned(ctx)
	if err != nil {
		return d, err
	}
	note("departures that were given up, and their slots", abandoned)
	d.Notes = append(d.Notes, nothing...)
	note("whether hosts and tenants say the same of who holds what", disagreements(hosts, tenants, held))
	note("whether the pools' counters are the sums of their hosts", miscounted(hosts, records))
	if err := o.takeStock(ctx, &d); err != nil {
		return d, err
	}
	quotas, unnamed, err := o.quotaNeeds(ctx)
	if err != nil {
		return d, err
	}
	d.Notes = append(d.Notes, unnamed...)
	note("whether the account's quotas allow what the policy can grow to", quotas)
	if d.Needs == nil {
		d.Needs = []Need{}
	}
	return d, nil
}

// heldAndCounted reads who holds something that is not settled yet, and the pools' records.
func (o *Operator) heldAndCounted(ctx context.Context) (map[pool.TenantID]bool, []pool.Record, error) {
	held, records := map[pool.TenantID]bool{}, []pool.Record{}
	keys, err := o.keys(ctx, nil)
	if err != nil {
		return nil, nil, err
	}
	for _, key := range keys {
		shelf, err := o.Ledger.Shelf(ctx, key.Tier)
		if err != nil {
			return nil, nil, err
		}
		for id := range shelf.Held {
			held[id] = true
		}
		record, err := o.Ledger.Pool(ctx, key)
		if err != nil {
			return nil, nil, err
		}
		records = append(records, record)
	}
	return held, records, nil
}

// givenUp are the tenants whose steps were given up.
func givenUp(tenants map[pool.TenantID]pool.Tenant) []Need {
	var needs []Need
	for _, id := range slices.Sorted(maps.Keys(tenants)) {
		if t := tenants[id]; t.Stuck != "" {
			needs = append(needs, Need{What: fmt.Sprintf("step %s of tenant %s was given up: %s", t.Stuck, id, t.Error), Do: "headroom tenant explain " + string(id)})
		}
	}
	return needs
}

// disagreements are where the record of a host says otherwise of a slot than that of its tenant. Who holds something that
// is not settled yet is left out: of those only one of the records speaks.
func disagreements(hosts []pool.Host, tenants map[pool.TenantID]pool.Tenant, held map[pool.TenantID]bool) []Need {
	var needs []Need
	there := map[pool.HostID]pool.Host{}
	for _, h := range hosts {
		there[h.ID] = h
		for _, s := range h.Slots {
			t, known := tenants[s.Tenant]
			if s.State != pool.SlotAssigned || held[s.Tenant] {
				continue
			}
			mine := pool.Holding{Host: h.ID, Index: s.Index, Generation: s.Generation}
			if !known || t.State != pool.TenantLeft && !t.Database.Same(mine) && !t.Share.Same(mine) {
				needs = append(needs, Need{
					What: fmt.Sprintf("slot %d of host %s is tenant %s's by the host's record, and not by the tenant's", s.Index, h.ID, s.Tenant),
					Do:   "headroom host show " + string(h.ID),
				})
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(tenants)) {
		t := tenants[id]
		if t.State != pool.TenantReady || held[id] {
			continue
		}
		for _, holding := range []pool.Holding{t.Database, t.Share} {
			h := there[holding.Host]
			s := h.Slot(holding.Index)
			if s == nil || s.Generation != holding.Generation || s.Tenant != id {
				needs = append(needs, Need{
					What: fmt.Sprintf("tenant %s has slot %s by its own record, and not by the host's", id, slotName(holding)),
					Do:   "headroom tenant show " + string(id),
				})
			}
		}
	}
	return needs
}

// miscounted are the pools whose counters are not the sums over their hosts. They may be so for a moment, while a host is
// being written.
func miscounted(hosts []pool.Host, records []pool.Record) []Need {
	var needs []Need
	for _, r := range records {
		sum := pool.Counters{}
		for _, h := range hosts {
			if h.Key() == r.Key {
				sum = sum.Add(pool.Contribution(h))
			}
		}
		if sum.Hosts != r.Counters.Hosts || sum.Used != r.Counters.Used || sum.Reserve != r.Counters.Reserve || sum.InService != r.Counters.InService {
			needs = append(needs, Need{
				What: fmt.Sprintf("pool %s counts %d hosts, %d in service, %d slots used and %d in reserve, and its hosts come to %d, %d, %d and %d; if it is so again in a minute, its record is wrong",
					poolName(r.Key), r.Counters.Hosts, r.Counters.InService, r.Counters.Used, r.Counters.Reserve, sum.Hosts, sum.InService, sum.Used, sum.Reserve),
				Do: "headroom doctor",
			})
		}
	}
	return needs
}
