package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// stormItem is the one item that keeps which hosts went out of service lately.
type stormItem struct {
	key
	Form    int                  `dynamodbav:"form"`
	Fallen  []fallenItem         `dynamodbav:"fallen,omitempty"`
	ToldAt  *time.Time           `dynamodbav:"toldAt,omitempty"`
	Telling *time.Time           `dynamodbav:"telling,omitempty"`
	Zones   map[string]time.Time `dynamodbav:"zones,omitempty"`
	Version int64                `dynamodbav:"version"`
}

type fallenItem struct {
	Host    pool.HostID `dynamodbav:"host"`
	Zone    string      `dynamodbav:"zone,omitempty"`
	At      time.Time   `dynamodbav:"at"`
	Down    bool        `dynamodbav:"down,omitempty"`
	Why     string      `dynamodbav:"why,omitempty"`
	Tenants int         `dynamodbav:"tenants,omitempty"`
	Alone   bool        `dynamodbav:"alone,omitempty"`
	Told    bool        `dynamodbav:"told,omitempty"`
	BackAt  *time.Time  `dynamodbav:"backAt,omitempty"`
	Home    bool        `dynamodbav:"home,omitempty"`
}

func stormKey() key { return key{"STORM", "STORM"} }

// Storm reads which hosts went out of service lately; what was never written has version 0.
func (l *Ledger) Storm(ctx context.Context) (pool.Storm, error) {
	var i stormItem
	if err := l.get(ctx, stormKey(), &i); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return pool.Storm{}, fmt.Errorf("read which hosts went out of service: %w", err)
	}
	s := pool.Storm{ToldAt: from(i.ToldAt), Telling: from(i.Telling), Zones: i.Zones, Version: i.Version}
	for _, f := range i.Fallen {
		s.Fallen = append(s.Fallen, pool.Fallen{
			Host: f.Host, Zone: f.Zone, At: f.At, Down: f.Down, Why: f.Why, Tenants: f.Tenants, Alone: f.Alone, Told: f.Told, BackAt: from(f.BackAt), Home: f.Home,
		})
	}
	return s, nil
}

// SaveStorm writes which hosts went out of service lately on the condition that its version is before's.
func (l *Ledger) SaveStorm(ctx context.Context, before, after pool.Storm) error {
	stored := stormItem{key: stormKey(), Form: form, ToldAt: moment(after.ToldAt), Telling: moment(after.Telling), Zones: after.Zones, Version: before.Version + 1}
	for _, f := range after.Fallen {
		stored.Fallen = append(stored.Fallen, fallenItem{
			Host: f.Host, Zone: f.Zone, At: f.At, Down: f.Down, Why: f.Why, Tenants: f.Tenants, Alone: f.Alone, Told: f.Told, BackAt: moment(f.BackAt), Home: f.Home,
		})
	}
	i, err := encode(stored)
	if err != nil {
		return err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return fmt.Errorf("save which hosts went out of service: %w", err)
	}
	return nil
}
