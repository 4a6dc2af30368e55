package decommission

import (
	"context"
	"errors"

	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

// A gateway that is down answers nothing, and may be down for as long as people take to decide what becomes of it. They hear of
// that by its repair. What waits for it is not given up meanwhile, so that it goes on by itself once the host serves again.

// mended has a step of a share's clearance wait while its host is in repair.
func (h *Handler) mended(do lifecycle.Do[pool.Clearance]) lifecycle.Do[pool.Clearance] {
	return func(ctx context.Context, c pool.Clearance) (clearing, error) {
		next, err := do(ctx, c)
		waits := err != nil || next.Because != nil && next.Record.Step == c.Step
		if !waits || next.Leave || c.Kind != pool.Share || ctx.Err() != nil || !h.inRepair(ctx, c.Holding.Host) {
			return next, err
		}
		if err != nil {
			next = clearing{Record: c, Wait: retryWaitMost, Because: err}
		}
		next.Record.Due = h.Now().Add(pool.Deadline(c.Step))
		return next, nil
	}
}

// answering has a step of a departure wait for a gateway that does not answer, while that is in repair.
func (h *Handler) answering(do lifecycle.Do[pool.Departure]) lifecycle.Do[pool.Departure] {
	return func(ctx context.Context, d pool.Departure) (leaving, error) {
		next, err := do(ctx, d)
		if !errors.Is(err, pool.ErrUnreachable) || ctx.Err() != nil || !h.inRepair(ctx, d.Tenant.Share.Host) {
			return next, err
		}
		d.Due = h.Now().Add(pool.Deadline(d.Step))
		return leaving{Record: d, Wait: retryWaitMost, Because: err}, nil
	}
}

// inRepair reports whether a host is known to be in repair.
func (h *Handler) inRepair(ctx context.Context, id pool.HostID) bool {
	host, err := h.Ledger.Host(ctx, id)
	return err == nil && host.Repair > 0
}
