package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"headroom/internal/pool"
)

// restsSeen bounds how many clearances are looked at for slots that rest: as many as one request reads. Those that are due
// after so many others are not counted on: at worst a host is ordered that was not needed.
const restsSeen = 100

type rests interface {
	OverdueClearances(ctx context.Context, now time.Time, limit int) ([]pool.ClearanceID, error)
	Clearances(ctx context.Context, ids []pool.ClearanceID) (map[pool.ClearanceID]pool.Clearance, error)
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
}

// lookAtRests reads when slots of a tier are free again that rest, up to a deadline of theirs.
func lookAtRests(ctx context.Context, l rests, tier pool.Tier, until time.Time) (map[pool.Kind][]time.Time, error) {
	due, err := l.OverdueClearances(ctx, until, restsSeen)
	if err != nil {
		return nil, fmt.Errorf("ask which slots have rested by %s: %w", until.UTC().Format(time.RFC3339), err)
	}
	clearances, err := l.Clearances(ctx, due)
	if err != nil {
		return nil, fmt.Errorf("read which slots rest: %w", err)
	}
	var ids []pool.HostID
	for _, c := range clearances {
		if c.RestsIn(tier) {
			ids = append(ids, c.Holding.Host)
		}
	}
	slices.Sort(ids)
	hosts, err := l.Hosts(ctx, slices.Compact(ids))
	if err != nil {
		return nil, fmt.Errorf("read the hosts of slots that rest: %w", err)
	}
	return pool.Rests(clearances, hosts), nil
}
