package announce

import (
	"context"
	"fmt"
	"strings"

	"headroom/events"
	"headroom/internal/pool"
)

// note is what a person is told.
type note struct {
	what    string // for machines: the detail-type of the event of it, or such a word
	page    bool   // an alarm of its own wakes somebody
	host    pool.HostID
	tenant  pool.TenantID
	reason  string
	section string // of docs/runbooks.md
	next    string // the next command to type
	tenants []events.TenantUse

	subject string // what became of whom, such as "host share-standard-1 is cordoned"
	lines   []string
}

// tell notifies a person: in one line, in words, and for machines.
func (a *Announcer) tell(ctx context.Context, n note) error {
	data := events.Notice{
		Version: events.Version, Type: events.TypeNotice, Severity: events.SeverityTicket, What: n.what, Stage: a.Stage,
		Subject:    fmt.Sprintf("Headroom %s: %s", a.Stage, n.subject),
		Correlated: events.Correlated{CorrelationID: events.Correlation(ctx)},
		HostID:     string(n.host), TenantID: string(n.tenant), Reason: n.reason, Next: n.next, Tenants: n.tenants,
	}
	if n.page {
		data.Severity = events.SeverityPage
	}
	lines := append(n.lines[:len(n.lines):len(n.lines)], "", "Severity: "+data.Severity)
	if n.section != "" && a.Runbooks != "" {
		data.Runbook = a.Runbooks + "#" + n.section
		lines = append(lines, "Runbook:  "+data.Runbook)
	}
	if n.next != "" {
		lines = append(lines, "Next:     "+n.next)
	}
	if data.CorrelationID != "" {
		lines = append(lines, "Thread:   headroom logs "+data.CorrelationID)
	}
	if err := a.Notify.Notify(ctx, data.Subject, strings.Join(lines, "\n"), data); err != nil {
		return fmt.Errorf("notify that %s: %w", n.subject, err)
	}
	return nil
}

// The next commands to type.
func showHost(h pool.HostID) string        { return "headroom host show " + string(h) }
func explainHost(h pool.HostID) string     { return "headroom host explain " + string(h) }
func explainTenant(t pool.TenantID) string { return "headroom tenant explain " + string(t) }
func historyOf(t pool.TenantID) string     { return "headroom tenant history " + string(t) }
