package ledgertest

import (
	"errors"
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func auditCopies(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	empty, err := l.AuditCopies(ctx)
	must(t, err)
	expect(t, "never written", empty, pool.AuditCopies{})
	first, err := l.SaveAuditCopies(ctx, empty, pool.AuditCopies{UpTo: at(100)})
	must(t, err)
	stored, err := l.AuditCopies(ctx)
	must(t, err)
	expect(t, "saved", stored, pool.AuditCopies{UpTo: at(100), Version: 1})
	expect(t, "as it was answered", first, stored)
	if _, err := l.SaveAuditCopies(ctx, empty, pool.AuditCopies{UpTo: at(50)}); !errors.Is(err, pool.ErrConflict) {
		t.Errorf("saved over what another saved: %v", err)
	}
	_, err = l.SaveAuditCopies(ctx, stored, pool.AuditCopies{UpTo: at(200)})
	must(t, err)
	stored, err = l.AuditCopies(ctx)
	must(t, err)
	expect(t, "saved again", stored, pool.AuditCopies{UpTo: at(200), Version: 2})
}
