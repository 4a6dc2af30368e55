package killtest

import (
	"context"

	"headroom/internal/pool/inventory"
)

// Sightings calls Next.
func (l Ledger) Sightings(ctx context.Context) (inventory.Sightings, error) {
	return answer(l.Call, "Sightings", func() (inventory.Sightings, error) { return l.Next.Sightings(ctx) })
}

// SaveSightings calls Next.
func (l Ledger) SaveSightings(ctx context.Context, before, after inventory.Sightings) error {
	return l.Call("SaveSightings", func() error { return l.Next.SaveSightings(ctx, before, after) })
}
