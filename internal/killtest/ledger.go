package killtest

import (
	"context"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// Ledger is a ledger whose every method is one Call.
type Ledger struct {
	Next ledger.Ledger
	Call Call
}

var _ ledger.Ledger = Ledger{}

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

// Tenants calls Next.
func (l Ledger) Tenants(ctx context.Context, ids []pool.TenantID) (map[pool.TenantID]pool.Tenant, error) {
	return answer(l.Call, "Tenants", func() (map[pool.TenantID]pool.Tenant, error) { return l.Next.Tenants(ctx, ids) })
}

// SaveTenant calls Next.
func (l Ledger) SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error) {
	return answer(l.Call, "SaveTenant", func() (pool.Tenant, error) { return l.Next.SaveTenant(ctx, before, after) })
}

// Register calls Next.
func (l Ledger) Register(ctx context.Context, address string, tenant pool.TenantID) error {
	return l.Call("Register", func() error { return l.Next.Register(ctx, address, tenant) })
}

// Owner calls Next.
func (l Ledger) Owner(ctx context.Context, address string) (pool.TenantID, error) {
	return answer(l.Call, "Owner", func() (pool.TenantID, error) { return l.Next.Owner(ctx, address) })
}

// Disown calls Next.
func (l Ledger) Disown(ctx context.Context, address string, t pool.Tenant) error {
	return l.Call("Disown", func() error { return l.Next.Disown(ctx, address, t) })
}

// Unregister calls Next.
func (l Ledger) Unregister(ctx context.Context, address string, seen pool.Tenant) error {
	return l.Call("Unregister", func() error { return l.Next.Unregister(ctx, address, seen) })
}

// Draw calls Next.
func (l Ledger) Draw(ctx context.Context, tier pool.Tier, tenant pool.TenantID, again bool) (int64, error) {
	return answer(l.Call, "Draw", func() (int64, error) { return l.Next.Draw(ctx, tier, tenant, again) })
}

// Waiting calls Next.
func (l Ledger) Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error) {
	return answer(l.Call, "Waiting", func() ([]pool.Waiter, error) { return l.Next.Waiting(ctx, tier, limit) })
}

// Unqueue calls Next.
func (l Ledger) Unqueue(ctx context.Context, tier pool.Tier, queue int64) error {
	return l.Call("Unqueue", func() error { return l.Next.Unqueue(ctx, tier, queue) })
}

// ClaimAll calls Next.
func (l Ledger) ClaimAll(ctx context.Context, tier pool.Tier, tenants []pool.TenantID, waiting bool) ([]pool.Claimed, error) {
	return answer(l.Call, "ClaimAll", func() ([]pool.Claimed, error) { return l.Next.ClaimAll(ctx, tier, tenants, waiting) })
}

// Claim calls Next.
func (l Ledger) Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, waiting bool) (pool.Claim, error) {
	return answer(l.Call, "Claim", func() (pool.Claim, error) { return l.Next.Claim(ctx, tier, tenant, waiting) })
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
func (l Ledger) BeginRefill(ctx context.Context, tier pool.Tier, r pool.Refill) (pool.Shelf, error) {
	return answer(l.Call, "BeginRefill", func() (pool.Shelf, error) { return l.Next.BeginRefill(ctx, tier, r) })
}

// CommitRefill calls Next.
func (l Ledger) CommitRefill(ctx context.Context, seen pool.Shelf, offers []pool.Listed, hosts map[pool.HostID]pool.Access) (pool.Shelf, error) {
	return answer(l.Call, "CommitRefill", func() (pool.Shelf, error) { return l.Next.CommitRefill(ctx, seen, offers, hosts) })
}

// Settle calls Next.
func (l Ledger) Settle(ctx context.Context, tier pool.Tier, holds map[pool.TenantID]pool.Hold, at time.Time) error {
	return l.Call("Settle", func() error { return l.Next.Settle(ctx, tier, holds, at) })
}

// Pool calls Next.
func (l Ledger) Pool(ctx context.Context, key pool.Key) (pool.Record, error) {
	return answer(l.Call, "Pool", func() (pool.Record, error) { return l.Next.Pool(ctx, key) })
}

// Order calls Next.
func (l Ledger) Order(ctx context.Context, seen pool.Record, h pool.Host) error {
	return l.Call("Order", func() error { return l.Next.Order(ctx, seen, h) })
}

// Tiers calls Next.
func (l Ledger) Tiers(ctx context.Context) ([]pool.Tier, error) {
	return answer(l.Call, "Tiers", func() ([]pool.Tier, error) { return l.Next.Tiers(ctx) })
}

// Host calls Next.
func (l Ledger) Host(ctx context.Context, id pool.HostID) (pool.Host, error) {
	return answer(l.Call, "Host", func() (pool.Host, error) { return l.Next.Host(ctx, id) })
}

// Hosts calls Next.
func (l Ledger) Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error) {
	return answer(l.Call, "Hosts", func() (map[pool.HostID]pool.Host, error) { return l.Next.Hosts(ctx, ids) })
}

// SaveHosts calls Next.
func (l Ledger) SaveHosts(ctx context.Context, changes []ledger.HostChange) error {
	return l.Call("SaveHosts", func() error { return l.Next.SaveHosts(ctx, changes) })
}

// SaveHost calls Next.
func (l Ledger) SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	return l.Call("SaveHost", func() error { return l.Next.SaveHost(ctx, before, after, outcome, now) })
}

// Reserve calls Next.
func (l Ledger) Reserve(ctx context.Context, key pool.Key, placement pool.Placement, below, limit int) ([]pool.HostID, error) {
	return answer(l.Call, "Reserve", func() ([]pool.HostID, error) { return l.Next.Reserve(ctx, key, placement, below, limit) })
}

// OverdueHosts calls Next.
func (l Ledger) OverdueHosts(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error) {
	return answer(l.Call, "OverdueHosts", func() ([]pool.HostID, error) { return l.Next.OverdueHosts(ctx, now, limit) })
}

// OverdueTenants calls Next.
func (l Ledger) OverdueTenants(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error) {
	return answer(l.Call, "OverdueTenants", func() ([]pool.TenantID, error) { return l.Next.OverdueTenants(ctx, now, limit) })
}
