package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// attempts bounds how often a change is decided again after another writer was first. A batch of ten
// messages about one host, handled at once, must get through.
const attempts = 12

// ErrUnchanged is what a change answers when there is nothing to be written.
var ErrUnchanged = errors.New("nothing is to be changed")

type hosts interface {
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error
}

type tenants interface {
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error)
}

type departures interface {
	Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error)
	SaveDeparture(ctx context.Context, before, after pool.Departure) (pool.Departure, error)
}

type clearances interface {
	Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error)
	SaveClearance(ctx context.Context, before, after pool.Clearance) (pool.Clearance, error)
}

type restorations interface {
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
	SaveRestoration(ctx context.Context, before, after pool.Restoration) (pool.Restoration, error)
}

type repairs interface {
	Repair(ctx context.Context, host pool.HostID) (pool.Repair, error)
	SaveRepair(ctx context.Context, before, after pool.Repair) (pool.Repair, error)
}

type wards interface {
	Ward(ctx context.Context, key pool.Key) (pool.Ward, error)
	SaveWard(ctx context.Context, before, after pool.Ward) error
}

type storms interface {
	Storm(ctx context.Context) (pool.Storm, error)
	SaveStorm(ctx context.Context, before, after pool.Storm) error
}

type outlooks interface {
	Outlook(ctx context.Context, tier pool.Tier) (pool.Outlook, error)
	SaveOutlook(ctx context.Context, before, after pool.Outlook) error
}

type stops interface {
	Stops(ctx context.Context) (pool.Stops, error)
	SwitchStops(ctx context.Context, before, after pool.Stops) error
}

type shelves interface {
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	SaveShelf(ctx context.Context, before, after pool.Shelf) error
}

// UpdateHost changes a host's record by what change makes of it, as update does; now is when. It returns
// the record as it was, and as it is. What its history gets bears the correlation id of ctx.
func UpdateHost(ctx context.Context, l hosts, id pool.HostID, now time.Time, change func(pool.Host) (pool.Host, pool.Outcome, error)) (before, after pool.Host, err error) {
	var outcome pool.Outcome
	return update(
		func() (pool.Host, error) {
			h, err := l.Host(ctx, id)
			return h, named(err, "read host %s", id)
		},
		func(h pool.Host) (next pool.Host, err error) {
			next, outcome, err = change(h.Clone())
			next.History = pool.Attributed(ctx, h.History, next.History)
			return next, err
		},
		func(before, after pool.Host) (pool.Host, error) {
			err := l.SaveHost(ctx, before, after, outcome, now)
			after.Version = before.Version + 1
			return after, named(err, "save host %s", id)
		},
	)
}

// UpdateTenant changes a tenant's record by what change makes of it, as update does. It returns the record
// as it was, and as it is.
func UpdateTenant(ctx context.Context, l tenants, id pool.TenantID, change func(pool.Tenant) (pool.Tenant, error)) (before, after pool.Tenant, err error) {
	return update(
		func() (pool.Tenant, error) {
			t, err := l.Tenant(ctx, id)
			return t, named(err, "read tenant %s", id)
		},
		func(t pool.Tenant) (pool.Tenant, error) { return change(t.Clone()) },
		func(before, after pool.Tenant) (pool.Tenant, error) {
			saved, err := l.SaveTenant(ctx, before, after)
			return saved, named(err, "save tenant %s", id)
		},
	)
}

// UpdateDeparture changes a departure's record by what change makes of it, as update does. It returns the record as
// it was, and as it is.
func UpdateDeparture(ctx context.Context, l departures, id pool.DepartureID, change func(pool.Departure) (pool.Departure, error)) (before, after pool.Departure, err error) {
	return update(
		func() (pool.Departure, error) {
			d, err := l.Departure(ctx, id)
			return d, named(err, "read departure %s", id)
		},
		func(d pool.Departure) (pool.Departure, error) { return change(d.Clone()) },
		func(before, after pool.Departure) (pool.Departure, error) {
			saved, err := l.SaveDeparture(ctx, before, after)
			return saved, named(err, "save departure %s", id)
		},
	)
}

// UpdateClearance changes a clearance's record by what change makes of it, as update does. It returns the record as
// it was, and as it is.
func UpdateClearance(ctx context.Context, l clearances, id pool.ClearanceID, change func(pool.Clearance) (pool.Clearance, error)) (before, after pool.Clearance, err error) {
	return update(
		func() (pool.Clearance, error) {
			c, err := l.Clearance(ctx, id)
			return c, named(err, "read clearance %s", id)
		},
		func(c pool.Clearance) (pool.Clearance, error) { return change(c.Clone()) },
		func(before, after pool.Clearance) (pool.Clearance, error) {
			saved, err := l.SaveClearance(ctx, before, after)
			return saved, named(err, "save clearance %s", id)
		},
	)
}

// UpdateRepair changes the record of a host's repair by what change makes of it, as update does; one that had none is in
// the zero repair. It returns the record as it was, and as it is. What its history gets bears the correlation id of ctx.
func UpdateRepair(ctx context.Context, l repairs, host pool.HostID, change func(pool.Repair) (pool.Repair, error)) (before, after pool.Repair, err error) {
	return update(
		func() (pool.Repair, error) {
			r, err := l.Repair(ctx, host)
			if errors.Is(err, pool.ErrNotFound) {
				return pool.Repair{Host: host}, nil
			}
			return r, err
		},
		func(r pool.Repair) (pool.Repair, error) {
			next, err := change(r.Clone())
			next.History = pool.Attributed(ctx, r.History, next.History)
			return next, err
		},
		func(before, after pool.Repair) (pool.Repair, error) { return l.SaveRepair(ctx, before, after) },
	)
}

