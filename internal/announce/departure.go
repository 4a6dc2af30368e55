package announce

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// TenantClosed announces a tenant that leaves and reaches its storage no more.
func (a *Announcer) TenantClosed(ctx context.Context, d pool.Departure) error {
	out := events.TenantClosed{
		Version: events.Version, TenantID: string(d.Tenant.ID), Tier: string(d.Tenant.Tier), ClosedAt: events.At(a.doneAt(d, pool.StepShut)),
		GraceUntil: events.At(d.GraceUntil()), Reason: d.Reason, RequestedBy: d.RequestedBy,
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that tenant %s is closed: %w", d.Tenant.ID, err)
	}
	return nil
}

// doneAt is when a step of a departure was done: now, if that is not recorded yet. So what is said again later does not
// look as if it had come about only then.
func (a *Announcer) doneAt(d pool.Departure, step pool.Step) time.Time {
	for _, p := range d.Proofs {
		if p.Step == step {
			return p.At
		}
	}
	return a.Now()
}

// TenantReopened announces a tenant whose departure was undone.
func (a *Announcer) TenantReopened(ctx context.Context, d pool.Departure) error {
	by, reason, _ := strings.Cut(d.UndoneBy, ": ")
	out := events.TenantReopened{
		Version: events.Version, TenantID: string(d.Tenant.ID), Tier: string(d.Tenant.Tier), ReopenedAt: events.At(a.doneAt(d, pool.StepReopen)), Reason: reason, RequestedBy: by,
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that tenant %s is open again: %w", d.Tenant.ID, err)
	}
	return nil
}

// TenantReleased announces a tenant of whom nothing is left but what its certificate names.
func (a *Announcer) TenantReleased(ctx context.Context, d pool.Departure, c events.Certificate) error {
	out := events.TenantReleased{
		Version: events.Version, TenantID: string(d.Tenant.ID), Tier: string(d.Tenant.Tier), ReleasedAt: c.CertifiedAt, Certificate: c,
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that tenant %s is released: %w", d.Tenant.ID, err)
	}
	a.Metrics.Count(telemetry.TenantsReleased, 1)
	return nil
}

// RequestRejected announces a request about a tenant that was refused, and what is wrong with it. kind is the request's
// type; tenantID is empty when it names no tenant.
func (a *Announcer) RequestRejected(ctx context.Context, kind, messageID, tenantID string, bad *events.FieldError) error {
	a.Metrics.Count(telemetry.RequestsRejected, 1)
	err := a.Events.Publish(ctx, events.RequestRejected{
		Version: events.Version, Type: kind, TenantID: tenantID, Field: bad.Field, Reason: bad.Reason, MessageID: messageID,
	})
	if err != nil {
		return fmt.Errorf("publish that a request was rejected: %w", err)
	}
	return nil
}

// Refused tells a person of a call that the guard refused. There is no event of it.
func (a *Announcer) Refused(ctx context.Context, c pool.Clearance, why string) error {
	return a.tell(ctx, note{
		what: "ScrubRefused", host: c.Holding.Host, tenant: c.Departure.Tenant(), reason: why, section: "archive-stuck", next: historyOf(c.Departure.Tenant()),
		subject: fmt.Sprintf("the scrub of %s is refused", c.ID()),
		lines: []string{
			fmt.Sprintf("Step %s of clearance %s was about to destroy something, and was refused.", c.Step, c.ID()),
			"",
			"Reason:  " + why,
			fmt.Sprintf("Slot:    %s/%d, generation %d", c.Holding.Host, c.Holding.Index, c.Holding.Generation),
			"",
			"Nothing was destroyed by it. It is tried again every few minutes, and goes on when what speaks against it is gone.",
		},
	})
}

// LeavingRefused is Refused for a departure that has nothing to be scrubbed.
func (a *Announcer) LeavingRefused(ctx context.Context, d pool.Departure, why string) error {
	return a.tell(ctx, note{
		what: "DepartureRefused", tenant: d.Tenant.ID, reason: why, section: "archive-stuck", next: historyOf(d.Tenant.ID),
		subject: fmt.Sprintf("the departure of tenant %s is refused", d.Tenant.ID),
		lines: []string{
			fmt.Sprintf("Step %s of departure %s was about to destroy something, and was refused.", d.Step, d.ID()),
			"",
			"Reason:  " + why,
			"",
			"Nothing was destroyed by it. It is tried again every few minutes, and goes on when what speaks against it is gone.",
		},
	})
}

