// Package auditcopy copies the audit, line by line, to where nobody can change or delete it: into the bucket of archives,
// under a lock. It reads the audit, adds objects, and can take nothing away.
//
// What is copied, the bucket says itself, by its keys; the ledger keeps how far rounds came only so that they need not look
// at all days, and people see that they go on. So a round may end anywhere, be run twice or beside another.
package auditcopy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

type store interface {
	Audits(ctx context.Context, day time.Time) ([]pool.Audit, error)
	AuditCopies(ctx context.Context) (pool.AuditCopies, error)
	SaveAuditCopies(ctx context.Context, before, after pool.AuditCopies) (pool.AuditCopies, error)
}

type copies interface {
	Versions(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error)
	Put(ctx context.Context, spec pool.ObjectSpec, content []byte) (pool.StoredObject, error)
	Head(ctx context.Context, ref pool.ObjectRef) (pool.StoredObject, error)
}

// Config is what a Handler is built from. All fields are required.
type Config struct {
	Ledger  store
	Objects copies
	Bucket  string // of archives
	Key     string // ARN of the key that encrypts them
	Metrics telemetry.Recorder
	Log     *slog.Logger
	Now     func() time.Time
}

// Handler handles the messages of the auditcopy queue.
type Handler struct{ Config }

// New checks the configuration.
func New(c Config) (*Handler, error) {
	if c.Ledger == nil || c.Objects == nil || c.Bucket == "" || c.Key == "" || c.Log == nil || c.Now == nil {
		return nil, errors.New("auditcopy: every field of Config is required")
	}
	return &Handler{c}, nil
}

// Message handles one message; there is one kind, which says no more than that it is time.
func (h *Handler) Message(ctx context.Context, d events.Delivery) error {
	var round events.AuditCopyRound
	if events.TypeOf([]byte(d.Body)) != events.TypeAuditCopyRound || events.Decode([]byte(d.Body), &round) != nil {
		h.Log.WarnContext(ctx, "message ignored", "messageId", d.ID, "body", d.Body)
		h.Metrics.Count(telemetry.EventsIgnored, 1)
		return nil
	}
	return h.round(ctx)
}

func (h *Handler) round(ctx context.Context) error {
	mark, err := h.Ledger.AuditCopies(ctx)
	if err != nil {
		return err
	}
	began, lost := h.Now().UTC(), 0
	for day := mark.From(began).UTC().Truncate(24 * time.Hour); !day.After(began); day = day.AddDate(0, 0, 1) {
		var keys []string
		if keys, err = h.day(ctx, day); err != nil {
			break
		}
		for _, key := range keys {
			h.Log.ErrorContext(ctx, "a line of the audit was changed or taken away since it was copied", "key", key)
		}
		lost += len(keys)
		if mark, err = h.came(ctx, mark, earlier(day.AddDate(0, 0, 1), began)); err != nil {
			break
		}
	}
	// Also of a round that fails: that it comes no further is what people have to hear.
	h.Metrics.Duration(telemetry.AuditBehind, mark.Behind(h.Now()))
	if err != nil {
		return err
	}
	h.Metrics.Gauge(telemetry.AuditLost, lost)
	return nil
}

// came remembers that a round copied all lines before a moment, if none came further.
func (h *Handler) came(ctx context.Context, mark pool.AuditCopies, upTo time.Time) (pool.AuditCopies, error) {
	if !upTo.After(mark.UpTo) {
		return mark, nil
	}
	// Commit point: lines before it are looked at again for as long as they may be late, and no longer.
	after, err := h.Ledger.SaveAuditCopies(ctx, mark, pool.AuditCopies{UpTo: upTo})
	if errors.Is(err, pool.ErrConflict) {
		return h.Ledger.AuditCopies(ctx) // of a round beside this one, which copies the same
	}
	if err != nil {
		return mark, err
	}
	return after, nil
}

// day copies the lines of a day that are not copied. It returns keys of copies of which no line is any more.
func (h *Handler) day(ctx context.Context, day time.Time) ([]string, error) {
	// Listed before lines are read: of what is listed each line was written before.
	copied, err := h.copied(ctx, pool.AuditCopyDay(day))
	if err != nil {
		return nil, err
	}
	lines, err := h.Ledger.Audits(ctx, day)
	if err != nil {
		return nil, err
	}
	missing, lost, err := pool.CompareAudit(lines, copied)
	if err != nil {
		return nil, err
	}
	for _, a := range missing {
		if err := h.copy(ctx, a); err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// copied are the keys of a folder, each once. One that a delete marker hides is there all the same.
func (h *Handler) copied(ctx context.Context, folder string) ([]string, error) {
	return pool.KeysOf(func(from pool.ObjectCursor) (pool.ObjectPage, error) {
		return h.Objects.Versions(ctx, h.Bucket, folder, from)
	})
}

// copy stores a line's copy, and reads back that it is there, whole and locked.
func (h *Handler) copy(ctx context.Context, a pool.Audit) error {
	c, err := a.Copy()
	if err != nil {
		return err
	}
	// Commit point: from here on nobody can make as if the line had never been.
	stored, err := h.Objects.Put(ctx, pool.ObjectSpec{
		Bucket: h.Bucket, Key: c.Key, KMSKey: h.Key, ContentType: "application/json", Until: c.Until,
	}, c.Content)
	if err != nil {
		return fmt.Errorf("copy %s of %s: %w", a.What, a.Of, err)
	}
	found, err := h.Objects.Head(ctx, pool.ObjectRef{Bucket: h.Bucket, Key: c.Key, Version: stored.Version})
	if err != nil {
		return fmt.Errorf("read back the copy of %s of %s: %w", a.What, a.Of, err)
	}
	sum := sha256.Sum256(c.Content)
	if found.Size != int64(len(c.Content)) || found.SHA256 != hex.EncodeToString(sum[:]) || found.Until.Before(c.Until) {
		return fmt.Errorf("the copy %s is of %d bytes with checksum %q, locked until %s, and not what was stored", c.Key, found.Size, found.SHA256, found.Until)
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
