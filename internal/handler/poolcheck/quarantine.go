package poolcheck

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// announceQuarantine says that a host is given up, and ends the step of saying so. It is said from
// the host's record: cut short, it is said again past the step's deadline.
func (h *Handler) announceQuarantine(ctx context.Context, id pool.HostID) error {
	host, err := h.Ledger.Host(ctx, id)
	if err != nil {
		return fmt.Errorf("read quarantined host %s: %w", id, err)
	}
	if host.State != pool.Quarantined || host.Step != pool.StepAnnounce {
		return nil
	}
	err = h.Events.Publish(ctx, events.HostQuarantined{
		Version: events.Version, HostID: string(id), Kind: string(host.Kind), Tier: string(host.Tier),
		Step: string(host.Stuck), Tries: pool.MaxTries + 1, Reason: host.Why,
	})
	if err != nil {
		return fmt.Errorf("publish that %s is quarantined: %w", id, err)
	}
	if err := h.Notify.Notify(ctx, fmt.Sprintf("Headroom %s: host %s is quarantined", h.Stage, id), quarantineNotice(host)); err != nil {
		return fmt.Errorf("notify that %s is quarantined: %w", id, err)
	}
	// Commit point: a person knows, so nobody has to be told again.
	if err := h.Ledger.SaveHost(ctx, host, pool.Rest(host), pool.Neutral, h.Now()); err != nil {
		return fmt.Errorf("record that the quarantine of %s is announced: %w", id, err)
	}
	return nil
}

// quarantineNotice says why a host is given up, and all that led to it.
func quarantineNotice(host pool.Host) string {
	lines := []string{
		fmt.Sprintf("Host %s (stack %s) is quarantined: %s.", host.ID, host.Stack.Name, host.Why),
		"It takes no tenants and counts against the pool's ceiling until a person looks at it.",
		"",
		"Its history:",
	}
	for _, entry := range host.History {
		lines = append(lines, fmt.Sprintf("%s %s: %s", entry.At.UTC().Format(time.RFC3339), entry.What, entry.Why))
	}
	return strings.Join(lines, "\n")
}
