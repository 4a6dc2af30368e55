package memory

import (
	"context"
	"fmt"

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

// FreeMoney takes back what is held by a name.
func (l *Ledger) FreeMoney(ctx context.Context, name string) error {
	return l.write(ctx, "FreeMoney", func() error {
		l.spent -= l.money[name]
		delete(l.money, name)
		return nil
	})
}
