package decommission

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// proveTerm is how long the role of a database that is looked into may log in for that.
const proveTerm = 5 * time.Minute

// droppedCursor is how far a withdrawal has come whose database is dropped, and whose secrets are not deleted yet.
const droppedCursor = "dropped"

// withdrawDatabase drops the database and its role, and then deletes the tenant's secret, and those that its signup left
// behind when it was given other slots.
func (h *Handler) withdrawDatabase(ctx context.Context, c pool.Clearance) (clearing, error) {
	host, slot, err := h.slotOf(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	former := pool.MarkedSlot{Name: c.Holding.Name, Mark: host.HeldMark(c.Holding)}
	if c.Cursor == droppedCursor {
		return h.withdrawSecrets(ctx, c, former)
	}
	_, moved := c.ID().OfMove() // then its tenant has its secret, and what is kept beside it was swept before
	if !moved {
		if waits, err := h.endRestoration(ctx, c); waits != nil || err != nil {
			c.Due = h.Now().Add(pool.Deadline(c.Step)) // it has deadlines of its own
			return clearing{Record: c, Wait: restoreWait, Because: waits}, err
		}
	}
	// The mark inside the database is looked at by the call itself, in the same session.
	target := pool.Target{What: databaseTarget, Name: pool.DatabaseName(slot.Name), Want: pool.DatabaseName(c.Holding.Name)}
	if err := h.allow(ctx, c, target); err != nil {
		return h.whether(ctx, c, err)
	}
	if err := h.asMaster(ctx, host, func(login pool.Login) error { return h.Databases.Drop(ctx, login, former) }); err != nil {
		return clearing{}, err
	}
	if moved {
		return clearing{Record: c.Proven(pool.StepRemake, h.Now(), fmt.Sprintf(
			"database %s and role %s of %s are dropped", pool.DatabaseName(former.Name), pool.RoleName(former.Name), c.Holding.Host))}, nil
	}
	c = c.Clone()
	// Commit point: it is known to be dropped, so that the guard is asked, and speaks, about the secret only from here on.
	c.Cursor, c.Error = droppedCursor, ""
	return clearing{Record: c}, nil
}

// withdrawSecrets deletes the secrets of a tenant whose database is dropped.
func (h *Handler) withdrawSecrets(ctx context.Context, c pool.Clearance, former pool.MarkedSlot) (clearing, error) {
	d, err := h.Ledger.Departure(ctx, c.Departure)
	if err != nil {
		return clearing{}, err
	}
	target := pool.Target{What: secretTarget, Name: d.Tenant.Secret, Want: d.Tenant.Secret}
	if err := h.allow(ctx, c, target); err != nil {
		return h.whether(ctx, c, err)
	}
	if err := h.Vault.DeleteSecret(ctx, d.Tenant.Secret); err != nil {
		return clearing{}, err
	}
	if err := h.deleteSpent(ctx, d); err != nil {
		return h.whether(ctx, c, err)
	}
	return clearing{Record: c.Proven(pool.StepRemake, h.Now(), fmt.Sprintf(
		"database %s and role %s of %s are dropped, and secret %s is deleted", pool.DatabaseName(former.Name), pool.RoleName(former.Name), c.Holding.Host, d.Tenant.Secret))}, nil
}

// remakeDatabase makes the database of the slot's next generation.
func (h *Handler) remakeDatabase(ctx context.Context, c pool.Clearance) (clearing, error) {
	host, _, err := h.slotOf(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	err = h.asMaster(ctx, host, func(login pool.Login) error {
		return h.Databases.MakeSlot(ctx, login, c.Next, host.NextMark(c.Holding), pool.TenantConnections)
	})
	if err != nil {
		return clearing{}, err
	}
	return clearing{Record: c.Proven(pool.StepProve, h.Now(), fmt.Sprintf("database %s is made, and nobody can log in to it", pool.DatabaseName(c.Next)))}, nil
}

// lookIntoDatabase looks into the new database, and for what may be left of the former one.
func (h *Handler) lookIntoDatabase(ctx context.Context, c pool.Clearance) (clearing, error) {
	if left := h.tooSoon(c); left > 0 {
		return clearing{Record: c, Wait: left}, nil
	}
	host, _, err := h.slotOf(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	next := pool.MarkedSlot{Name: c.Next, Mark: host.NextMark(c.Holding)}
	var found []string
	err = h.asMaster(ctx, host, func(login pool.Login) (err error) {
		found, err = h.Databases.Prove(ctx, login, c.Holding.Name, next, h.Now().Add(proveTerm))
		return err
	})
	if err != nil {
		return clearing{}, err
	}
	return h.looked(ctx, c, found)
}
