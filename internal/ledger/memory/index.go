package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"headroom/internal/pool"
)

// record names a record of one sort; the others are empty.
type record struct {
	host        pool.HostID
	tenant      pool.TenantID
	departure   pool.DepartureID
	clearance   pool.ClearanceID
	repair      pool.HostID
	restoration pool.TenantID
}

// entry is what the indexes know of one record.
type entry struct {
	record  record
	dueAt   time.Time // zero: no deadline
	reserve pool.Key  // zero: no slots in reserve
	used    int
}

// index is what is known of all records, as it was some writes ago.
type index struct {
	lag     int
	entries map[record]entry
	pending []entry // writes that the index has not heard of
	asked   bool    // since the last write
}

func newIndex(lag int) index { return index{lag: lag, entries: map[record]entry{}} }

func (i *index) note(e entry) {
	i.pending, i.asked = append(i.pending, e), false
	for len(i.pending) > i.lag {
		i.hear()
	}
}

// hear has the index hear of the oldest write that it has not heard of.
func (i *index) hear() {
	if len(i.pending) == 0 {
		return
	}
	heard := i.pending[0]
	i.pending = i.pending[1:]
	if delete(i.entries, heard.record); !heard.dueAt.IsZero() || heard.reserve != (pool.Key{}) {
		i.entries[heard.record] = heard
	}
}

func (i *index) noteHost(h pool.Host) {
	e := entry{record: record{host: h.ID}, dueAt: h.Due}
	if h.State == pool.HostInService && h.Free() > 0 {
		e.reserve, e.used = h.Key(), h.Used()
	}
	i.note(e)
}

func (i *index) noteTenant(t pool.Tenant) {
	i.note(entry{record: record{tenant: t.ID}, dueAt: t.Due})
}

// sorted returns the entries that are wanted, in an order that depends on nothing but them. Where
// nothing is written any more, the index catches up with each question.
func (i *index) sorted(wanted func(entry) bool, compare func(a, b entry) int) []entry {
	if i.asked {
		i.hear()
	}
	i.asked = true
	var some []entry
	for e := range maps.Values(i.entries) {
		if wanted(e) {
			some = append(some, e)
		}
	}
	slices.SortFunc(some, func(a, b entry) int {
		return cmp.Or(compare(a, b), cmp.Compare(a.record.host, b.record.host), cmp.Compare(a.record.tenant, b.record.tenant),
			cmp.Compare(a.record.departure, b.record.departure), cmp.Compare(a.record.clearance, b.record.clearance),
			cmp.Compare(a.record.repair, b.record.repair), cmp.Compare(a.record.restoration, b.record.restoration))
	})
	return some
}

// Reserve names hosts in service with slots in reserve, in the order of the placement.
func (l *Ledger) Reserve(ctx context.Context, key pool.Key, placement pool.Placement, below, limit int) ([]pool.HostID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := l.index.sorted(
		func(e entry) bool { return e.reserve == key && e.used < below },
		func(a, b entry) int {
			if placement == pool.Spread {
				return cmp.Compare(a.used, b.used)
			}
			return cmp.Compare(b.used, a.used)
		})
	var ids []pool.HostID
	for _, e := range entries[:min(limit, len(entries))] {
		ids = append(ids, e.record.host)
	}
	return ids, nil
}

// OverdueHosts names hosts whose deadline is now or earlier, the oldest first.
func (l *Ledger) OverdueHosts(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error) {
	var ids []pool.HostID
	err := l.overdue(ctx, now, limit, func(r record) bool { return r.host != "" }, func(r record) { ids = append(ids, r.host) })
	return ids, err
}

// OverdueTenants names tenants whose deadline is now or earlier, the oldest first.
func (l *Ledger) OverdueTenants(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error) {
	var ids []pool.TenantID
	err := l.overdue(ctx, now, limit, func(r record) bool { return r.tenant != "" }, func(r record) { ids = append(ids, r.tenant) })
	return ids, err
}

// OverdueDepartures names departures whose deadline is now or earlier, the oldest first.
func (l *Ledger) OverdueDepartures(ctx context.Context, now time.Time, limit int) ([]pool.DepartureID, error) {
	var ids []pool.DepartureID
	err := l.overdue(ctx, now, limit, func(r record) bool { return r.departure != "" }, func(r record) { ids = append(ids, r.departure) })
	return ids, err
}

// OverdueClearances names clearances whose deadline is now or earlier, the oldest first.
func (l *Ledger) OverdueClearances(ctx context.Context, now time.Time, limit int) ([]pool.ClearanceID, error) {
	var ids []pool.ClearanceID
	err := l.overdue(ctx, now, limit, func(r record) bool { return r.clearance != "" }, func(r record) { ids = append(ids, r.clearance) })
	return ids, err
}

func (l *Ledger) overdue(ctx context.Context, now time.Time, limit int, of func(record) bool, found func(record)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := l.index.sorted(
		func(e entry) bool { return of(e.record) && !e.dueAt.IsZero() && e.dueAt.Unix() <= now.Unix() },
		func(a, b entry) int { return a.dueAt.Compare(b.dueAt) })
	for _, e := range entries[:min(limit, len(entries))] {
		found(e.record)
	}
	return nil
}
