package announce

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// InstanceNews tells a person of what RDS says of a database host, if that is to be told and was not lately. There is no event
// of it: RDS's own is on the default bus.
func (a *Announcer) InstanceNews(ctx context.Context, h pool.Host, n pool.InstanceNews) error {
	what := n.Telling(h, a.Now())
	if what == "" {
		return nil
	}
	return a.tell(ctx, note{
		what: "InstanceNews", host: h.ID, reason: n.Message, next: explainHost(h.ID), subject: fmt.Sprintf("host %s %s", h.ID, what),
		lines: []string{
			fmt.Sprintf("RDS says of host %s (%s): %s", h.ID, n.Event, n.Message),
			"",
			"At:      " + n.At.UTC().Format(time.RFC3339),
			"State:   " + string(h.State),
			"Tenants: " + fmt.Sprint(h.Used()),
			"",
			"It stands in the host's history. What it has to do with taking tenants, the pool check sees for itself.",
		},
	})
}
