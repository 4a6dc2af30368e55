package announce

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// lacking is what files that come back can't hold. Versions of a bucket are known by when they were uploaded.
const lacking = "what was written before that time, and not uploaded yet: of a file that was written shortly before, an earlier version or none came back"

// lacks words what files that come back can't hold; missing is what gateways had alone that were given up.
func lacks(missing []pool.Missing) string {
	what := lacking
	for _, m := range missing {
		what += "; " + m.String()
	}
	return what
}

// TenantRestored announces what of a tenant went back to a time; missing is what its share may lack, for gateways were given up.
func (a *Announcer) TenantRestored(ctx context.Context, r pool.Restoration, missing []pool.Missing) error {
	now := a.Now()
	out := events.TenantRestored{
		Version: events.Version, TenantID: string(r.Tenant), Tier: string(r.Tier), RestoredTo: events.At(r.To), RestoredAt: events.At(now),
		Parts: []string{}, Reason: r.Reason, RequestedBy: r.RequestedBy, UndoUntil: events.At(now),
	}
	if r.OfDatabase() {
		out.Parts = append(out.Parts, events.PartDatabase)
		out.Database, out.RefusedSeconds, out.UndoUntil = r.Came, seconds(r.Refused), events.At(r.UndoUntil())
	}
	if r.OfShare() {
		out.Parts = append(out.Parts, events.PartShare)
		out.Folder, out.Files, out.FilesBytes, out.Lacking = r.Folder(), r.Files, r.FilesBytes, lacks(missing)
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that tenant %s was restored: %w", r.Tenant, err)
	}
	return nil
}

// TenantMoves announces a tenant that is about to be shut out of its database because that moves, before it is.
func (a *Announcer) TenantMoves(ctx context.Context, r pool.Restoration) error {
	out := events.AccessChanging{
		Version: events.Version, TenantID: string(r.Tenant), Tier: string(r.Tier), At: events.At(a.Now()), RefusedSeconds: seconds(pool.MoveTakes(r.Size)),
		Reason: r.Reason, RequestedBy: r.RequestedBy,
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that tenant %s is about to move: %w", r.Tenant, err)
	}
	return nil
}

// TenantMoved announces a tenant whose database is on another host.
func (a *Announcer) TenantMoved(ctx context.Context, r pool.Restoration, t pool.Tenant) error {
	out := events.AccessChanged{
		Version: events.Version, TenantID: string(t.ID), Tier: string(t.Tier), Added: []string{}, Removed: []string{}, Addresses: sorted(t.Addresses),
		Since: events.At(r.Swapped), RefusedSeconds: seconds(r.Refused),
		Database: &events.Database{
			Engine: "postgres", Host: r.Target.Address, Port: r.Target.Port, Name: pool.DatabaseName(r.Target.Name), Username: pool.RoleName(r.Target.Name), SecretARN: t.Secret,
		},
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that tenant %s has moved: %w", r.Tenant, err)
	}
	return nil
}

// seconds are whole seconds, a part of one being one.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// RestoreUndone announces a tenant that has the database again which it had before it was restored.
func (a *Announcer) RestoreUndone(ctx context.Context, r pool.Restoration) error {
	by, reason, _ := strings.Cut(r.UndoneBy, ": ")
	out := events.TenantRestoreUndone{
		Version: events.Version, TenantID: string(r.Tenant), Tier: string(r.Tier), RestoredTo: events.At(r.To), UndoneAt: events.At(a.Now()),
		RefusedSeconds: seconds(r.Refused), Reason: reason, RequestedBy: by,
	}
	if err := a.Events.Publish(ctx, out); err != nil {
		return fmt.Errorf("publish that the restoration of tenant %s is undone: %w", r.Tenant, err)
	}
	return nil
}

