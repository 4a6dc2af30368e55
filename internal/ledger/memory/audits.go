package memory

import (
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// Audit adds a line; one that is there already stays as it is.
func (l *Ledger) Audit(ctx context.Context, a pool.Audit) error {
	a.At = a.At.UTC()
	return l.write(ctx, "Audit", func() error {
		if !slices.ContainsFunc(l.audits, func(b pool.Audit) bool { return sameLine(a, b) }) {
			l.audits = append(l.audits, a)
		}
		return nil
	})
}

// sameLine reports whether two lines are of the same: of one time, message, matter and thing.
func sameLine(a, b pool.Audit) bool {
	return a.At.Equal(b.At) && a.Message == b.Message && a.What == b.What && a.Of == b.Of
}

// Audits reads the lines of a day (UTC), the earliest first.
func (l *Ledger) Audits(ctx context.Context, day time.Time) ([]pool.Audit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []pool.Audit
	for _, a := range l.audits {
		if a.At.Format(time.DateOnly) == day.UTC().Format(time.DateOnly) {
			lines = append(lines, a)
		}
	}
	slices.SortStableFunc(lines, func(a, b pool.Audit) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.Message+"#"+a.What+"#"+a.Of, b.Message+"#"+b.What+"#"+b.Of)
	})
	return lines, nil
}
