package announce

import (
	"context"
	"fmt"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// retired announces a host that was retired: it is gone, and nobody needs to do anything.
func (a *Announcer) retired(ctx context.Context, h pool.Host) error {
	out := events.HostRetired{
		Version: events.Version, HostID: string(h.ID), Kind: string(h.Kind), Tier: string(h.Tier),
		Reason: whyRetired(h), RequestedBy: h.Retire.By, Began: events.At(h.Retire.At), MonthCents: int(h.Price), Left: []events.Remnant{},
	}
	for _, left := range h.Retire.Left {
		remnant := events.Remnant{What: left.What, Name: left.Name}
		if !left.Until.IsZero() {
			until := events.At(left.Until)
			remnant.Until = &until
		}
		out.Left = append(out.Left, remnant)
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that host %s is retired: %w", h.ID, err)
	}
	a.Metrics.Pool(string(h.Kind), string(h.Tier)).Count(telemetry.HostsRetired, 1)
	return nil
}

// whyRetired is why a host was retired, by its history.
func whyRetired(h pool.Host) string {
	why := h.Why
	for _, entry := range h.History {
		if entry.What == string(pool.HostRetiring) {
			why = entry.Why // the last one: others were called off
		}
	}
	return why
}

// NotRetired tells people of a host that was to be retired, and of which something was found that nobody should have left
// there. The host is in service again.
func (a *Announcer) NotRetired(ctx context.Context, h pool.Host, why string) error {
	return a.tell(ctx, note{
		what: "HostNotRetired", host: h.ID, reason: why, section: "hosts-quarantined", next: explainHost(h.ID),
		subject: fmt.Sprintf("host %s is not retired", h.ID), lines: []string{
			fmt.Sprintf("Host %s was to be retired, because it is empty and not needed. Nothing of it was touched, and it is back where it was:", h.ID),
			"", "  " + why, "",
			"What is named there is nobody's by the books. Look whose it is before you take it away; the host is looked at again",
			"once it has been empty for six hours more. To keep it whatever comes: headroom host protect " + string(h.ID),
		},
	})
}
