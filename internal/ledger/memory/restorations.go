package memory

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// Restoration reads the last restoration of a tenant.
func (l *Ledger) Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error) {
	if err := ctx.Err(); err != nil {
		return pool.Restoration{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.restored[tenant]
	if !ok {
		return pool.Restoration{}, fmt.Errorf("read the restoration of tenant %s: %w", tenant, pool.ErrNotFound)
	}
	return r.Clone(), nil
}

// SaveRestoration writes a restoration on the condition that the version of the tenant's last one is before's.
func (l *Ledger) SaveRestoration(ctx context.Context, before, after pool.Restoration) (saved pool.Restoration, err error) {
	err = l.write(ctx, "SaveRestoration", func() error {
		if l.restored[after.Tenant].Version != before.Version {
			return fmt.Errorf("save restoration %s: %w", after.ID(), pool.ErrConflict)
		}
		saved = after.Clone()
		saved.Due, saved.Version = second(after.Due), before.Version+1
		l.restored[after.Tenant] = saved
		l.index.note(entry{record: record{restoration: after.Tenant}, dueAt: saved.Due})
		saved = saved.Clone()
		return nil
	})
	return saved, err
}

// ForgetRestoration deletes the record of a restoration, and saves its tenant, on the condition that both are as they were
// read.
func (l *Ledger) ForgetRestoration(ctx context.Context, last pool.Restoration, before, after pool.Tenant) error {
	return l.write(ctx, "ForgetRestoration", func() error {
		stored, known := l.tenants[after.ID]
		if r, there := l.restored[last.Tenant]; !there || r.Version != last.Version || !known || stored.Version != before.Version {
			return fmt.Errorf("forget restoration %s: %w", last.ID(), pool.ErrConflict)
		}
		delete(l.restored, last.Tenant)
		l.index.note(entry{record: record{restoration: last.Tenant}})
		l.saveTenant(after, before.Version+1)
		return nil
	})
}

// OverdueRestorations names the tenants whose restorations' deadline is now or earlier, the oldest first.
func (l *Ledger) OverdueRestorations(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error) {
	var ids []pool.TenantID
	err := l.overdue(ctx, now, limit, func(r record) bool { return r.restoration != "" }, func(r record) { ids = append(ids, r.restoration) })
	return ids, err
}
