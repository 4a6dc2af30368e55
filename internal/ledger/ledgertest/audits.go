package ledgertest

import (
	"testing"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func audits(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	day := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	line := func(after time.Duration, message string) pool.Audit {
		return pool.Audit{At: day.Add(after), Message: message, Who: "AROAX:jo", Named: "jo", What: "HostRequest release", Of: "share-standard-3", With: "image ami-1", Why: "it is mended"}
	}
	late, early, next := line(9*time.Hour+123456789, "m-2"), line(9*time.Hour, "m-1"), line(24*time.Hour, "m-3")
	destroyed := pool.Audit{At: late.At, Message: "acme.k3v9/share", What: "destroyed share", Of: "share-12345678"}
	for _, a := range []pool.Audit{late, early, next, destroyed} {
		must(t, l.Audit(ctx, a))
	}
	again := late
	again.Why = "something else"
	must(t, l.Audit(ctx, again)) // a line stays as it was written
	found, err := l.Audits(ctx, day.Add(17*time.Hour))
	must(t, err)
	expect(t, "the lines of a day", found, []pool.Audit{early, destroyed, late})
	found, err = l.Audits(ctx, day.Add(-time.Hour))
	must(t, err)
	expect(t, "lines of a day without any", len(found), 0)
}
