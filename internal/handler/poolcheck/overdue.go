package poolcheck

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// What one check looks at, at most, of what is overdue; the rest is the next one's. Hosts and tenants have
// budgets of their own, so that many stuck signups keep no host from being looked at.
const (
	hostsAtOnce   = 10
	tenantsAtOnce = 25
)

// retryOverdue has tried again what is past its deadline: steps of hosts, which many tenants may wait for,
// and then of tenants. What is looked at gets a new deadline before anything else is done about it, and so
// moves to the back, whatever comes of it.
func (h *Handler) retryOverdue(ctx context.Context) error {
	hosts, err := h.Ledger.OverdueHosts(ctx, h.Now(), hostsAtOnce)
	if err != nil {
		return fmt.Errorf("ask which hosts are overdue: %w", err)
	}
	failures := []error{lookAt(ctx, hosts, h.retryHost)}
	tenants, err := h.Ledger.OverdueTenants(ctx, h.Now(), tenantsAtOnce)
	if err != nil {
		return errors.Join(append(failures, fmt.Errorf("ask which tenants are overdue: %w", err))...)
	}
	if len(hosts) == hostsAtOnce || len(tenants) == tenantsAtOnce {
		h.Log.WarnContext(ctx, "more may be overdue than one check looks at", "hosts", len(hosts), "tenants", len(tenants))
	}
	return errors.Join(append(failures, h.retryRepairs(ctx), h.retryRestorations(ctx), lookAt(ctx, tenants, h.retryTenant), h.retryLeaving(ctx))...)
}

// lookAt looks at each, whatever comes of the others.
func lookAt[ID any](ctx context.Context, ids []ID, look func(context.Context, ID) error) error {
	var failures []error
	for _, id := range ids {
		// The index that named it lags, and what was overdue may just have moved on.
		if err := look(events.WithoutCorrelation(ctx), id); err != nil && !errors.Is(err, pool.ErrConflict) && !errors.Is(err, pool.ErrNotFound) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// retryHost has the step of an overdue host tried again, or gives the host up.
func (h *Handler) retryHost(ctx context.Context, id pool.HostID) error {
	now := h.Now()
	// Commit point: the try is counted before it is made, so that a step which kills its caller does
	// not run for ever. A host is quarantined from here on, and that is said once it is so.
	before, host, err := ledger.UpdateHost(ctx, h.Ledger, id, now, func(host pool.Host) (pool.Host, pool.Outcome, error) {
		after, changed, err := pool.Overdue(host, now)
		if err == nil && !changed {
			err = ledger.ErrUnchanged
		}
		if after.State == pool.HostQuarantined && host.State.Provisioning() {
			return after, pool.Failed, err // the next one would most likely get stuck as well: wait with it
		}
		return after, pool.Neutral, err
	})
	switch {
	case err != nil:
		return fmt.Errorf("record that host %s is overdue: %w", id, err)
	case host.Version == before.Version:
		return nil
	}
	ctx = pool.OnThread(ctx, host.History)
	h.measureOverdue("host", before.Progress, host.Progress)
	switch {
	case host.OrderStuck():
		return h.giveUpOrder(ctx, host)
	case host.Step == pool.StepOrder:
		return h.createStack(ctx, host)
	case host.Step == pool.StepWatch:
		return h.watch(ctx, host)
	case host.Step == pool.StepRecall:
		return h.recall(ctx, host)
	case host.State == pool.HostQuarantined, host.State == pool.HostDeleted:
		return h.Announce.Host(ctx, host)
	}
	if err := h.HostEvents.Send(ctx, events.NewHostStep(string(id), string(host.Step), host.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of %s tried again: %w", host.Step, id, err)
	}
	return nil
}

// retryTenant has the step of an overdue tenant tried again, or reports a tenant that was given up.
func (h *Handler) retryTenant(ctx context.Context, id pool.TenantID) error {
	return retry[pool.Tenant]{
		what: "tenant", id: string(id), measure: h.measureOverdue,
		update: func(change func(pool.Tenant) (pool.Tenant, error)) (before, after pool.Tenant, err error) {
			return ledger.UpdateTenant(ctx, h.Ledger, id, change)
		},
		overdue:  pool.OverdueTenant,
		progress: func(t *pool.Tenant) *pool.Progress { return &t.Progress },
		again:    func(t pool.Tenant) error { return h.tryTenantAgain(pool.OnThread(ctx, t.History), t) },
		tell: func(t pool.Tenant) error {
			ctx := pool.OnThread(ctx, t.History)
			if t.Stuck.OfChange() {
				return h.Announce.ChangeStuck(ctx, t)
			}
			return h.Announce.SignupStuck(ctx, t)
		},
		reported: pool.ReportedTenant,
	}.do(h.Now)
}

// tryTenantAgain has a tenant's step done again by the function whose it is.
func (h *Handler) tryTenantAgain(ctx context.Context, t pool.Tenant) error {
	owner := h.Signups
	if t.Step.OfChange() {
		owner = h.Changes
	}
	if err := owner.Send(ctx, events.NewTenantStep(string(t.ID), string(t.Step), t.Count+1), 0); err != nil {
		return fmt.Errorf("have step %s of tenant %s tried again: %w", t.Step, t.ID, err)
	}
	return nil
}
