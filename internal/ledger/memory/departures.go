package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"headroom/internal/pool"
)

func (l *Ledger) putDeparture(d pool.Departure, version int64) pool.Departure {
	d = d.Clone()
	d.Due, d.Version = second(d.Due), version
	l.departures[d.ID()] = d
	l.index.note(entry{record: record{departure: d.ID()}, dueAt: d.Due})
	return d.Clone()
}

func (l *Ledger) putClearance(c pool.Clearance, version int64) pool.Clearance {
	c = c.Clone()
	c.Due, c.Version = second(c.Due), version
	l.clearances[c.ID()] = c
	l.index.note(entry{record: record{clearance: c.ID()}, dueAt: c.Due})
	return c.Clone()
}

// Depart records a departure and the tombstone of its tenant.
func (l *Ledger) Depart(ctx context.Context, before, after pool.Tenant, d pool.Departure) error {
	return l.write(ctx, "Depart", func() error {
		stored, known := l.tenants[after.ID]
		if _, there := l.departures[d.ID()]; there || !known || stored.Version != before.Version {
			return fmt.Errorf("record departure %s: %w", d.ID(), pool.ErrConflict)
		}
		l.saveTenant(after, before.Version+1)
		if before.State == pool.TenantWaiting {
			l.waiting[before.Tier] = slices.DeleteFunc(l.waiting[before.Tier], func(w pool.Waiter) bool { return w.Tenant == before.ID })
		}
		l.putDeparture(d, 1)
		return nil
	})
}

// SignAgain records that a tenant which left signs up again, with its address.
func (l *Ledger) SignAgain(ctx context.Context, tombstone, fresh pool.Tenant, address string) (pool.Tenant, error) {
	err := l.write(ctx, "SignAgain", func() error {
		stored, known := l.tenants[fresh.ID]
		owner, taken := l.addresses[address]
		if !known || stored.Version != tombstone.Version || taken && owner != fresh.ID {
			return fmt.Errorf("sign tenant %s up again: %w", fresh.ID, pool.ErrConflict)
		}
		l.addresses[address] = fresh.ID
		l.saveTenant(fresh, tombstone.Version+1)
		return nil
	})
	if err != nil {
		return pool.Tenant{}, err
	}
	fresh.Version, fresh.Due = tombstone.Version+1, second(fresh.Due)
	return fresh.Clone(), nil
}

