package page

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// ledger is what the picture is read from.
type ledger interface {
	Tiers(context.Context) ([]pool.Tier, error)
	Shelf(context.Context, pool.Tier) (pool.Shelf, error)
	Waiting(context.Context, pool.Tier, int) ([]pool.Waiter, error)
	Pool(context.Context, pool.Key) (pool.Record, error)
	Hosts(context.Context, []pool.HostID) (map[pool.HostID]pool.Host, error)
	Tenants(context.Context, []pool.TenantID) (map[pool.TenantID]pool.Tenant, error)
	Tenant(context.Context, pool.TenantID) (pool.Tenant, error)
	Departures(context.Context, pool.TenantID) ([]pool.Departure, error)
	Repair(context.Context, pool.HostID) (pool.Repair, error)
}

// What a picture holds at most. A demo has less; who signs up thousands sees the newest.
const (
	hostsMost   = 60 // of a pool
	waitingMost = 100
	tenantsMost = 400
)

// picture is what the ledger says at one time.
type picture struct {
	Pools   []poolPicture   `json:"pools"`
	Tenants []tenantPicture `json:"tenants"` // the newest first
}

// poolPicture is one pool with its hosts. Slots that lie on the shelf are free.
type poolPicture struct {
	Kind         string        `json:"kind"`
	Tier         string        `json:"tier"`
	Free         int           `json:"free"`
	Taken        int           `json:"taken"`
	Leaving      int           `json:"leaving"` // those that rest included
	Provisioning int           `json:"provisioning"`
	Lead         int           `json:"lead"` // seconds: the middle of the last lead times; 0: there was none
	Hosts        []hostPicture `json:"hosts"`
}

type hostPicture struct {
	ID     string        `json:"id"`
	State  string        `json:"state"`
	Why    string        `json:"why"`
	Since  int64         `json:"since"` // Unix milliseconds by the cloud's clock, as all times
	Step   string        `json:"step"`
	Alarms []string      `json:"alarms"` // that ring
	Repair string        `json:"repair"` // what is being done about it, in words
	Strain bool          `json:"strain"` // it is overloaded on purpose
	Slots  []slotPicture `json:"slots"`
}

type slotPicture struct {
	Index      int    `json:"index"`
	Generation int    `json:"generation"`
	State      string `json:"state"`
	Tenant     string `json:"tenant"`
}

type tenantPicture struct {
	ID        string   `json:"id"`
	Tier      string   `json:"tier"`
	State     string   `json:"state"`
	Step      string   `json:"step"`
	Asked     int64    `json:"asked"`
	Ready     int64    `json:"ready"`    // 0: it is not yet
	Position  int      `json:"position"` // on the waiting list; 0: it is not on it
	Database  string   `json:"database"` // host and slot
	Share     string   `json:"share"`
	Addresses []string `json:"addresses"`
	Leaving   string   `json:"leaving"` // how far its way out has come
}

// look reads all pools, and the tenants that have, want or had something there: those that are known already, too.
func look(ctx context.Context, from ledger, known []pool.TenantID) (picture, error) {
	drawn := picture{Pools: []poolPicture{}, Tenants: []tenantPicture{}}
	tiers, err := from.Tiers(ctx)
	if err != nil {
		return drawn, fmt.Errorf("look at the tiers: %w", err)
	}
	positions := map[pool.TenantID]int{}
	for _, tier := range tiers {
		shelf, err := from.Shelf(ctx, tier)
		if err != nil {
			return drawn, fmt.Errorf("look at the shelf of %s: %w", tier, err)
		}
		waiting, err := from.Waiting(ctx, tier, waitingMost)
		if err != nil {
			return drawn, fmt.Errorf("look who waits for %s: %w", tier, err)
		}
		for i, w := range waiting {
			positions[w.Tenant] = i + 1
			known = append(known, w.Tenant)
		}
		for _, kind := range pool.Kinds {
			p, tenants, err := lookAtPool(ctx, from, pool.Key{Kind: kind, Tier: tier}, shelf)
			if err != nil {
				return drawn, err
			}
			drawn.Pools = append(drawn.Pools, p)
			known = append(known, tenants...)
		}
	}
	drawn.Tenants, err = lookAtTenants(ctx, from, known, positions)
	return drawn, err
}

