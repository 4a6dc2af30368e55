package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"headroom/internal/pool"
)

func (l *Ledger) saveTenant(t pool.Tenant, version int64) {
	t = copied(l, t)
	t.Due, t.Version = second(t.Due), version
	l.tenants[t.ID] = t
	l.index.noteTenant(t)
}

// Request records a tenant if it is not known.
func (l *Ledger) Request(ctx context.Context, t pool.Tenant) (stored pool.Tenant, fresh bool, err error) {
	err = l.write(ctx, "Request", func() error {
		if _, known := l.tenants[t.ID]; !known {
			l.saveTenant(t, 1)
			fresh = true
		}
		stored = copied(l, l.tenants[t.ID])
		return nil
	})
	if err != nil {
		return pool.Tenant{}, false, err
	}
	return stored, fresh, nil
}

// Tenant reads a tenant; pool.ErrNotFound when there is none.
func (l *Ledger) Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error) {
	if err := ctx.Err(); err != nil {
		return pool.Tenant{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t, ok := l.tenants[id]
	if !ok {
		return pool.Tenant{}, fmt.Errorf("read tenant %s: %w", id, pool.ErrNotFound)
	}
	return copied(l, t), nil
}

// Tenants reads many at once.
func (l *Ledger) Tenants(ctx context.Context, ids []pool.TenantID) (map[pool.TenantID]pool.Tenant, error) {
	return many(ctx, l, l.tenants, ids)
}

// SaveTenant writes a tenant on the condition that its version is before's, and moves its place on the
// waiting list with it.
func (l *Ledger) SaveTenant(ctx context.Context, before, after pool.Tenant) (pool.Tenant, error) {
	err := l.write(ctx, "SaveTenant", func() error {
		stored, known := l.tenants[after.ID]
		if !known || stored.Version != before.Version {
			return fmt.Errorf("save tenant %s: %w", after.ID, pool.ErrConflict)
		}
		l.saveTenant(after, before.Version+1)
		switch waited, waits := before.State == pool.TenantWaiting, after.State == pool.TenantWaiting; {
		case waits && !waited:
			l.waiting[after.Tier] = append(l.waiting[after.Tier], pool.Waiter{Seq: after.Seq, Tenant: after.ID})
			slices.SortFunc(l.waiting[after.Tier], func(a, b pool.Waiter) int { return cmp.Compare(a.Seq, b.Seq) })
		case waited && !waits:
			l.waiting[before.Tier] = slices.DeleteFunc(l.waiting[before.Tier], func(w pool.Waiter) bool { return w.Tenant == before.ID })
		}
		return nil
	})
	if err != nil {
		return pool.Tenant{}, err
	}
	after.Version, after.Due = before.Version+1, second(after.Due)
	return copied(l, after), nil
}

// Register makes an address a tenant's.
func (l *Ledger) Register(ctx context.Context, address string, tenant pool.TenantID) error {
	return l.write(ctx, "Register", func() error {
		if owner, taken := l.addresses[address]; taken && owner != tenant {
			return fmt.Errorf("register address %s: %w", address, pool.ErrTaken)
		}
		l.addresses[address] = tenant
		return nil
	})
}

// Owner reads whose an address is.
func (l *Ledger) Owner(ctx context.Context, address string) (pool.TenantID, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	owner, taken := l.addresses[address]
	if !taken {
		return "", fmt.Errorf("read whose address %s is: %w", address, pool.ErrNotFound)
	}
	return owner, nil
}

// Unregister frees an address of a tenant whose record is as it was seen.
func (l *Ledger) Unregister(ctx context.Context, address string, seen pool.Tenant) error {
	return l.write(ctx, "Unregister", func() error {
		if owner, taken := l.addresses[address]; taken && owner != seen.ID || l.tenants[seen.ID].Version != seen.Version {
			return fmt.Errorf("free address %s: %w", address, pool.ErrConflict)
		}
		delete(l.addresses, address)
		return nil
	})
}

// Disown frees an address of a tenant whose record is as it was read, and moves the record's version.
func (l *Ledger) Disown(ctx context.Context, address string, t pool.Tenant) error {
	return l.write(ctx, "Disown", func() error {
		stored, known := l.tenants[t.ID]
		if owner, taken := l.addresses[address]; taken && owner != t.ID || !known || stored.Version != t.Version {
			return fmt.Errorf("free address %s, which its tenant does not have: %w", address, pool.ErrConflict)
		}
		delete(l.addresses, address)
		l.saveTenant(t, t.Version+1)
		return nil
	})
}

// Draw draws the next number on a tier's waiting list.
func (l *Ledger) Draw(ctx context.Context, tier pool.Tier, tenant pool.TenantID, again bool) (int64, error) {
	var drawn int64
	err := l.write(ctx, "Draw", func() error {
		if _, held := l.shelf(tier).Held[tenant]; held {
			return fmt.Errorf("draw a number on the waiting list of tier %s: %w", tier, pool.ErrConflict)
		}
		l.changeShelf(tier, func(s *pool.Shelf) {
			s.Tail++
			if !again {
				s.Signups++
			}
			s.Queue, drawn = s.Tail, s.Tail
		})
		return nil
	})
	if err != nil {
		return 0, err
	}
	return drawn, nil
}

// Waiting lists the first tenants on a tier's waiting list, in order.
func (l *Ledger) Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.waiting[tier]
	return slices.Clone(all[:min(limit, len(all))]), nil
}

// Unqueue opens the shelf to everybody again.
func (l *Ledger) Unqueue(ctx context.Context, tier pool.Tier, queue int64) error {
	return l.write(ctx, "Unqueue", func() error {
		if queue == 0 || l.shelf(tier).Queue != queue {
			return fmt.Errorf("open the shelf of tier %s to everybody: %w", tier, pool.ErrConflict)
		}
		l.changeShelf(tier, func(s *pool.Shelf) { s.Queue = 0 })
		return nil
	})
}