// Departure reads a departure; pool.ErrNotFound when there is none.
func (l *Ledger) Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error) {
	if err := ctx.Err(); err != nil {
		return pool.Departure{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.departures[id]
	if !ok {
		return pool.Departure{}, fmt.Errorf("read departure %s: %w", id, pool.ErrNotFound)
	}
	return d.Clone(), nil
}

// Departures reads all departures of a tenant, in the order of their IDs.
func (l *Ledger) Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var departures []pool.Departure
	for _, id := range slices.Sorted(maps.Keys(l.departures)) {
		if id.Tenant() == tenant {
			departures = append(departures, l.departures[id].Clone())
		}
	}
	return departures, nil
}

// SaveDeparture writes a departure on the condition that its version is before's.
func (l *Ledger) SaveDeparture(ctx context.Context, before, after pool.Departure) (saved pool.Departure, err error) {
	err = l.write(ctx, "SaveDeparture", func() error {
		if !l.departureIs(before) {
			return fmt.Errorf("save departure %s: %w", after.ID(), pool.ErrConflict)
		}
		saved = l.putDeparture(after, before.Version+1)
		return nil
	})
	return saved, err
}

func (l *Ledger) departureIs(seen pool.Departure) bool {
	stored, known := l.departures[seen.ID()]
	return known && stored.Version == seen.Version
}

// Rejoin saves a departure that was undone and its tenant.
func (l *Ledger) Rejoin(ctx context.Context, before, after pool.Departure, tombstone, tenant pool.Tenant) error {
	return l.write(ctx, "Rejoin", func() error {
		stored, known := l.tenants[tenant.ID]
		if !l.departureIs(before) || !known || stored.Version != tombstone.Version {
			return fmt.Errorf("have tenant %s back by departure %s: %w", tenant.ID, after.ID(), pool.ErrConflict)
		}
		l.putDeparture(after, before.Version+1)
		l.saveTenant(tenant, tombstone.Version+1)
		return nil
	})
}

// BeginScrub saves a departure whose grace is over and records its clearances.
func (l *Ledger) BeginScrub(ctx context.Context, before, after pool.Departure, clearances []pool.Clearance) error {
	return l.write(ctx, "BeginScrub", func() error {
		taken := slices.ContainsFunc(clearances, func(c pool.Clearance) bool { _, there := l.clearances[c.ID()]; return there })
		if taken || !l.departureIs(before) {
			return fmt.Errorf("begin the scrub of departure %s: %w", after.ID(), pool.ErrConflict)
		}
		l.putDeparture(after, before.Version+1)
		for _, c := range clearances {
			l.putClearance(c, 1)
		}
		return nil
	})
}

// Clearance reads a clearance; pool.ErrNotFound when there is none.
func (l *Ledger) Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error) {
	if err := ctx.Err(); err != nil {
		return pool.Clearance{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.clearances[id]
	if !ok {
		return pool.Clearance{}, fmt.Errorf("read clearance %s: %w", id, pool.ErrNotFound)
	}
	return c.Clone(), nil
}

// Clearances reads many at once.
func (l *Ledger) Clearances(ctx context.Context, ids []pool.ClearanceID) (map[pool.ClearanceID]pool.Clearance, error) {
	return many(ctx, l, l.clearances, ids)
}

// SaveClearance writes a clearance on the condition that its version is before's.
func (l *Ledger) SaveClearance(ctx context.Context, before, after pool.Clearance) (saved pool.Clearance, err error) {
	err = l.write(ctx, "SaveClearance", func() error {
		if l.clearances[after.ID()].Version != before.Version {
			return fmt.Errorf("save clearance %s: %w", after.ID(), pool.ErrConflict)
		}
		saved = l.putClearance(after, before.Version+1)
		return nil
	})
	return saved, err
}

// Bays reads who has a place to be copied in.
func (l *Ledger) Bays(ctx context.Context) (pool.Bays, error) {
	if err := ctx.Err(); err != nil {
		return pool.Bays{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return pool.Bays{Taken: slices.Clone(l.bays.Taken), Version: l.bays.Version}, nil
}

// SaveBays writes the bays on the condition that their version is before's.
func (l *Ledger) SaveBays(ctx context.Context, before, after pool.Bays) error {
	return l.write(ctx, "SaveBays", func() error {
		if l.bays.Version != before.Version {
			return fmt.Errorf("save the bays: %w", pool.ErrConflict)
		}
		l.bays = pool.Bays{Taken: slices.Clone(after.Taken), Version: before.Version + 1}
		return nil
	})
}

// Stops reads the stop switch.
func (l *Ledger) Stops(ctx context.Context) (pool.Stops, error) {
	if err := ctx.Err(); err != nil {
		return pool.Stops{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stops.Clone(), nil
}

// SaveStops sets the stop switch.
func (l *Ledger) SaveStops(ctx context.Context, s pool.Stops) error {
	return l.write(ctx, "SaveStops", func() error {
		l.stops = s.Clone()
		return nil
	})
}

// SwitchStops writes the stop switch on the condition that its version is before's.
func (l *Ledger) SwitchStops(ctx context.Context, before, after pool.Stops) error {
	return l.write(ctx, "SwitchStops", func() error {
		if l.stops.Version != before.Version {
			return fmt.Errorf("switch the stop switch: %w", pool.ErrConflict)
		}
		l.stops = after.Clone()
		l.stops.Version = before.Version + 1
		return nil
	})
}
