package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"headroom/internal/pool"
)

// The stack of a standing host is brought to the template of new ones by a change set, which says beforehand what it
// would do: what would replace or remove anything that holds data is refused, and the host goes on as it is.

// target is what a host's stack is to become. What differs from host to host is as it is, but for what a host has been
// given since it was ordered by an earlier template.
func (h *Handler) target(host pool.Host, r pool.Repair) pool.StackChange {
	template := h.Templates[host.Kind]
	parameters := maps.Clone(template.Parameters)
	if host.Kind == pool.Share {
		if parameters == nil {
			parameters = map[string]string{}
		}
		parameters["GatewayId"] = host.Access.GatewayID()
	}
	return pool.StackChange{Name: host.Stack.ID, RoleARN: h.StackRole, TemplateURL: template.URL, Parameters: parameters}
}

// changeSet names the change set of one look, so that it is made once.
func changeSet(r pool.Repair) string { return fmt.Sprintf("headroom-r%d-%d", r.Number, r.Update) }

// preview has CloudFormation say what the update would do.
func (h *Handler) preview(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	changes, err := h.Stacks.Preview(ctx, h.target(host, r), changeSet(r))
	switch {
	case errors.Is(err, pool.ErrInTransit):
		return mending{Record: r, Wait: changeWait, Because: err}, nil
	case errors.Is(err, pool.ErrConflict): // the stack has changed since
		if err := h.Stacks.Discard(ctx, host.Stack.ID, changeSet(r)); err != nil {
			return mending{}, err
		}
		r = r.Clone()
		r.Update++
		return mending{Record: r, Wait: changeWait, Because: err}, nil
	case err != nil:
		return mending{}, err
	}
	if against := pool.RefuseUpdate(changes); len(against) > 0 {
		if err := h.Stacks.Discard(ctx, host.Stack.ID, changeSet(r)); err != nil {
			return mending{}, err
		}
		r = r.Refuse(against)
		r.Progress = pool.Started(pool.StepProve, h.Now())
		return mending{Record: r}, nil
	}
	if len(changes) == 0 {
		r = r.Came("there is nothing to update")
		r.Progress = pool.Started(pool.StepProve, h.Now())
		return mending{Record: r}, nil
	}
	var words []string
	for _, c := range changes {
		words = append(words, c.Action+" "+c.Resource)
	}
	return mending{Record: r.Proven(r.After(), h.Now(), strings.Join(words, ", "))}, nil
}

// apply carries out the change set that was looked at, and waits until CloudFormation has done so.
func (h *Handler) apply(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	stack, err := h.Stacks.Describe(ctx, host.Stack.ID)
	if err != nil {
		return mending{}, err
	}
	if strings.HasSuffix(stack.Status, "_IN_PROGRESS") {
		return mending{Record: r, Wait: changeWait, Because: fmt.Errorf("its stack is in status %s", stack.Status)}, nil
	}
	err = h.Stacks.Execute(ctx, host.Stack.ID, changeSet(r), fmt.Sprintf("%s-%d", token(r), r.Count))
	switch {
	case err == nil, errors.Is(err, pool.ErrInTransit):
		return mending{Record: r, Wait: changeWait, Because: err}, nil
	case errors.Is(err, pool.ErrConflict): // the stack has changed since: it is previewed anew
		if err := h.Stacks.Discard(ctx, host.Stack.ID, changeSet(r)); err != nil {
			return mending{}, err
		}
		r = r.Clone()
		r.Update++
		r.Progress = pool.Started(pool.StepPreview, h.Now())
		return mending{Record: r}, nil
	case !errors.Is(err, pool.ErrNotFound):
		return mending{}, err
	}
	// There is no such change set any more, or it says so, once it was carried out. Each look asks by a token of its own, for
	// the same one would be answered as before.
	if stack.Status != "UPDATE_COMPLETE" {
		r = r.Came(fmt.Sprintf("its stack is in status %s: %s", stack.Status, stack.Reason))
		r.Progress = pool.Started(pool.StepProve, h.Now())
		return mending{Record: r}, nil
	}
	return mending{Record: r.Proven(r.After(), h.Now(), "its stack is as that of a new host")}, nil
}
