package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"headroom/internal/ledger"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

// createStack asks CloudFormation for the stack of a host that is ordered. The stack's name and token
// follow from the host's ID and mark, so asking twice makes one stack. A stack of the name that lacks the
// mark is foreign, of whatever was there before the table: the host's number is passed over.
func (h *Handler) createStack(ctx context.Context, host pool.Host) error {
	if host.State != pool.HostOrdered {
		return nil
	}
	stops, err := h.Ledger.Stops(ctx)
	if err != nil {
		return fmt.Errorf("read the stop switch, before the stack of %s is ordered: %w", host.ID, err)
	}
	if stops.On(pool.StopOrder) {
		return h.postpone(ctx, host, stops)
	}
	id, err := h.orderStack(ctx, host)
	if errors.Is(err, pool.ErrForeign) {
		return h.passOver(ctx, host, err)
	}
	if err != nil {
		noted := host.Clone()
		noted.Progress = host.Failed(err)
		return fmt.Errorf("order the stack of %s: %w", host.ID, lifecycle.Note(ctx, host.Progress, err, func(ctx context.Context) error {
			return h.Ledger.SaveHost(ctx, host, noted, pool.Neutral, h.Now())
		}))
	}
	// Said before it is saved: killed in between, it is said twice rather than never.
	if err := h.Announce.HostOrdered(ctx, host); err != nil {
		return err
	}
	now := h.Now()
	after, err := pool.MoveHost(host, pool.HostBuilding, now, "CloudFormation accepted the stack")
	if err != nil {
		return fmt.Errorf("record the stack of %s: %w", host.ID, err)
	}
	after.Stack.ID = id
	after = pool.Begin(after, pool.StepBuild, now)
	// Commit point: the stack is known. A conflict means that its completion was heard of first.
	if err := h.Ledger.SaveHost(ctx, host, after, pool.Neutral, now); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("record the stack of %s: %w", host.ID, err)
	}
	return nil
}

// postpone leaves an order for later, while orders are stopped: that is no failed try of it.
func (h *Handler) postpone(ctx context.Context, host pool.Host, stops pool.Stops) error {
	h.Log.WarnContext(ctx, "order postponed", "host", host.ID, "reason", pool.StopOf(stops).Why)
	now := h.Now()
	after := pool.Begin(host, pool.StepOrder, now)
	after.DecidedAt = now // that people stopped orders is no lead time
	if err := h.Ledger.SaveHost(ctx, host, after, pool.Neutral, now); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("postpone the order of %s: %w", host.ID, err)
	}
	return nil
}

func (h *Handler) orderStack(ctx context.Context, host pool.Host) (stackID string, err error) {
	template := h.Templates[host.Kind]
	parameters := maps.Clone(template.Parameters)
	if parameters == nil {
		parameters = map[string]string{}
	}
	own, err := h.parameters(host)
	if err != nil {
		return "", err
	}
	maps.Copy(parameters, own)
	return h.Stacks.Create(ctx, pool.StackOrder{
		Name: host.Stack.Name, TemplateURL: template.URL, Token: host.Stack.Token, RoleARN: h.StackRole, Parameters: parameters,
		Tags: map[string]string{"headroom:stage": h.Stage, "headroom:host": string(host.ID), "headroom:tier": string(host.Tier), "headroom:order": host.Mark},
	})
}

// giveUpOrder gives up an order whose stack was asked for too often, if there is no such stack: then there is no
// host, and it counts as none. Of one that has its stack only the announcement is missing, and it is gone on with;
// and while CloudFormation does not say, nothing is given up.
func (h *Handler) giveUpOrder(ctx context.Context, host pool.Host) error {
	if _, err := h.Stacks.Describe(ctx, host.Stack.Name); !errors.Is(err, pool.ErrNotFound) {
		if err != nil {
			return fmt.Errorf("look whether there is a stack of %s: %w", host.ID, err)
		}
		return h.createStack(ctx, host)
	}
	now := h.Now()
	// Commit point: the order is no host any more.
	before, after, err := ledger.UpdateHost(ctx, h.Ledger, host.ID, now, func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if !host.OrderStuck() {
			return host, pool.Neutral, ledger.ErrUnchanged // its stack was heard of
		}
		given, err := pool.GiveUpOrder(host, now)
		return given, pool.Failed, err
	})
	switch {
	case err != nil:
		return fmt.Errorf("record that the order of %s is given up: %w", host.ID, err)
	case after.Version == before.Version:
		return nil
	}
	h.Log.WarnContext(ctx, "order given up", "host", host.ID, "reason", after.Why)
	return h.Announce.Host(ctx, after)
}

// passOver gives up the order of a host whose name a foreign stack has: nothing of that is touched, and the
// pool's next order has the next number.
func (h *Handler) passOver(ctx context.Context, host pool.Host, why error) error {
	now := h.Now()
	// Commit point: the number is passed over, and people are told of it once it is so.
	before, after, err := ledger.UpdateHost(ctx, h.Ledger, host.ID, now, func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if host.State != pool.HostOrdered {
			return host, pool.Neutral, ledger.ErrUnchanged // another check was here first
		}
		over, err := pool.MoveHost(host, pool.HostDeleted, now, "passed over: "+why.Error())
		return pool.Begin(over, pool.StepAnnounce, now), pool.PassedOver, err
	})
	switch {
	case err != nil:
		return fmt.Errorf("record that %s is passed over: %w", host.ID, err)
	case after.Version == before.Version:
		return nil
	}
	h.Log.WarnContext(ctx, "host passed over", "host", host.ID, "reason", why.Error())
	return h.Announce.Host(ctx, after)
}
