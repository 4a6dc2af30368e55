package signup

import (
	"context"
	"fmt"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// estimate is how long the tenant at a place of a tier's waiting list waits. It looks at what the next pool check looks
// at, and so knows what that one orders.
func (h *Handler) estimate(ctx context.Context, tier pool.Tier, position int) (pool.Estimate, error) {
	doc, err := h.Policies.Document(ctx)
	if err != nil {
		return pool.Estimate{}, fmt.Errorf("load the policies: %w", err)
	}
	seen, err := ledger.LookAheadOf(ctx, h.Ledger, tier, doc, position, h.Now())
	if err != nil {
		return pool.Estimate{}, fmt.Errorf("estimate how long the tenant at place %d of tier %s waits: %w", position, tier, err)
	}
	return seen.Seen().EstimateWait(position, h.Now()), nil
}
