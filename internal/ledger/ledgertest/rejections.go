package ledgertest

import (
	"errors"
	"testing"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

func rejections(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	if r, err := l.Rejection(ctx, "m-1"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("of a message that nobody refused: %+v, %v", r, err)
	}
	first := pool.Rejection{Message: "m-1", Field: "instanceIp", Reason: "belongs to another tenant", At: at(1)}
	must(t, l.Reject(ctx, first))
	must(t, l.Reject(ctx, pool.Rejection{Message: "m-1", Field: "tier", Reason: "is served by no pool", At: at(2)}))
	stored, err := l.Rejection(ctx, "m-1")
	must(t, err)
	expect(t, "why it was refused at first", stored, first)
	if r, err := l.Rejection(ctx, "m-2"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("of another message: %+v, %v", r, err)
	}
}
