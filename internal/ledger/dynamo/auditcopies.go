package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// auditCopiesItem is the one item that says how far the audit is copied.
type auditCopiesItem struct {
	key
	Form    int       `dynamodbav:"form"`
	UpTo    time.Time `dynamodbav:"upTo"`
	Version int64     `dynamodbav:"version"`
}

func auditCopiesKey() key { return key{"AUDITCOPIES", "AUDITCOPIES"} }

// AuditCopies reads how far the audit is copied; what was never written has version 0.
func (l *Ledger) AuditCopies(ctx context.Context) (pool.AuditCopies, error) {
	var i auditCopiesItem
	if err := l.get(ctx, auditCopiesKey(), &i); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return pool.AuditCopies{}, fmt.Errorf("read how far the audit is copied: %w", err)
	}
	return pool.AuditCopies{UpTo: i.UpTo.UTC(), Version: i.Version}, nil
}

// SaveAuditCopies writes how far it is, on the condition that the stored version is before's.
func (l *Ledger) SaveAuditCopies(ctx context.Context, before, after pool.AuditCopies) (pool.AuditCopies, error) {
	after.UpTo, after.Version = after.UpTo.UTC(), before.Version+1
	i, err := encode(auditCopiesItem{key: auditCopiesKey(), Form: form, UpTo: after.UpTo, Version: after.Version})
	if err != nil {
		return pool.AuditCopies{}, err
	}
	if err := l.putOnce(ctx, seen(before.Version, i)); err != nil {
		return pool.AuditCopies{}, fmt.Errorf("save how far the audit is copied: %w", err)
	}
	return after, nil
}
