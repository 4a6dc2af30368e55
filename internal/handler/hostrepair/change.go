package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool"
)

// changeWait is the time between two looks at a stack that is being updated.
const changeWait = 15 * time.Second

// change updates the host's stack to have parameters, and waits until CloudFormation has done so, cleaned up included: what
// a condition takes away is deleted last. An update that was rolled back is asked for again. done says what it came to.
func (h *Handler) change(ctx context.Context, host pool.Host, r pool.Repair, parameters map[string]string, done func(pool.StackStatus) (string, error)) (mending, error) {
	stack, err := h.Stacks.Describe(ctx, host.Stack.ID)
	if err != nil {
		return mending{}, err
	}
	has := true
	for name, value := range parameters {
		has = has && stack.Parameters[name] == value
	}
	switch {
	case strings.HasSuffix(stack.Status, "_IN_PROGRESS"):
		return mending{Record: r, Wait: changeWait, Because: fmt.Errorf("its stack is in status %s", stack.Status)}, nil
	case strings.HasSuffix(stack.Status, "_FAILED"), strings.HasPrefix(stack.Status, "DELETE"):
		return mending{Record: r, Wait: changeWait, Because: fmt.Errorf("its stack is in status %s, which needs a person: %s", stack.Status, stack.Reason)}, nil
	case has:
		what, err := done(stack)
		if err != nil {
			return mending{}, err
		}
		return mending{Record: r.Proven(r.After(), h.Now(), what)}, nil
	}
	if r.Step == pool.StepResize && r.Update > 0 && strings.HasPrefix(stack.Status, "UPDATE_ROLLBACK") {
		return h.lost(r, "its stack was rolled back: "+stack.Reason) // to try again would stop a machine that is well once more
	}
	// Who was killed before the update was counted asks for the same one again, by its token.
	_, err = h.Stacks.Update(ctx, pool.StackChange{
		Name: host.Stack.ID, Token: token(r), RoleARN: h.StackRole, Parameters: parameters,
	})
	if errors.Is(err, pool.ErrInTransit) {
		return mending{Record: r, Wait: changeWait, Because: err}, nil
	}
	if err != nil {
		return mending{}, err
	}
	r = r.Clone()
	if r.Update++; r.Update > 1 && strings.HasPrefix(stack.Status, "UPDATE_ROLLBACK") {
		return mending{Record: r, Wait: changeWait, Because: fmt.Errorf("its stack was rolled back, and is updated once more: %s", stack.Reason)}, nil
	}
	return mending{Record: r, Wait: changeWait}, nil
}

// token is the client request token of a repair's next update: letters, digits and hyphens, 128 at most.
func token(r pool.Repair) string {
	return fmt.Sprintf("%s-r%d-u%d-%s", r.Host, r.Number, r.Update, r.Step)
}

// movable says why the stack of a host can't have its machine taken away and made anew; empty: it can.
func (h *Handler) movable(ctx context.Context, host pool.Host, by pool.Way) (string, error) {
	stack, err := h.Stacks.Describe(ctx, host.Stack.ID)
	if err != nil {
		return "", err
	}
	needs := []string{"HasMachine", "ImageId"}
	if by == pool.WayGateway {
		needs = append(needs, fenceParameter, sideParameter, gatewayIDOption)
	}
	for _, parameter := range needs {
		if _, declared := stack.Parameters[parameter]; !declared {
			return "its stack is of an earlier template, without parameter " + parameter + ": it has to be updated first", nil
		}
	}
	if strings.HasSuffix(stack.Status, "_FAILED") || strings.HasPrefix(stack.Status, "DELETE") {
		return "its stack can't be updated: it is in status " + stack.Status, nil
	}
	return "", nil
}
