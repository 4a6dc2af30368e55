package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool"
)

const (
	// alarmsWait is between two looks at a stack that gets its gateway's alarms.
	alarmsWait = 5 * time.Second
	// gatewayParameter is the template's, of which its alarms on the gateway's metrics come to be: CloudWatch tells
	// gateways apart by their IDs, which there are none of when a stack is made.
	gatewayParameter = "GatewayId"
)

// alarms has CloudFormation make the alarms of the host's gateway, by an update of its stack that changes nothing else:
// so they are there before the first tenant is. It is done early, so that what the gateway's start rings is over by the
// time that the shares are made, or waited for. A stack whose template knows no such alarms goes on without them.
func (h *Handler) alarms(ctx context.Context, host pool.Host) (progress, error) {
	stack, err := h.Stacks.Describe(ctx, host.Stack.ID)
	if err != nil {
		return progress{}, fmt.Errorf("look at the stack of %s: %w", host.ID, err)
	}
	gateway := host.Access.GatewayID()
	next := progress{Record: pool.Begin(host, pool.StepCache, h.Now())}
	is, declared := stack.Parameters[gatewayParameter]
	switch {
	case !declared:
		return next, nil
	case strings.HasSuffix(stack.Status, "_IN_PROGRESS"):
		return progress{Record: host, Wait: alarmsWait}, nil
	case is == gateway && stack.Status == "UPDATE_COMPLETE":
		return next, nil
	}
	// The same look again has the same token, so that it asks for the same update; another look asks anew, as it must
	// after a rollback. Killed after this, the next look finds the update under way.
	_, err = h.Stacks.Update(ctx, pool.StackChange{
		Name: host.Stack.ID, Token: fmt.Sprintf("%s-alarms-%d-%d", host.Stack.Token, host.Tries, host.Count),
		RoleARN: h.StackRole, Parameters: map[string]string{gatewayParameter: gateway},
	})
	switch {
	case errors.Is(err, pool.ErrInTransit):
		return progress{Record: host, Wait: alarmsWait, Because: err}, nil
	case err != nil:
		return progress{}, fmt.Errorf("have the alarms of %s made: %w", host.ID, err)
	case strings.Contains(stack.Status, "ROLLBACK"):
		return progress{Record: host, Wait: alarmsWait, Because: fmt.Errorf("the update that makes its alarms was rolled back: %s", stack.Reason)}, nil
	}
	return progress{Record: host, Wait: alarmsWait}, nil
}
