package memory

import (
	"maps"
	"slices"
)

// Then remembers the table as it is now. What is returned puts it back to that, as DynamoDB can put a table back to an earlier time.
// Who has read a record since writes it no more: versions are those of then.
func (l *Ledger) Then() (putBack func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var then Ledger
	l.copyTo(&then)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		then.copyTo(l)
	}
}

// Lose empties the table.
func (l *Ledger) Lose() {
	empty := New(l.options)
	l.mu.Lock()
	defer l.mu.Unlock()
	empty.copyTo(l)
}

// copyTo copies the table. Records are never changed in their place, so they need not be copied themselves.
func (l *Ledger) copyTo(to *Ledger) {
	to.tenants, to.addresses, to.shelves = maps.Clone(l.tenants), maps.Clone(l.addresses), maps.Clone(l.shelves)
	to.pools, to.hosts, to.departures = maps.Clone(l.pools), maps.Clone(l.hosts), maps.Clone(l.departures)
	to.clearances, to.repairs, to.restored = maps.Clone(l.clearances), maps.Clone(l.repairs), maps.Clone(l.restored)
	to.wards, to.outlooks, to.money, to.spent = maps.Clone(l.wards), maps.Clone(l.outlooks), maps.Clone(l.money), l.spent
	to.waiting = maps.Clone(l.waiting)
	for tier, list := range to.waiting {
		to.waiting[tier] = slices.Clone(list)
	}
	to.stops, to.sightings, to.storm, to.recovery, to.quotas = l.stops, l.sightings, l.storm, l.recovery, l.quotas
	to.audits, to.copies, to.bays = slices.Clone(l.audits), l.copies, l.bays
	to.index = index{lag: l.index.lag, entries: maps.Clone(l.index.entries), pending: slices.Clone(l.index.pending)}
	to.contended = maps.Clone(l.contended)
}
