package announce

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// fallenDetailed is how many hosts a notice of several has a line of their own for; the others it names.
const fallenDetailed = 10

// alone notes that an ill host went out of service, and reports whether people are told of it by itself: when many fall, they
// are told of several at once, by HostsFell.
func (a *Announcer) alone(ctx context.Context, h pool.Host) (alone bool, err error) {
	if !h.Ill() {
		return true, nil
	}
	// Commit point: from here on the host is told of, by itself or among several. Killed after this, the announcement is
	// made again, and the answer is the same.
	_, err = ledger.UpdateStorm(ctx, a.Ledger, func(s pool.Storm) (pool.Storm, error) {
		var changed bool
		if s, alone, changed = s.Fell(h, a.Now()); !changed {
			return s, ledger.ErrUnchanged
		}
		return s, nil
	})
	if err != nil {
		return false, fmt.Errorf("note that host %s fell: %w", h.ID, err)
	}
	return alone, nil
}

// home notes that a host is back in service, and reports whether people are told of that by itself.
func (a *Announcer) home(ctx context.Context, h pool.Host) (alone bool, err error) {
	_, err = ledger.UpdateStorm(ctx, a.Ledger, func(s pool.Storm) (pool.Storm, error) {
		var changed bool
		if s, alone, changed = s.Returned(h); !changed {
			return s, ledger.ErrUnchanged
		}
		return s, nil
	})
	if err != nil {
		return false, fmt.Errorf("note that host %s is back: %w", h.ID, err)
	}
	return alone, nil
}

// HostsFell tells people, in one message, of several hosts that went out of service or are back. There is an event of each.
func (a *Announcer) HostsFell(ctx context.Context, g pool.Gathered) error {
	n := note{what: "HostsFell", next: "headroom status", section: "zone-fails"}
	if len(g.Fell) == 0 {
		n.what = "HostsBack"
		n.subject = fmt.Sprintf("%d hosts that fell together are back in service", len(g.Back))
		n.reason = n.subject
		n.lines = append([]string{fmt.Sprintf("%d hosts that fell together take tenants again:", len(g.Back)), ""}, names(g.Back)...)
		n.lines = append(n.lines, out(g.Beside)...)
		return a.tell(ctx, n)
	}
	n.page = len(g.Failing) > 0
	n.subject = fmt.Sprintf("%d hosts went out of service together", len(g.Fell)+len(g.Beside))
	if n.page {
		n.subject = fmt.Sprintf("zone %s seems to fail: %d hosts are out of service", strings.Join(g.Failing, ", "), len(g.Fell)+len(g.Beside))
	}
	n.reason = g.Fell[0].Why
	tenants := 0
	for _, f := range g.Fell {
		tenants += f.Tenants
	}
	n.lines = []string{
		fmt.Sprintf("%d hosts, with %d tenants, went out of service shortly after one another. This is the one message about them.", len(g.Fell), tenants),
		"",
	}
	for _, f := range g.Fell[:min(len(g.Fell), fallenDetailed)] {
		n.lines = append(n.lines, fmt.Sprintf("- %s (%s, %d tenants, %s%s): %s", f.Host, zoneOf(f), f.Tenants, f.At.UTC().Format(time.RFC3339), backOf(f), f.Why))
	}
	if more := g.Fell[min(len(g.Fell), fallenDetailed):]; len(more) > 0 {
		n.lines = append(append(n.lines, "", fmt.Sprintf("and %d more:", len(more))), names(more)...)
	}
	n.lines = append(n.lines, out(g.Beside)...)
	n.lines = append(n.lines, "")
	if len(g.Failing) > 0 {
		n.lines = append(n.lines,
			fmt.Sprintf("Hosts of zone %s fell together, so that it seems to fail. They are not repaired into it one by one: for an hour", strings.Join(g.Failing, ", ")),
			"after the last of them fell they are left as they are. Look at AWS's Health Dashboard.")
	}
	n.lines = append(n.lines,
		"Done already: the hosts are cordoned, their free slots don't count, and where capacity is low hosts are ordered, in zones that",
		"don't seem to fail. Each goes back into service by itself when it has been well for a while; that is told once for all.",
		"What was done about each is in its history: headroom host show HOST.")
	return a.tell(ctx, n)
}

// out lists hosts that are out of service and were told of.
func out(beside []pool.Fallen) []string {
	if len(beside) == 0 {
		return nil
	}
	return append([]string{"", fmt.Sprintf("Out of service besides, and told of before (%d):", len(beside))}, names(beside)...)
}

// names are the names of hosts, some to a line.
func names(fallen []pool.Fallen) []string {
	const some = 6
	var lines []string
	for i, f := range fallen {
		if i%some == 0 {
			lines = append(lines, string(f.Host))
			continue
		}
		lines[len(lines)-1] += ", " + string(f.Host)
	}
	return lines
}

func zoneOf(f pool.Fallen) string {
	if f.Zone == "" {
		return "zone not known"
	}
	return f.Zone
}

func backOf(f pool.Fallen) string {
	if f.BackAt.IsZero() {
		return ""
	}
	return ", back at " + f.BackAt.UTC().Format(time.RFC3339)
}
