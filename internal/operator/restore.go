package operator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// backups say to which times an instance can go back now: pool.ErrNotFound where it has no backups, pool.ErrRestoreRange
// where it has none yet.
type backups interface {
	Restorable(ctx context.Context, instance string) (pool.Restorable, error)
}

// Restore asks that a tenant's database, its share, or both go back to a time; an empty grace is the policy's.
func (o *Operator) Restore(ctx context.Context, tenant string, database, share bool, to time.Time, reason, grace string) (Request, error) {
	body := events.RestoreRequest{
		Version: events.Version, Type: events.TypeRestoreRequest, TenantID: tenant, Database: database, Share: share, To: events.At(to),
		Reason: reason, RequestedBy: o.Caller.ARN, Grace: grace,
	}
	if err := valid(body, func(text []byte) error { _, err := events.ParseRestoreRequest(text); return err }); err != nil {
		return Request{}, err
	}
	t, last, err := o.served(ctx, tenant)
	if err != nil {
		return Request{}, err
	}
	if last.Number > 0 && !last.State.Ended() {
		return Request{}, refused("headroom tenant explain "+tenant+" says how it goes.", "tenant %s is in %s already, to %s: it must end first, or be undone", tenant, last.ID(), last.WhereTo())
	}
	if err := o.graceWithin(ctx, grace); err != nil {
		return Request{}, err
	}
	asked := pool.Restoration{To: to}
	if database {
		asked.Database = t.Database
	}
	if share {
		asked.Share = t.Share
	}
	if err := o.reaches(ctx, t, asked); err != nil {
		return Request{}, err
	}
	came := func(r pool.Restoration) (string, bool, error) {
		switch {
		case r.Number <= last.Number:
			return "not heard of yet", false, nil
		case r.State == pool.RestorationWithdrawn:
			came := "it came to nothing, and the tenant has what it had: " + r.Why
			return came, true, nothing("headroom tenant explain "+tenant+" says how it went.", "%s", came)
		case r.State == pool.RestorationRestored:
			return fmt.Sprintf("%s has brought back what there was at %s", r.ID(), at(r.To)), true, nil
		}
		return fmt.Sprintf("%s is %s, at step %s", r.ID(), r.State, r.Step), r.State.Ended(), nil
	}
	return o.restoreRequest(t, body, "have tenant "+tenant+" go back to "+at(to), came, "headroom restore "+tenant+" --undo --reason …"), nil
}

// reaches refuses a time that a tenant can't go back to, as the function would now.
func (o *Operator) reaches(ctx context.Context, t pool.Tenant, asked pool.Restoration) error {
	var backed pool.Restorable
	if asked.OfDatabase() {
		host, err := o.Ledger.Host(ctx, asked.Database.Host)
		if err != nil {
			return err
		}
		backed, err = o.Backups.Restorable(ctx, host.Stack.Name)
		switch {
		case errors.Is(err, pool.ErrNotFound), errors.Is(err, pool.ErrRestoreRange):
			return refused("headroom host show "+string(host.ID)+" shows the host.", "to %s", pool.NoBackups)
		case err != nil:
			return err
		}
	}
	days, err := strconv.Atoi(o.Outputs["RestoreDays"])
	if err != nil {
		days = 35 // a stack that does not say: no more than RDS keeps, and the function knows
	}
	if why := asked.Range(t, backed, time.Duration(days)*24*time.Hour, o.Now()).Refused(asked.To); why != "" {
		return refused("It is a time since tenant "+string(t.ID)+" was ready: headroom tenant show "+string(t.ID)+".", "to %s", why)
	}
	return nil
}

// UndoRestore asks that what a restoration of a tenant did, or is about to do, is not so.
func (o *Operator) UndoRestore(ctx context.Context, tenant, reason string) (Request, error) {
	body := events.RestoreUndo{Version: events.Version, Type: events.TypeRestoreUndo, TenantID: tenant, Reason: reason, RequestedBy: o.Caller.ARN}
	if err := valid(body, func(text []byte) error { _, err := events.ParseRestoreUndo(text); return err }); err != nil {
		return Request{}, err
	}
	t, last, err := o.served(ctx, tenant)
	if err != nil {
		return Request{}, err
	}
	if err := o.undoable(ctx, last); err != nil {
		return Request{}, err
	}
	came := func(r pool.Restoration) (string, bool, error) {
		switch {
		case r.UndoneBy == "" && r.State != pool.RestorationWithdrawn:
			return "not heard of yet", false, nil
		case r.State.Ended():
			return fmt.Sprintf("%s is %s: the tenant has what it had before", r.ID(), r.State), true, nil
		}
		return fmt.Sprintf("%s is %s, at step %s", r.ID(), r.State, r.Step), false, nil
	}
	return o.restoreRequest(t, body, "undo the restoration of tenant "+tenant, came), nil
}

// undoable refuses the undo of a restoration that can't be undone.
func (o *Operator) undoable(ctx context.Context, r pool.Restoration) error {
	if r.State == pool.RestorationWithdrawing || r.State == pool.RestorationUndoing {
		return nil // it is being undone
	}
	var mark string
	if r.OfDatabase() {
		host, err := o.Ledger.Host(ctx, r.Database.Host)
		if err != nil {
			return err
		}
		mark = host.HeldMark(r.Database)
	}
	if why := r.Undoable(mark); why != "" {
		return refused("headroom tenant explain "+string(r.Tenant)+" says what became of it.", "tenant %s %s", r.Tenant, why)
	}
	return nil
}

// served is a tenant that has its storage, and its last restoration, which is zero where there was none; of another tenant
// it says how it is.
func (o *Operator) served(ctx context.Context, tenant string) (pool.Tenant, pool.Restoration, error) {
	t, err := o.readTenant(ctx, tenant)
	if err != nil {
		return t, pool.Restoration{}, err
	}
	if t.State != pool.TenantReady {
		return t, pool.Restoration{}, refused("headroom tenant explain "+tenant+" says how it is.", "tenant %s has no storage to go back: it is %s", tenant, t.State)
	}
	last, _, err := o.restoration(ctx, t.ID)
	last.Tenant = t.ID
	return t, last, err
}

// restoreRequest is a request about a restoration of a tenant. came says what has become of it, by the tenant's present
// restoration, and whether that is the end.
func (o *Operator) restoreRequest(t pool.Tenant, body any, says string, came func(pool.Restoration) (string, bool, error), next ...string) Request {
	return Request{
		Output: "RestoreQueueUrl", Body: body, Says: says, Next: append([]string{"headroom tenant show " + string(t.ID)}, next...),
		Done: func(ctx context.Context) (string, bool, error) {
			now, _, err := o.restoration(ctx, t.ID)
			if err != nil {
				return "", false, err
			}
			return came(now)
		},
	}
}
