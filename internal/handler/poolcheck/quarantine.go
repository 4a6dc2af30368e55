package poolcheck

import (
	"context"
	"fmt"

	"headroom/internal/pool"
)

// announceQuarantine announces that a host is given up, and ends its announcement step. It is announced
// from the host's record: cut short, it is announced again past the step's deadline.
func (h *Handler) announceQuarantine(ctx context.Context, id pool.HostID) error {
	host, err := h.Ledger.Host(ctx, id)
	if err != nil {
		return fmt.Errorf("read quarantined host %s: %w", id, err)
	}
	if host.State != pool.Quarantined || host.Step != pool.StepAnnounce {
		return nil
	}
	if err := h.Announce.HostQuarantined(ctx, host); err != nil {
		return err
	}
	// Commit point: a person knows, so nobody has to be told again.
	if err := h.Ledger.SaveHost(ctx, host, pool.Rest(host), pool.Neutral, h.Now()); err != nil {
		return fmt.Errorf("record that the quarantine of %s is announced: %w", id, err)
	}
	return nil
}
