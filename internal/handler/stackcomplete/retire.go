package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

const (
	// unprotectWait is between two looks at an instance whose protection is being lifted.
	unprotectWait = 15 * time.Second
	// unshareWait is between two looks at shares that are being deleted.
	unshareWait = 30 * time.Second
)

// instanceDisposal knows the instances of database hosts, and what is left of them.
type instanceDisposal interface {
	Look(ctx context.Context, name string) (pool.InstanceLook, error)
	Unprotect(ctx context.Context, name string) error
	Snapshots(ctx context.Context, name string) ([]pool.Snapshot, error)
	Date(ctx context.Context, s pool.Snapshot, until time.Time) error
	DeleteSnapshot(ctx context.Context, s pool.Snapshot, now time.Time) error
}

// bucketDisposal gives buckets up that hold nothing.
type bucketDisposal interface {
	MarkOf(ctx context.Context, bucketARN string) (string, error)
	Found(ctx context.Context, bucketARN string) (string, error)
	Delete(ctx context.Context, bucketARN string) error
}

// on is a retirement that has come through its step.
func (h *Handler) on(host pool.Host) (progress, error) {
	next, err := pool.RetiredOn(host, h.Now())
	if err != nil {
		return progress{}, fmt.Errorf("retire host %s: %w", host.ID, err)
	}
	return progress{Record: next}, nil
}

// inspect looks whether a recalled host has anything of a tenant's, by the records and in the cloud. What should not be there
// ends the retirement, and people are told of what is in the cloud only: nothing of the host was touched.
func (h *Handler) inspect(ctx context.Context, host pool.Host) (progress, error) {
	stack, err := h.look(ctx, host)
	if err != nil {
		return progress{}, err
	}
	if stack.Status == deleteComplete { // by somebody else
		p, _, err := h.judge(host, stack)
		return p, err
	}
	c := condemned{what: "stack", name: host.Stack.Name, want: stack.Name, mark: stack.Tags[orderTag], wantMark: host.Mark}
	if !slices.Contains(made, stack.Status) {
		c.found = append(c.found, "it is in status "+stack.Status)
	} else if c.found, err = h.strange(ctx, host); err != nil {
		return progress{}, err
	}
	t, err := h.observe(ctx, host, c)
	if err != nil {
		return progress{}, err
	}
	reasons := pool.GuardRetire(t)
	if len(reasons) == 0 {
		return h.on(host)
	}
	// Nothing is destroyed yet. That goes for a stop switch, too: while it is on, tenants may have need of the host.
	why := strings.Join(reasons, "; ")
	// Who was overtaken finds what the next steps did: it decides again.
	if len(c.found) > 0 && t.Host.Version == host.Version {
		if err := h.Announce.NotRetired(ctx, host, why); err != nil {
			return progress{}, err
		}
	}
	off, err := pool.CallOff(host, why, h.Now())
	if err != nil {
		return progress{}, err
	}
	return progress{Record: off}, nil
}

// orderTag bears the mark of an order.
const orderTag = "headroom:order"

// strange names what a host holds that it was not made with.
func (h *Handler) strange(ctx context.Context, host pool.Host) (found []string, err error) {
	if host.Kind == pool.Database {
		return h.strangeDatabases(ctx, host)
	}
	ours, err := h.Gateways.Bears(ctx, host.Access.Gateway, host.Mark)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		found = append(found, fmt.Sprintf("gateway %s is not there", host.Access.GatewayID()))
	case err != nil:
		return nil, err
	case !ours:
		found = append(found, fmt.Sprintf("gateway %s does not bear its mark", host.Access.GatewayID()))
	default:
		ids, err := h.Gateways.SharesOf(ctx, host.Access.Gateway)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if slotOfShare(host, id) == nil {
				found = append(found, fmt.Sprintf("share %s is none of its slots'", id))
			}
		}
	}
	for _, slot := range host.Slots {
		if slot.State == pool.SlotRetired {
			continue
		}
		mark, err := h.Empties.MarkOf(ctx, slot.Bucket)
		if err == nil && mark != host.SlotMark(slot) {
			found = append(found, fmt.Sprintf("bucket %s bears the mark %q, not %q", slot.Bucket, mark, host.SlotMark(slot)))
		}
		held := ""
		if err == nil {
			held, err = h.Empties.Found(ctx, slot.Bucket)
		}
		switch {
		case errors.Is(err, pool.ErrNotFound):
			found = append(found, fmt.Sprintf("bucket %s is not there", slot.Bucket))
		case err != nil:
			return nil, err
		case held != "":
			found = append(found, fmt.Sprintf("bucket %s: %s", slot.Bucket, held))
		}
	}
	return found, nil
}

func (h *Handler) strangeDatabases(ctx context.Context, host pool.Host) (found []string, err error) {
	look, err := h.Instances.Look(ctx, host.Stack.Name)
	if err != nil {
		return nil, err
	}
	if look.Mark != host.Mark {
		found = append(found, fmt.Sprintf("instance %s bears the mark %q", look.Name, look.Mark))
	}
	var slots []pool.MarkedSlot
	var outOfUse []string
	for _, slot := range host.Slots {
		if slot.State == pool.SlotRetired {
			outOfUse = append(outOfUse, slot.Name)
			continue
		}
		slots = append(slots, pool.MarkedSlot{Name: slot.Name, Mark: host.SlotMark(slot)})
	}
	var held []string
	err = h.asMaster(ctx, host, func(login pool.Login) (err error) {
		held, err = h.Databases.Strange(ctx, login, slots, outOfUse)
		return err
	})
	return append(found, held...), err
}

