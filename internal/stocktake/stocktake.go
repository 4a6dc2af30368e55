// Package stocktake holds AWS against the ledger: it has AWS looked at, reads then what the ledger says of all that was
// seen, and compares. It changes nothing.
package stocktake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

// forever is later than any deadline: what the index of deadlines has by then is all that has one.
var forever = time.Unix(1<<40, 0)

// dueMost bounds how many departures and restorations under way are read.
const dueMost = 1000

// Looker looks at all that a stage has in AWS. What it could not look at is among what is Unseen.
type Looker interface {
	Look(ctx context.Context) (inventory.Seen, error)
}

// Ledger is what is read of the ledger (headroom/internal/ledger says how).
type Ledger interface {
	Tiers(ctx context.Context) ([]pool.Tier, error)
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
	Tenants(ctx context.Context, ids []pool.TenantID) (map[pool.TenantID]pool.Tenant, error)
	Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error)
	OverdueDepartures(ctx context.Context, now time.Time, limit int) ([]pool.DepartureID, error)
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
	OverdueRestorations(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error)
}

// Taker takes stock of a stage. All fields are required.
type Taker struct {
	Stage     string
	Nobody    string // client of a share that is nobody's
	Protected bool   // whether the stage's instances are to be protected from deletion
	Looker    Looker
	Ledger    Ledger
	Now       func() time.Time
}

// Stock is what there is, what is said of it, and how the two differ.
type Stock struct {
	Seen     inventory.Seen
	Books    inventory.Books
	Findings []inventory.Finding
}

// Take takes stock. AWS is looked at first: what it has then was recorded before, so that what the ledger does not know is
// nobody's.
func (t *Taker) Take(ctx context.Context) (Stock, error) {
	seen, err := t.Looker.Look(ctx)
	if err != nil {
		return Stock{}, fmt.Errorf("look at what stage %s has: %w", t.Stage, err)
	}
	books, err := t.Books(ctx, seen)
	if err != nil {
		return Stock{}, err
	}
	return Stock{Seen: seen, Books: books, Findings: inventory.Compare(books, seen, t.Now())}, nil
}

// Books reads what the ledger says of all that was seen.
func (t *Taker) Books(ctx context.Context, seen inventory.Seen) (inventory.Books, error) {
	books, err := t.books(ctx, seen)
	if err != nil {
		return books, fmt.Errorf("read what the ledger says of stage %s: %w", t.Stage, err)
	}
	return books, nil
}

// books reads the shelves before the hosts, and these before the tenants: who has a slot is in one of them at any time, and
// moves from the first to the last.
func (t *Taker) books(ctx context.Context, seen inventory.Seen) (inventory.Books, error) {
	b := inventory.Books{
		Stage: t.Stage, Nobody: t.Nobody, Protected: t.Protected,
		Hosts: map[pool.HostID]pool.Host{}, Held: map[pool.TenantID]bool{},
		Departures: map[pool.TenantID][]pool.Departure{}, Restorations: map[pool.TenantID]pool.Restoration{},
	}
	tiers, err := t.Ledger.Tiers(ctx)
	if err != nil {
		return b, err
	}
	for _, tier := range tiers {
		shelf, err := t.Ledger.Shelf(ctx, tier)
		if err != nil {
			return b, err
		}
		for id := range shelf.Held {
			b.Held[id] = true
		}
		for _, kind := range pool.Kinds {
			if err := t.hosts(ctx, pool.Key{Kind: kind, Tier: tier}, b.Hosts); err != nil {
				return b, err
			}
		}
	}
	if b.Tenants, err = t.Ledger.Tenants(ctx, concerned(b, seen)); err != nil {
		return b, err
	}
	if err := t.departures(ctx, b, seen); err != nil {
		return b, err
	}
	return b, t.restorations(ctx, b, seen)
}

// hosts reads all hosts that a pool ever had.
func (t *Taker) hosts(ctx context.Context, key pool.Key, into map[pool.HostID]pool.Host) error {
	record, err := t.Ledger.Pool(ctx, key)
	if err != nil {
		return err
	}
	ids := make([]pool.HostID, record.Seq)
	for n := range ids {
		ids[n] = key.Host(n + 1)
	}
	found, err := t.Ledger.Hosts(ctx, ids)
	maps.Copy(into, found)
	return err
}

// concerned are the tenants that have something, by the books or by what was seen.
func concerned(b inventory.Books, seen inventory.Seen) []pool.TenantID {
	ids := maps.Clone(b.Held)
	for _, h := range b.Hosts {
		for _, s := range h.Slots {
			if s.Tenant != "" {
				ids[s.Tenant] = true
			}
		}
	}
	for _, s := range seen.Secrets {
		if id, _, ok := b.SecretOf(s.Name); ok {
			ids[id] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// departures reads those under way, and those of tenants with a secret that is not of their present life.
func (t *Taker) departures(ctx context.Context, b inventory.Books, seen inventory.Seen) error {
	under, err := t.Ledger.OverdueDepartures(ctx, forever, dueMost)
	if err != nil {
		return err
	}
	ids := map[pool.TenantID]bool{}
	for _, id := range under {
		ids[id.Tenant()] = true
	}
	for _, s := range seen.Secrets {
		if id, mark, ok := b.SecretOf(s.Name); ok && b.Tenants[id].Mark != mark {
			ids[id] = true
		}
	}
	for id, tenant := range b.Tenants {
		if tenant.State == pool.TenantLeft { // it has a slot still, or a secret
			ids[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if b.Departures[id], err = t.Ledger.Departures(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// restorations reads those under way, and those for which an instance was made.
func (t *Taker) restorations(ctx context.Context, b inventory.Books, seen inventory.Seen) error {
	ids, err := t.Ledger.OverdueRestorations(ctx, forever, dueMost)
	if err != nil {
		return err
	}
	for _, i := range seen.Instances {
		if tenant, _, ok := pool.RestorationID(i.Restoration).Parse(); ok && !strings.ContainsAny(string(tenant), "#/") {
			ids = append(ids, tenant)
		}
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		r, err := t.Ledger.Restoration(ctx, id)
		switch {
		case errors.Is(err, pool.ErrNotFound):
		case err != nil:
			return err
		default:
			b.Restorations[id] = r
		}
	}
	return nil
}