// UpdateRestoration changes the record of a tenant's restoration by what change makes of it, as update does; one that had none
// is in the zero restoration. It returns the record as it was, and as it is. What its history gets bears the correlation id
// of ctx.
func UpdateRestoration(
	ctx context.Context, l restorations, tenant pool.TenantID, change func(pool.Restoration) (pool.Restoration, error),
) (before, after pool.Restoration, err error) {
	return update(
		func() (pool.Restoration, error) {
			r, err := l.Restoration(ctx, tenant)
			if errors.Is(err, pool.ErrNotFound) {
				return pool.Restoration{Tenant: tenant}, nil
			}
			return r, err
		},
		func(r pool.Restoration) (pool.Restoration, error) {
			next, err := change(r.Clone())
			next.History = pool.Attributed(ctx, r.History, next.History)
			return next, err
		},
		func(before, after pool.Restoration) (pool.Restoration, error) {
			return l.SaveRestoration(ctx, before, after)
		},
	)
}

// UpdateWard changes a pool's ward by what change makes of it, as update does. It returns the ward as it is then.
func UpdateWard(ctx context.Context, l wards, key pool.Key, change func(pool.Ward) (pool.Ward, error)) (pool.Ward, error) {
	_, after, err := update(
		func() (pool.Ward, error) { return l.Ward(ctx, key) },
		func(w pool.Ward) (pool.Ward, error) { return change(w.Clone()) },
		func(before, after pool.Ward) (pool.Ward, error) {
			err := l.SaveWard(ctx, before, after)
			after.Version = before.Version + 1
			return after, err
		},
	)
	return after, err
}

// stormAttempts is attempts of a record that every host of a stage may want to write in the same second.
const stormAttempts = 60

// UpdateStorm changes which hosts went out of service lately by what change makes of it, as update does, but more often.
func UpdateStorm(ctx context.Context, l storms, change func(pool.Storm) (pool.Storm, error)) (pool.Storm, error) {
	_, after, err := updateOften(stormAttempts,
		func() (pool.Storm, error) { return l.Storm(ctx) },
		func(s pool.Storm) (pool.Storm, error) { return change(s.Clone()) },
		func(before, after pool.Storm) (pool.Storm, error) {
			err := l.SaveStorm(ctx, before, after)
			after.Version = before.Version + 1
			return after, err
		},
	)
	return after, err
}

// UpdateOutlook changes what is expected of a tier by what change makes of it, as update does. change must leave what it is
// given as it is: an outlook makes others, and is never changed in place.
func UpdateOutlook(ctx context.Context, l outlooks, tier pool.Tier, change func(pool.Outlook) (pool.Outlook, error)) error {
	_, _, err := update(
		func() (pool.Outlook, error) { return l.Outlook(ctx, tier) },
		change,
		func(before, after pool.Outlook) (pool.Outlook, error) {
			return after, l.SaveOutlook(ctx, before, after)
		},
	)
	return err
}

// UpdateStops changes the stop switch by what change makes of it, as update does. It returns the switch as it was, and as it is.
func UpdateStops(ctx context.Context, l stops, change func(pool.Stops) (pool.Stops, error)) (before, after pool.Stops, err error) {
	return update(
		func() (pool.Stops, error) { return l.Stops(ctx) },
		func(s pool.Stops) (pool.Stops, error) { return change(s.Clone()) },
		func(before, after pool.Stops) (pool.Stops, error) {
			err := l.SwitchStops(ctx, before, after)
			after.Version = before.Version + 1
			return after, err
		},
	)
}

// UpdateShelf changes a tier's shelf by what change makes of it, as update does. Claims move the shelf's
// version: nothing else should be read between reading and writing it. It returns the shelf as it is then.
func UpdateShelf(ctx context.Context, l shelves, tier pool.Tier, change func(pool.Shelf) (pool.Shelf, error)) (pool.Shelf, error) {
	_, after, err := update(
		func() (pool.Shelf, error) {
			s, err := l.Shelf(ctx, tier)
			return s, named(err, "read the shelf of tier %s", tier)
		},
		func(s pool.Shelf) (pool.Shelf, error) { return change(s.Clone()) },
		func(before, after pool.Shelf) (pool.Shelf, error) {
			err := l.SaveShelf(ctx, before, after)
			after.Version = before.Version + 1
			return after, named(err, "save the shelf of tier %s", tier)
		},
	)
	return after, err
}

// update reads a record, has change decide what becomes of it, and saves that on the condition that nobody
// else wrote since; else it begins anew, a bounded number of times, after which it answers
// pool.ErrConflict. When change answers ErrUnchanged nothing is written, and that is no error. Any other
// error ends it.
func update[R any](read func() (R, error), change func(R) (R, error), save func(before, after R) (R, error)) (before, after R, err error) {
	return updateOften(attempts, read, change, save)
}

func updateOften[R any](
	attempts int, read func() (R, error), change func(R) (R, error), save func(before, after R) (R, error),
) (before, after R, err error) {
	for range attempts {
		if before, err = read(); err != nil {
			return before, before, err
		}
		after, err = change(before)
		if errors.Is(err, ErrUnchanged) {
			return before, before, nil
		}
		if err != nil {
			return before, before, err
		}
		if after, err = save(before, after); !errors.Is(err, pool.ErrConflict) {
			return before, after, err
		}
	}
	return before, before, err
}

// named says of an error what was attempted; no error stays none.
func named(err error, attempt string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(attempt, args...), err)
}