// slotOfShare is the slot that a share is of; nil: none.
func slotOfShare(host pool.Host, id string) *pool.Slot {
	if i := slices.IndexFunc(host.Slots, func(s pool.Slot) bool { return s.Share == id && id != "" }); i >= 0 {
		return &host.Slots[i]
	}
	return nil
}

// unprotect lifts an instance's protection from deletion, and looks until that is seen.
func (h *Handler) unprotect(ctx context.Context, host pool.Host) (progress, error) {
	look, err := h.Instances.Look(ctx, host.Stack.Name)
	if errors.Is(err, pool.ErrNotFound) || err == nil && !look.Protected {
		return h.on(host)
	}
	if err != nil {
		return progress{}, err
	}
	// The template keeps the automated backups of an instance that it protects (infra/databasehost.go). RDS lets each
	// expire when it would have anyway.
	host.Retire = host.Retire.Leave(pool.Remnant{
		What: pool.RemnantBackups, Name: look.Name, Until: h.Now().Add(time.Duration(look.Retention) * 24 * time.Hour),
	})
	if err := h.allow(ctx, host, condemned{
		what: "protection of instance", name: look.Name, want: strings.ToLower(host.Stack.Name), mark: look.Mark, wantMark: host.Mark,
	}); err != nil {
		return progress{}, err
	}
	if err := h.Instances.Unprotect(ctx, look.Name); err != nil && !errors.Is(err, pool.ErrInTransit) {
		return progress{}, err
	}
	return progress{Record: host, Wait: unprotectWait}, nil
}

// unshare deletes a gateway's shares, not by force, and looks until they are gone: all that they acknowledged is in their
// buckets then.
func (h *Handler) unshare(ctx context.Context, host pool.Host) (progress, error) {
	ids, err := h.Gateways.SharesOf(ctx, host.Access.Gateway)
	if err != nil {
		return progress{}, err
	}
	if len(ids) == 0 {
		return h.on(host)
	}
	for _, id := range ids {
		ref := pool.ShareRef{Gateway: host.Access.Gateway, ID: id}
		status, err := h.Gateways.ShareStatus(ctx, ref)
		if errors.Is(err, pool.ErrNotFound) || status == pool.ShareDeleting {
			continue
		}
		if err != nil {
			return progress{}, err
		}
		want := ""
		if slot := slotOfShare(host, id); slot != nil {
			want = slot.Share
		}
		if err := h.allow(ctx, host, condemned{what: "share", name: id, want: want}); err != nil {
			return progress{}, err
		}
		if err := h.Gateways.DeleteShare(ctx, ref); err != nil {
			return progress{}, err
		}
	}
	return progress{Record: host, Wait: unshareWait}, nil
}

// deregister takes a gateway out of the account that has no shares: with any, they would go by force.
func (h *Handler) deregister(ctx context.Context, host pool.Host) (progress, error) {
	gateway := host.Access.Gateway
	ours, err := h.Gateways.Bears(ctx, gateway, host.Mark)
	if errors.Is(err, pool.ErrNotFound) {
		return h.on(host)
	}
	if err != nil {
		return progress{}, err
	}
	ids, err := h.Gateways.SharesOf(ctx, gateway)
	if err != nil {
		return progress{}, err
	}
	c := condemned{what: "gateway", name: gateway, want: gateway, wantMark: host.Mark}
	if ours {
		c.mark = host.Mark
	}
	if len(ids) > 0 {
		c.found = []string{fmt.Sprintf("it has %d shares", len(ids))}
	}
	if err := h.allow(ctx, host, c); err != nil {
		return progress{}, err
	}
	if err := h.Gateways.DeleteGateway(ctx, gateway); err != nil {
		return progress{}, err
	}
	return h.on(host)
}

// dismantle has the stack of a retired host deleted. Its event, or the step's deadline, goes on.
func (h *Handler) dismantle(ctx context.Context, host pool.Host) (progress, error) {
	stack, err := h.look(ctx, host)
	if err != nil {
		return progress{}, err
	}
	switch stack.Status {
	case deleteComplete:
		return h.on(host)
	case deleteInProgress:
		return progress{Leave: true}, nil
	}
	if err := h.allow(ctx, host, condemned{what: "stack", name: stack.Name, want: host.Stack.Name, mark: stack.Tags[orderTag], wantMark: host.Mark}); err != nil {
		return progress{}, err
	}
	// A new token for each try: one that was used already would be answered, and nothing done.
	token := fmt.Sprintf("%s-retire-%d", host.Stack.Token, host.Tries)
	if err := h.Stacks.Delete(ctx, stackOf(host), token); err != nil {
		return progress{}, err
	}
	return progress{Leave: true}, nil
}
