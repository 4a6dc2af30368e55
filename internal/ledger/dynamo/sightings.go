package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

// sightingsItem is the one item that keeps what looks at AWS found.
type sightingsItem struct {
	key
	Form    int            `dynamodbav:"form"`
	All     []sightingItem `dynamodbav:"all,omitempty"`
	At      time.Time      `dynamodbav:"at"`
	Version int64          `dynamodbav:"version"`
}

type sightingItem struct {
	Key   string    `dynamodbav:"key"`
	First time.Time `dynamodbav:"first"`
	Looks int       `dynamodbav:"looks"`
	Told  bool      `dynamodbav:"told,omitempty"`
	Grave bool      `dynamodbav:"grave,omitempty"`
}

func sightingsKey() key { return key{"SIGHTINGS", "SIGHTINGS"} }

// Sightings reads what looks at AWS found that wants a person; what was never written has version 0.
func (l *Ledger) Sightings(ctx context.Context) (inventory.Sightings, error) {
	var i sightingsItem
	if err := l.get(ctx, sightingsKey(), &i); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return inventory.Sightings{}, fmt.Errorf("read what was found in AWS: %w", err)
	}
	s := inventory.Sightings{At: i.At, Version: i.Version}
	for _, one := range i.All {
		s.All = append(s.All, inventory.Sighting(one))
	}
	return s, nil
}

// SaveSightings writes what looks at AWS found on the condition that its version is before's.
func (l *Ledger) SaveSightings(ctx context.Context, before, after inventory.Sightings) error {
	stored := sightingsItem{key: sightingsKey(), Form: form, At: after.At.UTC(), Version: before.Version + 1}
	for _, one := range after.All {
		one.First = one.First.UTC()
		stored.All = append(stored.All, sightingItem(one))
	}
	i, err := encode(stored)
	if err != nil {
		return err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return fmt.Errorf("save what was found in AWS: %w", err)
	}
	return nil
}
