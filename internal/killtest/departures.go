package killtest

import (
	"context"
	"time"

	"headroom/internal/pool"
)

// Depart calls Next.
func (l Ledger) Depart(ctx context.Context, before, after pool.Tenant, d pool.Departure) error {
	return l.Call("Depart", func() error { return l.Next.Depart(ctx, before, after, d) })
}

// SignAgain calls Next.
func (l Ledger) SignAgain(ctx context.Context, tombstone, fresh pool.Tenant, address string) (pool.Tenant, error) {
	return answer(l.Call, "SignAgain", func() (pool.Tenant, error) { return l.Next.SignAgain(ctx, tombstone, fresh, address) })
}

// Departure calls Next.
func (l Ledger) Departure(ctx context.Context, id pool.DepartureID) (pool.Departure, error) {
	return answer(l.Call, "Departure", func() (pool.Departure, error) { return l.Next.Departure(ctx, id) })
}

// Departures calls Next.
func (l Ledger) Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error) {
	return answer(l.Call, "Departures", func() ([]pool.Departure, error) { return l.Next.Departures(ctx, tenant) })
}

// SaveDeparture calls Next.
func (l Ledger) SaveDeparture(ctx context.Context, before, after pool.Departure) (pool.Departure, error) {
	return answer(l.Call, "SaveDeparture", func() (pool.Departure, error) { return l.Next.SaveDeparture(ctx, before, after) })
}

// Rejoin calls Next.
func (l Ledger) Rejoin(ctx context.Context, before, after pool.Departure, tombstone, tenant pool.Tenant) error {
	return l.Call("Rejoin", func() error { return l.Next.Rejoin(ctx, before, after, tombstone, tenant) })
}

// BeginScrub calls Next.
func (l Ledger) BeginScrub(ctx context.Context, before, after pool.Departure, clearances []pool.Clearance) error {
	return l.Call("BeginScrub", func() error { return l.Next.BeginScrub(ctx, before, after, clearances) })
}

// Clearance calls Next.
func (l Ledger) Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error) {
	return answer(l.Call, "Clearance", func() (pool.Clearance, error) { return l.Next.Clearance(ctx, id) })
}

// Clearances calls Next.
func (l Ledger) Clearances(ctx context.Context, ids []pool.ClearanceID) (map[pool.ClearanceID]pool.Clearance, error) {
	return answer(l.Call, "Clearances", func() (map[pool.ClearanceID]pool.Clearance, error) { return l.Next.Clearances(ctx, ids) })
}

// SaveClearance calls Next.
func (l Ledger) SaveClearance(ctx context.Context, before, after pool.Clearance) (pool.Clearance, error) {
	return answer(l.Call, "SaveClearance", func() (pool.Clearance, error) { return l.Next.SaveClearance(ctx, before, after) })
}

// OverdueDepartures calls Next.
func (l Ledger) OverdueDepartures(ctx context.Context, now time.Time, limit int) ([]pool.DepartureID, error) {
	return answer(l.Call, "OverdueDepartures", func() ([]pool.DepartureID, error) { return l.Next.OverdueDepartures(ctx, now, limit) })
}

// OverdueClearances calls Next.
func (l Ledger) OverdueClearances(ctx context.Context, now time.Time, limit int) ([]pool.ClearanceID, error) {
	return answer(l.Call, "OverdueClearances", func() ([]pool.ClearanceID, error) { return l.Next.OverdueClearances(ctx, now, limit) })
}

// Bays calls Next.
func (l Ledger) Bays(ctx context.Context) (pool.Bays, error) {
	return answer(l.Call, "Bays", func() (pool.Bays, error) { return l.Next.Bays(ctx) })
}

// SaveBays calls Next.
func (l Ledger) SaveBays(ctx context.Context, before, after pool.Bays) error {
	return l.Call("SaveBays", func() error { return l.Next.SaveBays(ctx, before, after) })
}

// Stops calls Next.
func (l Ledger) Stops(ctx context.Context) (pool.Stops, error) {
	return answer(l.Call, "Stops", func() (pool.Stops, error) { return l.Next.Stops(ctx) })
}

// Audit calls Next.
func (l Ledger) Audit(ctx context.Context, a pool.Audit) error {
	return l.Call("Audit", func() error { return l.Next.Audit(ctx, a) })
}

// Audits calls Next.
func (l Ledger) Audits(ctx context.Context, day time.Time) ([]pool.Audit, error) {
	return answer(l.Call, "Audits", func() ([]pool.Audit, error) { return l.Next.Audits(ctx, day) })
}

// SaveStops calls Next.
func (l Ledger) SaveStops(ctx context.Context, s pool.Stops) error {
	return l.Call("SaveStops", func() error { return l.Next.SaveStops(ctx, s) })
}

// SwitchStops calls Next.
func (l Ledger) SwitchStops(ctx context.Context, before, after pool.Stops) error {
	return l.Call("SwitchStops", func() error { return l.Next.SwitchStops(ctx, before, after) })
}