// RestoreFailed tells a person of a restoration that came to nothing. There is no event of it.
func (a *Announcer) RestoreFailed(ctx context.Context, r pool.Restoration) error {
	if r.Move {
		return a.moveFailed(ctx, r)
	}
	lines := append([]string{
		fmt.Sprintf("Tenant %s was to go back to %s, and that came to nothing. It has what it had before.", r.Tenant, r.To.UTC().Format(time.RFC3339)),
		"",
		"Reason:  " + r.Why,
	}, restorationState(r)...)
	lines = append(lines,
		"",
		"What was made for it is taken away, its temporary instance too; files that came back stay in their folder. Mend what kept",
		"it so, and ask for it again: as RestoreRequest, with the same time (docs/operations.md, \"A tenant goes back in time\").",
		"",
		"Its history:")
	return a.tell(ctx, note{
		what: "RestoreFailed", tenant: r.Tenant, reason: r.Why, next: historyOf(r.Tenant),
		subject: fmt.Sprintf("the restoration of tenant %s failed", r.Tenant), lines: append(lines, entries(r.History)...),
	})
}

func (a *Announcer) moveFailed(ctx context.Context, r pool.Restoration) error {
	lines := append([]string{
		fmt.Sprintf("Tenant %s was to move from %s, and that came to nothing. It has what it had before, and can log in.", r.Tenant, r.Database.Host),
		"",
		"Reason:  " + r.Why,
	}, restorationState(r)...)
	lines = append(lines, "", "What was made for it is taken away. Mend what kept it so, and ask for it again: headroom tenant move "+string(r.Tenant)+".", "", "Its history:")
	return a.tell(ctx, note{
		what: "MoveFailed", tenant: r.Tenant, reason: r.Why, next: historyOf(r.Tenant),
		subject: fmt.Sprintf("the move of tenant %s failed", r.Tenant), lines: append(lines, entries(r.History)...),
	})
}

// RestoreWaits tells a person, once, of what a restoration waits for. There is no event of it.
func (a *Announcer) RestoreWaits(ctx context.Context, r pool.Restoration, why string) error {
	lines := append([]string{
		fmt.Sprintf("%s %s waits: %s.", what(r), r.ID(), why),
		"",
	}, restorationState(r)...)
	return a.tell(ctx, note{
		what: "RestoreWaits", tenant: r.Tenant, reason: why, next: explainTenant(r.Tenant),
		subject: fmt.Sprintf("the %s of tenant %s waits", strings.ToLower(what(r)), r.Tenant),
		lines:   append(lines, "", "It goes on by itself once that is over. A RestoreUndo calls it off."),
	})
}

// InstanceLeft tells a person of a temporary instance that nothing needs. There is no event of it.
func (a *Announcer) InstanceLeft(ctx context.Context, i pool.RestoredInstance, why string) error {
	return a.tell(ctx, note{
		what: "InstanceLeft", reason: why, subject: "a temporary instance was left: " + i.Name,
		lines: []string{
			fmt.Sprintf("RDS instance %s was made for a restoration, and nothing needs it: %s.", i.Name, why),
			"",
			"Made:    " + i.Made.UTC().Format(time.RFC3339),
			"Status:  " + i.Status,
			"Mark:    " + i.Mark,
			"",
			"It holds what all tenants of its host had at some time. Headroom deletes it now, with its backups and without a snapshot.",
			"If this is told again of the same one, look what keeps it.",
		},
	})
}

func restorationState(r pool.Restoration) []string {
	lines := []string{
		"Wanted:  by " + r.RequestedBy + ": " + r.Reason,
		"Step:    " + string(r.Step),
	}
	if r.Move {
		lines = append(lines, "From:    "+string(r.Database.Host), "To:      "+string(r.Target.Host))
	} else {
		lines = append(lines, "To:      "+r.To.UTC().Format(time.RFC3339))
	}
	if r.Ordered {
		lines = append(lines, "Instance: "+r.Instance)
	}
	return lines
}

// what is what a restoration is called.
func what(r pool.Restoration) string {
	if r.Move {
		return "Move"
	}
	return "Restoration"
}