func lookAtPool(ctx context.Context, from ledger, key pool.Key, shelf pool.Shelf) (poolPicture, []pool.TenantID, error) {
	p := poolPicture{Kind: string(key.Kind), Tier: string(key.Tier), Hosts: []hostPicture{}}
	record, err := from.Pool(ctx, key)
	if err != nil {
		return p, nil, fmt.Errorf("look at pool %s: %w", key, err)
	}
	p.Lead = middle(record.Leads)
	var ids []pool.HostID
	for seq := max(1, record.Seq-hostsMost+1); seq <= record.Seq; seq++ {
		ids = append(ids, key.Host(seq))
	}
	hosts, err := from.Hosts(ctx, ids)
	if err != nil {
		return p, nil, fmt.Errorf("look at the hosts of pool %s: %w", key, err)
	}
	held := holders(shelf, key.Kind)
	var tenants []pool.TenantID
	for _, id := range ids {
		host, there := hosts[id]
		if !there || !host.State.Live() {
			continue
		}
		drawn := draw(host, held)
		if host.Repair > 0 {
			repair, err := from.Repair(ctx, id)
			if err != nil && !errors.Is(err, pool.ErrNotFound) {
				return p, nil, fmt.Errorf("look at the repair of %s: %w", id, err)
			}
			drawn.Repair = mending(repair)
		}
		for _, s := range drawn.Slots {
			p.count(host.State, s)
			if s.Tenant != "" {
				tenants = append(tenants, pool.TenantID(s.Tenant))
			}
		}
		p.Hosts = append(p.Hosts, drawn)
	}
	return p, tenants, nil
}

// count counts a slot. Those of a host that takes nobody are not free.
func (p *poolPicture) count(host pool.HostState, s slotPicture) {
	switch pool.SlotState(s.State) {
	case pool.SlotAssigned:
		p.Taken++
	case pool.SlotLeaving, pool.SlotCooling, pool.SlotReturned:
		p.Leaving++
	case pool.SlotPlanned:
		if host.Provisioning() {
			p.Provisioning++
		}
	case pool.SlotFree, pool.SlotOffered:
		switch {
		case host == pool.HostInService:
			p.Free++
		case host.Provisioning():
			p.Provisioning++
		}
	}
}

// place is a slot's generation.
type place struct {
	host              pool.HostID
	index, generation int
}

// holders are the tenants whose claims are not settled: the hosts' records do not name them yet.
func holders(shelf pool.Shelf, kind pool.Kind) map[place]pool.TenantID {
	held := map[place]pool.TenantID{}
	for tenant, hold := range shelf.Held {
		for _, l := range hold.Listed() {
			if l.Kind == kind {
				held[place{l.Host(shelf.Tier), l.Offer.Index, l.Offer.Generation}] = tenant
			}
		}
	}
	return held
}

func draw(host pool.Host, held map[place]pool.TenantID) hostPicture {
	h := hostPicture{
		ID: string(host.ID), State: string(host.State), Why: host.Why, Since: host.Since.UnixMilli(), Step: string(host.Step),
		Alarms: append([]string{}, host.Alarmed()...), Slots: []slotPicture{},
	}
	if host.Doubt != "" {
		h.Why = host.Doubt
	}
	for _, s := range host.Slots {
		drawn := slotPicture{Index: s.Index, Generation: s.Generation, State: string(s.State), Tenant: string(s.Tenant)}
		if tenant, ok := held[place{host.ID, s.Index, s.Generation}]; ok {
			drawn.State, drawn.Tenant = string(pool.SlotAssigned), string(tenant)
		}
		h.Slots = append(h.Slots, drawn)
	}
	for len(h.Slots) < host.Size && host.State.Provisioning() { // whose names are not chosen yet
		h.Slots = append(h.Slots, slotPicture{Index: len(h.Slots) + 1, State: string(pool.SlotPlanned)})
	}
	slices.SortFunc(h.Slots, func(a, b slotPicture) int { return a.Index - b.Index })
	return h
}

func mending(r pool.Repair) string {
	if r.State == "" || r.State.Ended() {
		return ""
	}
	words := []string{string(r.State)}
	if r.Way != "" {
		words = append(words, "by way "+string(r.Way))
	}
	if r.Step != "" {
		words = append(words, "step "+string(r.Step))
	}
	return strings.Join(words, ", ") + ": " + r.Cause
}

func lookAtTenants(ctx context.Context, from ledger, ids []pool.TenantID, positions map[pool.TenantID]int) ([]tenantPicture, error) {
	slices.Sort(ids)
	found, err := from.Tenants(ctx, slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("look at the tenants: %w", err)
	}
	list := []tenantPicture{}
	for _, t := range found {
		list = append(list, tenantPicture{
			ID: string(t.ID), Tier: string(t.Tier), State: string(t.State), Step: string(t.Step),
			Asked: milli(t.RequestedAt), Ready: milli(t.ReadyAt), Position: positions[t.ID],
			Database: slotOf(t.Database), Share: slotOf(t.Share), Addresses: append([]string{}, t.Addresses...),
		})
	}
	slices.SortFunc(list, func(a, b tenantPicture) int {
		if a.Asked != b.Asked {
			return int(b.Asked - a.Asked)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list[:min(len(list), tenantsMost)], nil
}

func slotOf(h pool.Holding) string {
	if h.Host == "" {
		return ""
	}
	return fmt.Sprintf("%s/%d", h.Host, h.Index)
}

// milli is a time in Unix milliseconds; 0 for none.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// middle is the median of lead times, in seconds.
func middle(leads []pool.Lead) int {
	if len(leads) == 0 {
		return 0
	}
	var took []time.Duration
	for _, l := range leads {
		took = append(took, l.Took)
	}
	slices.Sort(took)
	return int(took[len(took)/2].Seconds())
}
