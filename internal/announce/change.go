package announce

import (
	"context"
	"fmt"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// AccessChanged announces what became of a tenant's addresses, as its record says that it is to be announced.
func (a *Announcer) AccessChanged(ctx context.Context, t pool.Tenant) error {
	err := a.Events.Publish(ctx, events.AccessChanged{
		Version: events.Version, TenantID: string(t.ID), Tier: string(t.Tier),
		Added: sorted(t.Change.Admitted), Removed: sorted(t.Change.Evicted),
		Since: events.At(t.Change.Since), Addresses: sorted(t.Addresses),
	})
	if err != nil {
		return fmt.Errorf("publish that the access of tenant %s has changed: %w", t.ID, err)
	}
	return nil
}

// sorted is a list in order, and never null.
func sorted(list []string) []string {
	out := append([]string{}, list...)
	slices.Sort(out)
	return out
}

// ChangeStuck tells a person of a change of a tenant's addresses that was given up, or that has not ended. There is no
// event of it.
func (a *Announcer) ChangeStuck(ctx context.Context, t pool.Tenant) error {
	became := "is stuck"
	if t.Stuck == pool.StepOverlap {
		became = "has not ended"
	}
	return a.tell(ctx, note{
		what: "ChangeStuck", tenant: t.ID, reason: t.Error, section: "signup-stuck", next: explainTenant(t.ID),
		subject: fmt.Sprintf("a change of the addresses of tenant %s %s", t.ID, became), lines: []string{changeNotice(t)},
	})
}

// changeNotice tells what a change has come to, and what ends it.
func changeNotice(t pool.Tenant) string {
	if t.Stuck == pool.StepOverlap {
		had := max(t.Change.Regular, 1)
		return fmt.Sprintf("The addresses of tenant %s are %v, and it used to have as many as %d: since its change was to be over by %s, "+
			"an address that was to follow has not come, or one that was to be removed is still let in. "+
			"If it is to be so, nothing is to be done, and it is not told again. "+
			"If not, send what is missing to the instance change queue.",
			t.ID, sorted(t.Addresses), had, t.Change.Due.UTC().Format(time.RFC3339))
	}
	why := ""
	if t.Error != "" {
		why = " Its last error: " + t.Error
	}
	return fmt.Sprintf("Step %s of tenant %s was tried %d times and did not finish: its share serves %v; %v are to come, %v are to go. "+
		"Look at the gateway of %s; then send the change again.%s",
		t.Stuck, t.ID, pool.MaxTries+1, sorted(t.Addresses), sorted(t.Change.Coming), sorted(t.Change.Going), t.Share.Host, why)
}
