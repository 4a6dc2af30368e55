package poolcheck

import (
	"context"
	"fmt"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// watchStops puts into the audit who changed the stop switch, and measures for how long its levels have been on. Who changes it
// writes it and nothing else: so lines of the audit can't be forged or replaced by operators.
func (h *Handler) watchStops(ctx context.Context) error {
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return fmt.Errorf("watch the stop switch: %w", err)
	}
	now := h.Now()
	for _, level := range pool.StopLevels {
		m := h.Metrics.Of(string(level))
		if stops.On(level) {
			m.Duration(telemetry.StopAge, max(0, now.Sub(stops.Mark(level).At)))
		} else {
			m.Duration(telemetry.StopAge, 0)
		}
	}
	if len(stops.Untold) == 0 {
		return nil
	}
	// Killed between the two, the lines are written again by the next check, and are there already.
	newest := int64(0)
	for _, change := range stops.Untold {
		if err := h.Ledger.Audit(ctx, change.Audit()); err != nil {
			return fmt.Errorf("put into the audit who changed the stop switch: %w", err)
		}
		newest = change.Version
	}
	_, _, err = ledger.UpdateStops(ctx, h.Ledger, func(s pool.Stops) (pool.Stops, error) {
		after := s.Told(newest)
		if len(after.Untold) == len(s.Untold) {
			return s, ledger.ErrUnchanged
		}
		return after, nil
	})
	if err != nil {
		return fmt.Errorf("note what of the stop switch is in the audit: %w", err)
	}
	return nil
}
