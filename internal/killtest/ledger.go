package killtest

import (
	"context"
	"time"

	"headroom/internal/ledger/ledgertest"
	"headroom/internal/pool"
)

// Ledger is a ledger whose every method is one Call.
type Ledger struct {
	Next ledgertest.Ledger
	Call Call
}

var _ ledgertest.Ledger = Ledger{}

// Request calls Next.
func (l Ledger) Request(ctx context.Context, t pool.Tenant) (stored pool.Tenant, fresh bool, err error) {
	err = l.Call("Request", func() (err error) {
		stored, fresh, err = l.Next.Request(ctx, t)
		return err
	})
	if err != nil {
		return pool.Tenant{}, false, err
	}
	return stored, fresh, nil
}

// Tenant calls Next.
func (l Ledger) Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error) {
	return answer(l.Call, "Tenant", func() (pool.Tenant, error) { return l.Next.Tenant(ctx, id) })
}

// SaveTenant calls Next.
func (l Ledger) SaveTenant(ctx context.Context, before, after pool.Tenant) error {
	return l.Call("SaveTenant", func() error { return l.Next.SaveTenant(ctx, before, after) })
}

// Ready calls Next.
func (l Ledger) Ready(ctx context.Context, t pool.Tenant) error {
	return l.Call("Ready", func() error { return l.Next.Ready(ctx, t) })
}

// Enqueue calls Next.
func (l Ledger) Enqueue(ctx context.Context, t pool.Tenant, at time.Time) (pool.Tenant, error) {
	return answer(l.Call, "Enqueue", func() (pool.Tenant, error) { return l.Next.Enqueue(ctx, t, at) })
}

// Dequeue calls Next.
func (l Ledger) Dequeue(ctx context.Context, t pool.Tenant) (pool.Tenant, error) {
	return answer(l.Call, "Dequeue", func() (pool.Tenant, error) { return l.Next.Dequeue(ctx, t) })
}

// Waiting calls Next.
func (l Ledger) Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error) {
	return answer(l.Call, "Waiting", func() ([]pool.Waiter, error) { return l.Next.Waiting(ctx, tier, limit) })
}

// Unqueue calls Next.
func (l Ledger) Unqueue(ctx context.Context, tier pool.Tier, queue int64) error {
	return l.Call("Unqueue", func() error { return l.Next.Unqueue(ctx, tier, queue) })
}

// Claim calls Next.
func (l Ledger) Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, at time.Time, waiting bool) (pool.Claim, error) {
	return answer(l.Call, "Claim", func() (pool.Claim, error) { return l.Next.Claim(ctx, tier, tenant, at, waiting) })
}

// Shelf calls Next.
func (l Ledger) Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error) {
	return answer(l.Call, "Shelf", func() (pool.Shelf, error) { return l.Next.Shelf(ctx, tier) })
}

// SaveShelf calls Next.
func (l Ledger) SaveShelf(ctx context.Context, before, after pool.Shelf) error {
	return l.Call("SaveShelf", func() error { return l.Next.SaveShelf(ctx, before, after) })
}

// BeginRefill calls Next.
func (l Ledger) BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) error {
	return l.Call("BeginRefill", func() error { return l.Next.BeginRefill(ctx, tier, r) })
}

// CommitRefill calls Next.
func (l Ledger) CommitRefill(ctx context.Context, tier pool.Tier, number int64, kind pool.Kind, offers []pool.Offer, hosts map[pool.HostID]pool.Access) error {
	return l.Call("CommitRefill", func() error { return l.Next.CommitRefill(ctx, tier, number, kind, offers, hosts) })
}

// Settle calls Next.
func (l Ledger) Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold) error {
	return l.Call("Settle", func() error { return l.Next.Settle(ctx, tier, holds) })
}

// Pool calls Next.
func (l Ledger) Pool(ctx context.Context, key pool.Key) (pool.Record, error) {
	return answer(l.Call, "Pool", func() (pool.Record, error) { return l.Next.Pool(ctx, key) })
}

// Order calls Next.
func (l Ledger) Order(ctx context.Context, seen pool.Record, h pool.Host) error {
	return l.Call("Order", func() error { return l.Next.Order(ctx, seen, h) })
}

// Host calls Next.
func (l Ledger) Host(ctx context.Context, id pool.HostID) (pool.Host, error) {
	return answer(l.Call, "Host", func() (pool.Host, error) { return l.Next.Host(ctx, id) })
}

// SaveHost calls Next.
func (l Ledger) SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return l.Call("SaveHost", func() error { return l.Next.SaveHost(ctx, before, after, outcome, now) })
}

// Reserve calls Next.
func (l Ledger) Reserve(ctx context.Context, key pool.Key, placement pool.Placement, below, limit int) ([]pool.HostID, error) {
	return answer(l.Call, "Reserve", func() ([]pool.HostID, error) { return l.Next.Reserve(ctx, key, placement, below, limit) })
}

// Due calls Next.
func (l Ledger) Due(ctx context.Context, now time.Time, limit int) ([]pool.Due, error) {
	return answer(l.Call, "Due", func() ([]pool.Due, error) { return l.Next.Due(ctx, now, limit) })
}
