package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"headroom/internal/pool"
)

// createStack asks CloudFormation for the stack of a host that is ordered. The stack's name and token
// follow from the host's ID, so asking twice makes one stack.
func (h *Handler) createStack(ctx context.Context, host pool.Host) error {
	if host.State != pool.Ordered {
		return nil
	}
	template := h.Templates[host.Kind]
	parameters := maps.Clone(template.Parameters)
	if parameters == nil {
		parameters = map[string]string{}
	}
	parameters["HostId"], parameters["Tier"] = string(host.ID), string(host.Tier)
	if host.Kind == pool.Share {
		parameters["Slots"] = strconv.Itoa(host.Size)
	}
	id, err := h.Stacks.Create(ctx, pool.StackOrder{
		Name: host.Stack.Name, TemplateURL: template.URL, Token: host.Stack.Token, RoleARN: h.StackRole, Parameters: parameters,
		Tags: map[string]string{"headroom:stage": h.Stage, "headroom:host": string(host.ID), "headroom:tier": string(host.Tier)},
	})
	if err != nil {
		return fmt.Errorf("order the stack of %s: %w", host.ID, err)
	}
	// Said before it is saved: killed in between, it is said twice rather than never.
	if err := h.Announce.HostOrdered(ctx, host); err != nil {
		return err
	}
	now := h.Now()
	after, err := pool.Move(host, pool.Building, now, "CloudFormation accepted the stack")
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
