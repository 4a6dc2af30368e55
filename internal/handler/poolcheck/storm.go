package poolcheck

import (
	"context"
	"fmt"

	"headroom/internal/ledger"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// tellOfStorm tells people of hosts that went out of service, or are back, and that are gathered into one message. Of checks
// at once one tells. One that dies at it is told anew after a while: rather twice than never.
func (h *Handler) tellOfStorm(ctx context.Context) error {
	storm, err := h.Ledger.Storm(ctx)
	if err != nil {
		return err
	}
	h.Metrics.Gauge(telemetry.ZonesFailing, len(storm.FailingZones(h.Now())))
	if _, due := storm.Gathered(h.Now()); !due {
		return nil
	}
	var gathered pool.Gathered
	due := false
	_, err = ledger.UpdateStorm(ctx, h.Ledger, func(s pool.Storm) (pool.Storm, error) {
		if gathered, due = s.Gathered(h.Now()); !due {
			return s, ledger.ErrUnchanged
		}
		return s.Begun(h.Now()), nil
	})
	if err != nil || !due {
		return err
	}
	if err := h.Announce.HostsFell(ctx, gathered); err != nil {
		return err
	}
	// Commit point: who was named is not named again.
	_, err = ledger.UpdateStorm(ctx, h.Ledger, func(s pool.Storm) (pool.Storm, error) { return s.Ended(gathered, h.Now()), nil })
	if err != nil {
		return fmt.Errorf("record that people were told of %d hosts: %w", len(gathered.Fell)+len(gathered.Back), err)
	}
	return nil
}