// Quarantined tells a person of a slot that could not be scrubbed, or was not found clean. There is no event of it.
func (a *Announcer) Quarantined(ctx context.Context, c pool.Clearance) error {
	lines := []string{
		fmt.Sprintf("Slot %s/%d, which tenant %s left, is quarantined. Nobody gets it, and nothing touches it until a person does.", c.Holding.Host, c.Holding.Index, c.Departure.Tenant()),
		"",
		"What to do: clear away what the history says, or mend what keeps it so; then send a DepartureRequest to the decommission",
		fmt.Sprintf("queue: departure %s, slot %s, action again. Or action retire: then it is out of use for good, and the", c.Departure, c.Kind),
		"certificate says that it was not proven clean.",
		"",
		"Its history:",
	}
	return a.tell(ctx, note{
		what: "SlotQuarantined", host: c.Holding.Host, tenant: c.Departure.Tenant(), reason: c.Error, section: "slots-quarantined", next: showHost(c.Holding.Host),
		subject: fmt.Sprintf("slot %s/%d is quarantined", c.Holding.Host, c.Holding.Index), lines: append(lines, entries(c.History)...),
	})
}

// FilesFailing tells a person of files of a tenant that leaves which its gateway can't bring into the bucket. There is no
// event of it.
func (a *Announcer) FilesFailing(ctx context.Context, d pool.DepartureID, share pool.Holding, files pool.FailingFiles) error {
	lines := []string{
		fmt.Sprintf("Of tenant %s, which leaves, %s from gateway %s (share %s) into the bucket. They are on the gateway's disk alone.",
			d.Tenant(), files, share.Host, share.Name),
		"",
	}
	for _, name := range files.Names {
		lines = append(lines, "  "+name)
	}
	if more := files.Count - len(files.Names); more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	lines = append(lines,
		"",
		"What to do: mend what keeps them, as what the share's role or the bucket denies, or the key. The gateway tries by itself,",
		"and the departure goes on once all is uploaded. Until then nothing of the tenant is destroyed. Never evict these files:",
		"that would be their end.")
	return a.tell(ctx, note{
		what: "FilesFailing", host: share.Host, tenant: d.Tenant(), section: "gateway-uploads", next: historyOf(d.Tenant()),
		subject: fmt.Sprintf("files of tenant %s fail to upload", d.Tenant()), lines: lines,
	})
}

// failing lists the files of a step that was given up, if they fail to upload.
func failing(f pool.Failing) []string {
	if f.Count == 0 {
		return nil
	}
	lines := []string{"", fmt.Sprintf("When the gateway was last asked (%s), %s, and are on its disk alone:", f.At.UTC().Format(time.RFC3339), f.FailingFiles)}
	for _, name := range f.Names {
		lines = append(lines, "  "+name)
	}
	return lines
}

// DepartureStuck tells a person of a departure whose step was given up. There is no event of it.
func (a *Announcer) DepartureStuck(ctx context.Context, d pool.Departure) error {
	lines := []string{
		fmt.Sprintf("Step %s of departure %s did not come to an end, and is given up. Nothing is lost by that.", d.Stuck, d.ID()),
		"",
		"Last error: " + d.Error,
		"",
		fmt.Sprintf("What to do: mend what the error says, and send a DepartureRequest to the decommission queue: departure %s, action", d.ID()),
		"resume: it goes on from this step, with all its tries. As long as the departure is " + string(pool.DepartureLeaving) + " it can be undone instead.",
		"If the tenant has signed up again since, DecommissionRequested and UndoRequested would be about its new life: send neither.",
	}
	if d.Stuck == pool.StepUpload {
		lines = append(lines,
			"",
			"Files of its share that can't be uploaded are on the gateway's disk alone. FilesFailingUpload counts them, and",
			"`aws storagegateway start-cache-report` names them. Mend what keeps them (a role, a key); never evict them.")
		lines = append(lines, failing(d.Failing)...)
	}
	lines = append(lines, "", "Its history:")
	return a.tell(ctx, note{
		what: "DepartureStuck", tenant: d.Tenant.ID, reason: d.Error, section: "archive-stuck", next: historyOf(d.Tenant.ID),
		subject: fmt.Sprintf("the departure of tenant %s is stuck", d.Tenant.ID), lines: append(lines, entries(d.History)...),
	})
}

// ClearanceStuck tells a person of a clearance whose step was given up. There is no event of it.
func (a *Announcer) ClearanceStuck(ctx context.Context, c pool.Clearance) error {
	lines := []string{
		fmt.Sprintf("Step %s of clearance %s did not come to an end, and is given up. Its slot stays out of the pool.", c.Stuck, c.ID()),
		"",
		"Last error: " + c.Error,
		"",
		fmt.Sprintf("What to do: mend what the error says, and send a DepartureRequest to the decommission queue: departure %s, action", c.Departure),
		"resume: it goes on from this step.",
	}
	lines = append(append(lines, failing(c.Failing)...), "", "Its history:")
	return a.tell(ctx, note{
		what: "ScrubStuck", host: c.Holding.Host, tenant: c.Departure.Tenant(), reason: c.Error, section: "archive-stuck", next: historyOf(c.Departure.Tenant()),
		subject: fmt.Sprintf("the scrub of %s is stuck", c.ID()), lines: append(lines, entries(c.History)...),
	})
}

func entries(history []pool.Entry) []string {
	var lines []string
	for _, e := range history {
		lines = append(lines, fmt.Sprintf("%s %s: %s", e.At.UTC().Format(time.RFC3339), e.What, e.Why))
	}
	return lines
}
