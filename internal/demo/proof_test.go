package demo

import (
	"context"
	"errors"
	"testing"
)

// Who ends the run while its proofs are tried is not told that tenants reach each other's storage.
func TestAnInterruptedRunProvesNothing(t *testing.T) {
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(interrupted)
	proofs, err := Prove(ctx, nil, []Tenant{{}, {}})
	if !errors.Is(err, interrupted) || len(proofs) != 0 {
		t.Errorf("error %v, proofs %v", err, proofs)
	}
}
