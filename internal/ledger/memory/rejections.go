package memory

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// Reject remembers that a message was refused; what is remembered of it already stays.
func (l *Ledger) Reject(ctx context.Context, r pool.Rejection) error {
	return l.write(ctx, "Reject", func() error {
		if _, known := l.rejections[r.Message]; !known {
			r.At = r.At.UTC()
			l.rejections[r.Message] = r
		}
		return nil
	})
}

// Rejection reads why a message was refused.
func (l *Ledger) Rejection(ctx context.Context, message string) (pool.Rejection, error) {
	if err := ctx.Err(); err != nil {
		return pool.Rejection{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.rejections[message]
	if !ok {
		return pool.Rejection{}, fmt.Errorf("read whether message %s was refused: %w", message, pool.ErrNotFound)
	}
	return r, nil
}
