package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// Repair reads the last repair of a host; pool.ErrNotFound when there was none.
func (l *Ledger) Repair(ctx context.Context, host pool.HostID) (pool.Repair, error) {
	var i repairItem
	if err := l.get(ctx, repairKey(host), &i); err != nil {
		return pool.Repair{}, fmt.Errorf("read the repair of %s: %w", host, err)
	}
	return i.repair(), nil
}

// SaveRepair writes a repair on the condition that the version of the host's last one is before's; 0: that there is none.
func (l *Ledger) SaveRepair(ctx context.Context, before, after pool.Repair) (pool.Repair, error) {
	after.Version = before.Version + 1
	i, err := encodeRepair(after)
	if err != nil {
		return pool.Repair{}, err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return pool.Repair{}, fmt.Errorf("save repair %s: %w", after.ID(), err)
	}
	var stored repairItem
	if err := attributevalue.UnmarshalMap(i, &stored); err != nil {
		return pool.Repair{}, fmt.Errorf("decode repair %s: %w", after.ID(), err)
	}
	return stored.repair(), nil
}

// Ward reads which hosts of a pool are ill; one that was never written has version 0.
func (l *Ledger) Ward(ctx context.Context, k pool.Key) (pool.Ward, error) {
	var i wardItem
	err := l.get(ctx, wardKey(k), &i)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return pool.Ward{}, fmt.Errorf("read the ward of pool %s: %w", k, err)
	}
	return i.ward(k), nil
}

// SaveWard writes a ward on the condition that its version is before's.
func (l *Ledger) SaveWard(ctx context.Context, before, after pool.Ward) error {
	after.Version = before.Version + 1
	i, err := encodeWard(after)
	if err != nil {
		return err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return fmt.Errorf("save the ward of pool %s: %w", after.Key, err)
	}
	return nil
}

// OverdueRepairs names the hosts whose repairs' deadline is now or earlier, the oldest first. The index lags behind them.
func (l *Ledger) OverdueRepairs(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error) {
	return overdueKeys(ctx, l, dueRepair, now, limit, func(k key) pool.HostID {
		return pool.HostID(strings.TrimPrefix(k.PK, hostPrefix))
	})
}

// seen writes an item on the condition that its version is still what was read; 0: that there is none.
func seen(version int64, i item) *types.Put {
	if version == 0 {
		return absent(i)
	}
	return asRead(version).put(i)
}
