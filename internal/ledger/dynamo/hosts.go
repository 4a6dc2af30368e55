package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// hostItem is a host's stored form. Reserve and Used put a host in service that has slots in
// reserve into the index of those.
type hostItem struct {
	key
	deadline
	Reserve string `dynamodbav:"reserve,omitempty"` // "<kind>#<tier>"
	Used    *int   `dynamodbav:"used,omitempty"`    // slots set out or taken
	pool.Host
}

func encodeHost(h pool.Host) (item, error) {
	i := hostItem{key: hostKey(h.ID), deadline: deadlineOf(dueHost, h.Due), Host: h}
	if h.State == pool.InService && h.Free() > 0 {
		used := h.Used()
		i.Reserve, i.Used = h.Key().String(), &used
	}
	return encode(i)
}

// Host reads a host; pool.ErrNotFound when there is none.
func (l *Ledger) Host(ctx context.Context, id pool.HostID) (pool.Host, error) {
	var i hostItem
	if err := l.get(ctx, hostKey(id), &i); err != nil {
		return pool.Host{}, fmt.Errorf("read host %s: %w", id, err)
	}
	h := i.Host
	h.Due = i.time()
	return h, nil
}

// Order records a new host and moves its pool's Seq, in one transaction.
func (l *Ledger) Order(ctx context.Context, seen pool.Record, h pool.Host) error {
	_, seq, err := h.ID.Parse()
	if err != nil {
		return err
	}
	h.Version = 1
	i, err := encodeHost(h)
	if err != nil {
		return err
	}
	change, err := newPoolChange(h.Key(), pool.Contribution(h))
	if err != nil {
		return err
	}
	change.equal("seq", int64(seen.Seq))
	change.set = append(change.set, "#seq = :next")
	change.value(":next", number(seq))
	// Commit point: the host is ordered, and its number is used up.
	if err := l.transact(ctx, types.TransactWriteItem{Put: absent(i)}, types.TransactWriteItem{Update: change.update()}); err != nil {
		return fmt.Errorf("record the order of host %s: %w", h.ID, err)
	}
	return nil
}

// SaveHost writes a host and moves its pool's counters and backoff, in one transaction. When the
// pool's record stays as it is, the host alone is written.
func (l *Ledger) SaveHost(ctx context.Context, before, after pool.Host, outcome pool.Outcome, now time.Time) error {
	after.Version = before.Version + 1
	i, err := encodeHost(after)
	if err != nil {
		return err
	}
	var unchanged conditions
	unchanged.equal("version", before.Version)
	put := unchanged.put(i)
	change, err := newPoolChange(after.Key(), pool.Contribution(after).Sub(pool.Contribution(before)))
	if err != nil {
		return err
	}
	if err := l.noteOutcome(ctx, change, outcome, now); err != nil {
		return err
	}
	if change.empty() {
		err = l.putOnce(ctx, put)
	} else {
		err = l.transact(ctx, types.TransactWriteItem{Put: put}, types.TransactWriteItem{Update: change.update()})
	}
	if err != nil {
		return fmt.Errorf("save host %s: %w", after.ID, err)
	}
	return nil
}
