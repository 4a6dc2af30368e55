package memory

import (
	"context"
	"fmt"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

// Sightings reads what looks at AWS found that wants a person.
func (l *Ledger) Sightings(ctx context.Context) (inventory.Sightings, error) {
	if err := ctx.Err(); err != nil {
		return inventory.Sightings{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sightings.Clone(), nil
}

// SaveSightings writes what looks at AWS found on the condition that the stored version is before's.
func (l *Ledger) SaveSightings(ctx context.Context, before, after inventory.Sightings) error {
	return l.write(ctx, "SaveSightings", func() error {
		if l.sightings.Version != before.Version {
			return fmt.Errorf("save what was found in AWS: %w", pool.ErrConflict)
		}
		l.sightings = after.Clone()
		l.sightings.Version = before.Version + 1
		return nil
	})
}
