package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"headroom/internal/pool"
)

func copyTenant(t pool.Tenant) pool.Tenant {
	t.History = slices.Clone(t.History)
	return t
}

func (l *Ledger) saveTenant(t pool.Tenant) {
	t = copyTenant(t)
	t.Due = second(t.Due)
	l.tenants[t.ID] = t
	l.index.noteTenant(t)
}

// Request records a tenant if it is not known.
func (l *Ledger) Request(ctx context.Context, t pool.Tenant) (stored pool.Tenant, fresh bool, err error) {
	err = l.write(ctx, "Request", func() error {
		if _, known := l.tenants[t.ID]; !known {
			l.saveTenant(t)
			fresh = true
		}
		stored = copyTenant(l.tenants[t.ID])
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
	return copyTenant(t), nil
}

// SaveTenant writes after on the condition that the stored state, tries and seq are before's.
func (l *Ledger) SaveTenant(ctx context.Context, before, after pool.Tenant) error {
	return l.write(ctx, "SaveTenant", func() error {
		stored, ok := l.tenants[after.ID]
		if !ok || stored.State != before.State || stored.Tries != before.Tries || stored.Seq != before.Seq {
			return fmt.Errorf("save tenant %s: %w", after.ID, pool.ErrConflict)
		}
		l.saveTenant(after)
		return nil
	})
}

// Ready writes a tenant as ready and takes it off the waiting list.
func (l *Ledger) Ready(ctx context.Context, t pool.Tenant) error {
	return l.write(ctx, "Ready", func() error {
		stored, ok := l.tenants[t.ID]
		if !ok || stored.State != pool.Requested && stored.State != pool.Waiting {
			return fmt.Errorf("record tenant %s as ready: %w", t.ID, pool.ErrConflict)
		}
		if t.Seq != stored.Seq { // it was put on the waiting list since the caller read it
			t = pool.Overtaken(t, stored)
		}
		t.State, t.Due = pool.Ready, time.Time{}
		l.saveTenant(t)
		l.leave(t)
		return nil
	})
}

// Enqueue puts a tenant that is requested at the end of its tier's waiting list.
func (l *Ledger) Enqueue(ctx context.Context, t pool.Tenant, at time.Time) (pool.Tenant, error) {
	err := l.write(ctx, "Enqueue", func() error {
		stored, ok := l.tenants[t.ID]
		if !ok {
			return fmt.Errorf("read tenant %s: %w", t.ID, pool.ErrNotFound)
		}
		if stored.State != pool.Requested {
			return fmt.Errorf("put tenant %s, which is %s, on the waiting list: %w", t.ID, stored.State, pool.ErrConflict)
		}
		if _, held := l.shelf(t.Tier).Held[t.ID]; held {
			return fmt.Errorf("put tenant %s, which holds slots, on the waiting list: %w", t.ID, pool.ErrConflict)
		}
		l.changeShelf(t.Tier, func(s *pool.Shelf) {
			s.Tail++
			s.Queue, s.QueueSince = s.Tail, second(at)
			t.State, t.Seq = pool.Waiting, s.Tail
		})
		l.saveTenant(t)
		l.waiting[t.Tier] = append(l.waiting[t.Tier], pool.Waiter{Seq: t.Seq, Tenant: t.ID})
		return nil
	})
	if err != nil {
		return pool.Tenant{}, err
	}
	return copyTenant(t), nil
}

// Dequeue takes a tenant whose turn has come off the waiting list.
func (l *Ledger) Dequeue(ctx context.Context, t pool.Tenant) (pool.Tenant, error) {
	err := l.write(ctx, "Dequeue", func() error {
		stored, ok := l.tenants[t.ID]
		if !ok || stored.State != pool.Waiting || stored.Seq != t.Seq {
			return fmt.Errorf("take tenant %s off the waiting list: %w", t.ID, pool.ErrConflict)
		}
		t.State = pool.Requested
		l.saveTenant(t)
		l.leave(t)
		return nil
	})
	if err != nil {
		return pool.Tenant{}, err
	}
	return copyTenant(t), nil
}

// leave takes a tenant off the waiting list, if it is on it.
func (l *Ledger) leave(t pool.Tenant) {
	l.waiting[t.Tier] = slices.DeleteFunc(l.waiting[t.Tier], func(w pool.Waiter) bool { return w.Tenant == t.ID })
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
		l.changeShelf(tier, func(s *pool.Shelf) { s.Queue, s.QueueSince = 0, time.Time{} })
		return nil
	})
}
