package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"headroom/internal/pool"
)

// Spent is what is spent by all.
func (l *Ledger) Spent(ctx context.Context) (pool.Cents, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent, nil
}

// HoldMoney holds money by a name.
func (l *Ledger) HoldMoney(ctx context.Context, name string, price, most pool.Cents) error {
	return l.write(ctx, "HoldMoney", func() error {
		if _, held := l.money[name]; held {
			return nil
		}
		if !(pool.Budget{Cap: most, Spent: l.spent}).Allows(price) {
			return fmt.Errorf("hold money for %s: %w", name, pool.ErrCapped)
		}
		l.money[name] = price
		l.spent += price
		return nil
	})
}

// HeldMoney lists what money is held for.
func (l *Ledger) HeldMoney(ctx context.Context) ([]pool.HeldMoney, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var held []pool.HeldMoney
	for _, name := range slices.Sorted(maps.Keys(l.money)) {
		held = append(held, pool.HeldMoney{Name: name, Price: l.money[name]})
	}
	return held, nil
}

// NoteCounted notes up to which number a pool's hosts are counted in what is spent.
func (l *Ledger) NoteCounted(ctx context.Context, key pool.Key, seq int) error {
	return l.write(ctx, "NoteCounted", func() error {
		r, ok := l.pools[key]
		if !ok {
			return fmt.Errorf("note which hosts of pool %s are counted: %w", key, pool.ErrNotFound)
		}
		r.Counted = max(r.Counted, seq)
		l.pools[key] = r
		return nil
	})
}

// FreeMoney takes back what is held by a name.
func (l *Ledger) FreeMoney(ctx context.Context, name string) error {
	return l.write(ctx, "FreeMoney", func() error {
		l.spent -= l.money[name]
		delete(l.money, name)
		return nil
	})
}
