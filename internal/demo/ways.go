package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// kept are the detail-types of what is said of tenants on their ways: out, back, back in time, and from one machine to another; and of
// hosts that are mended, or out of service for a while.
var kept = []string{
	events.TenantClosed{}.DetailType(), events.TenantReopened{}.DetailType(), events.TenantReleased{}.DetailType(),
	events.AccessChanged{}.DetailType(), events.HostRepaired{}.DetailType(), events.TenantRestored{}.DetailType(),
	events.HostCordoned{}.DetailType(), events.HostInService{}.DetailType(),
}

// onItsWay keeps what is said of a tenant.
func (c *Crowd) onItsWay(detailType string, detail json.RawMessage) {
	if slices.Contains(kept, detailType) {
		c.ways[detailType] = append(c.ways[detailType], slices.Clone(detail))
	}
}

// said finds the first event of its type that is so.
func said[E events.Event](c *Crowd, so func(E) bool) (found E, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, detail := range c.ways[found.DetailType()] {
		var e E
		if json.Unmarshal(detail, &e) == nil && so(e) {
			return e, true
		}
	}
	return found, false
}

// awaitSaid waits until an event says of a tenant what is so, and tells the news meanwhile.
func awaitSaid[E events.Event](ctx context.Context, c *Crowd, p *Printer, atMost time.Duration, what string, so func(E) bool) (found E, err error) {
	err = c.Await(ctx, what, atMost, func() (ok bool) { found, ok = said(c, so); return ok }, func() { c.Tell(p) })
	return found, err
}

// Archived reports whether a tenant that leaves is archived, which is proven, and the archive locked.
func (c *Crowd) Archived(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.news, id+": "+departureSteps[[2]pool.Step{pool.StepLock, pool.StepGrace}])
}

// Leave asks that a tenant leaves, as a customer's side would: one message on the decommission queue.
func (c *Crowd) Leave(ctx context.Context, id, reason, grace string) error {
	return c.ask(ctx, id, "DecommissionQueueUrl", events.DecommissionRequested{
		Version: events.Version, Type: events.TypeDecommissionRequested, TenantID: id, Reason: reason, RequestedBy: "billing", Grace: grace,
	})
}

// Undo asks that a tenant stays, likewise.
func (c *Crowd) Undo(ctx context.Context, id, reason string) error {
	return c.ask(ctx, id, "DecommissionQueueUrl", events.UndoRequested{
		Version: events.Version, Type: events.TypeUndoRequested, TenantID: id, Reason: reason, RequestedBy: "support",
	})
}

// GoBack asks that a tenant's database and files go back to a time, as an operator would: one message on the restore queue.
func (c *Crowd) GoBack(ctx context.Context, id string, to time.Time, reason string) error {
	return c.ask(ctx, id, "RestoreQueueUrl", events.RestoreRequest{
		Version: events.Version, Type: events.TypeRestoreRequest, TenantID: id, Database: true, Share: true, To: events.At(to), Reason: reason, RequestedBy: "operations",
	})
}

// Change asks for other addresses of a tenant: one message on the instance change queue.
func (c *Crowd) Change(ctx context.Context, id string, add, remove []string) error {
	return c.ask(ctx, id, "InstanceChangeQueueUrl", events.InstanceChangeRequested{
		Version: events.Version, Type: events.TypeInstanceChangeRequested, TenantID: id, Add: add, Remove: remove,
	})
}

// ask sends a request about a tenant; whoever waits hears if it is rejected.
func (c *Crowd) ask(ctx context.Context, id, queue string, request any) error {
	c.mu.Lock()
	c.asked[id] = true
	c.mu.Unlock()
	if err := c.send(ctx, queue, request); err != nil {
		return fmt.Errorf("ask for something of %s: %w", id, err)
	}
	return nil
}
