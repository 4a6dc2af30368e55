package signup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/events"
	"headroom/internal/lifecycle"
	"headroom/internal/pool"
)

const (
	// openWait is the first wait of a signup that failed; it doubles. A service's refusal mostly passes, as of a
	// share that is being changed, and would else cost the customer the queue's visibility timeout.
	openWait = time.Second
	// opensDelayed is how many failures are waited for so. What lasts longer is an error of the message, and ends
	// in the dead-letter queue, where people see it.
	opensDelayed = 5
	// openRounds bounds how often a tenant is opened anew, or recorded, because its record changed meanwhile.
	openRounds = 5
)

// openStep is the step of a tenant whose signup is under way. It records itself what it comes to.
func (h *Handler) openStep(ctx context.Context, t pool.Tenant) (lifecycle.Next[pool.Tenant], error) {
	err := h.open(ctx, t)
	if err != nil {
		exchanged, exchangeErr := h.otherSlots(ctx, t, err)
		if exchanged {
			err = exchangeErr
		} else {
			err = h.openLater(ctx, h.sinceNamed(ctx, t), errors.Join(err, exchangeErr))
		}
	}
	return lifecycle.Next[pool.Tenant]{Leave: err == nil}, err
}

// openLater has a signup that failed tried again by a delayed message. It returns the failure, as an error of
// the message, when that was tried often enough, or the tenant's record is not as t any more: what failed
// after the record moved on, such as an announcement, is made up for by the message's next delivery.
func (h *Handler) openLater(ctx context.Context, t pool.Tenant, failure error) error {
	if t.Count >= opensDelayed || ctx.Err() != nil { // with its time over, nothing can be sent
		return failure
	}
	failed := t.Clone()
	failed.Progress = t.Failed(failure)
	failed.Count++
	failed, err := h.Ledger.SaveTenant(ctx, t, failed)
	if errors.Is(err, pool.ErrConflict) {
		return failure
	}
	if err != nil {
		return errors.Join(failure, fmt.Errorf("put the signup of tenant %s off: %w", t.ID, err))
	}
	wait := openWait << t.Count
	h.Log.WarnContext(ctx, "signup failed, and is tried again", "tenant", t.ID, "wait", wait, "error", failure)
	return h.later(ctx, string(t.ID), lifecycle.After(failed.Progress), wait)
}

// open takes slots for a tenant, or what it holds already, opens them, and records it as ready.
func (h *Handler) open(ctx context.Context, t pool.Tenant) error {
	for range openRounds {
		done, err := h.openOnce(ctx, t)
		if done || !errors.Is(err, pool.ErrConflict) {
			return err
		}
		// It has changed since it was read: what it is to get is decided again.
		if t, err = h.Ledger.Tenant(ctx, t.ID); err != nil {
			return fmt.Errorf("read tenant %s, which has changed: %w", t.ID, err)
		}
		if t.State != pool.TenantRequested {
			return h.resume(ctx, t)
		}
	}
	return fmt.Errorf("open the storage of tenant %s: its record keeps changing: %w", t.ID, pool.ErrConflict)
}

// openOnce is one round of open; done is false, and the error pool.ErrConflict, when the tenant's record is
// not as t any more, or it was given slots after it found none.
func (h *Handler) openOnce(ctx context.Context, t pool.Tenant) (done bool, err error) {
	if len(t.Returning) > 0 || t.Anew {
		if t, err = h.giveBack(ctx, t); err != nil {
			return !errors.Is(err, pool.ErrConflict), err
		}
	}
	claim, err := h.slots(ctx, t)
	switch {
	case errors.Is(err, pool.ErrBusy):
		return true, h.comeLater(ctx, t)
	case errors.Is(err, pool.ErrEmpty), errors.Is(err, pool.ErrQueued):
		err := h.wait(ctx, t, err)
		return !errors.Is(err, pool.ErrConflict), err
	case err != nil:
		return true, fmt.Errorf("claim slots for tenant %s: %w", t.ID, err)
	}
	// A claim again may come after a kill between the claim and this.
	if err := h.askFor(ctx, t.Tier, claim); err != nil {
		return true, err
	}

	// Everything between the claim and the record of the tenant may be done any number of times: the
	// claim returns the same slots, the vault the same password, and each call sets what it sets.
	before := t
	t.Share, t.Database = pool.HoldingOf(claim.Share), pool.HoldingOf(claim.Database)
	credentials, arn, err := h.credentials(ctx, t)
	if errors.Is(err, pool.ErrOtherDatabase) {
		// This signup stalled while another one served the tenant, and what it claimed is too much.
		// Nothing of that is open yet, and the next reconciliation of the shelf puts it back.
		return true, h.announceServed(ctx, t.ID)
	}
	if err != nil {
		return true, fmt.Errorf("store the credentials of tenant %s: %w", t.ID, err)
	}
	t.Secret = arn
	if before, err = h.name(ctx, before, t, claim); err != nil {
		return !errors.Is(err, pool.ErrConflict), err
	}
	share := claim.Share.ShareRef()
	// Its tags say Available until now. They say whose it is before anybody reaches it: so a share that bears no tenant's is
	// nobody's, also when the table is lost or put back.
	if err := h.Tags.Tag(ctx, share, map[string]string{"headroom:state": "Assigned", "headroom:tenant": string(t.ID)}); err != nil {
		return true, at(claim.Share.Host, fmt.Errorf("tag the share of tenant %s: %w", t.ID, err))
	}
	if err := h.Access.Set(ctx, t, share, claim.Share.Access.SecurityGroup); err != nil {
		return true, at(claim.Share.Host, err)
	}
	if err := h.openDatabase(ctx, claim.Database, credentials.Password); err != nil {
		return true, fmt.Errorf("open the database of tenant %s: %w", t.ID, err)
	}

	ready, err := h.recordReady(ctx, before, t)
	if err != nil {
		return !errors.Is(err, pool.ErrConflict), err
	}
	if before.Error != "" {
		if err := h.absolve(ctx, ready); err != nil {
			return true, err
		}
	}
	return true, h.finish(ctx, h.announcement(ready, share), 0)
}

// recordReady records a tenant as ready, with what was opened for it. before is its record as it was read for
// that. pool.ErrConflict when what is desired has changed since: then something else is to be opened.
//
// A doubled message opens the same at the same time, and may note that it failed: that leaves the desire as it
// was, and opening everything anew for it would only disturb the share.
func (h *Handler) recordReady(ctx context.Context, before, opened pool.Tenant) (pool.Tenant, error) {
	for range openRounds {
		t := before.Clone()
		t.Share, t.Database, t.Secret, t.ReadyAt = opened.Share, opened.Database, opened.Secret, h.Now().UTC()
		ready, err := pool.MoveTenant(t, pool.TenantReady, t.ReadyAt, fmt.Sprintf(
			"next in the order of placement: database %s/%d, share %s/%d", t.Database.Host, t.Database.Index, t.Share.Host, t.Share.Index))
		if err != nil {
			return t, err
		}
		// Commit point: the tenant has its storage, and what was opened is what its record desires. Killed after
		// this, the next delivery of the message finds it ready and announces it.
		if ready, err = h.Ledger.SaveTenant(ctx, before, ready); err == nil {
			return ready, nil
		}
		if !errors.Is(err, pool.ErrConflict) {
			return t, fmt.Errorf("record tenant %s as ready: %w", t.ID, err)
		}
		if before, err = h.Ledger.Tenant(ctx, t.ID); err != nil {
			return t, fmt.Errorf("read tenant %s, which has changed: %w", t.ID, err)
		}
		if before.State != pool.TenantRequested || before.Mark != t.Mark || !slices.Equal(before.Clients(), t.Clients()) {
			break
		}
	}
	return before, fmt.Errorf("record tenant %s as ready: %w", before.ID, pool.ErrConflict)
}

// ask asks for a pool check.
func (h *Handler) ask(ctx context.Context, why string) error {
	if err := h.PoolChecks.Send(ctx, events.NewPoolCheck(why), 0); err != nil {
		return fmt.Errorf("ask for a pool check: %w", err)
	}
	return nil
}

// announceServed announces a tenant that another signup of it has served meanwhile.
func (h *Handler) announceServed(ctx context.Context, id pool.TenantID) error {
	t, err := h.Ledger.Tenant(ctx, id)
	if err != nil {
		return fmt.Errorf("read tenant %s, whom another signup serves: %w", id, err)
	}
	if t.State != pool.TenantReady {
		return fmt.Errorf("tenant %s is %s, and another signup serves it: %w", id, t.State, pool.ErrConflict)
	}
	return h.repeat(ctx, t, 0)
}

// credentials stores a tenant's credentials, and returns them with the ARN of the secret.
//
// Commit point: the secret says once and for all which database is the tenant's, before anything is
// opened; and a password that works is never lost, because the vault knows it before the database.
func (h *Handler) credentials(ctx context.Context, t pool.Tenant) (events.Credentials, string, error) {
	return h.Vault.Tenant(ctx, string(t.ID), t.Mark, func(password string) events.Credentials {
		return events.Credentials{
			Engine: "postgres", Host: t.Database.Address, Port: t.Database.Port,
			DBName: pool.DatabaseName(t.Database.Name), Username: pool.RoleName(t.Database.Name), Password: password,
		}
	})
}

// openDatabase lets the role of a tenant's slot log in. A master password that was rotated since it was read is
// read again, once.
func (h *Handler) openDatabase(ctx context.Context, side pool.Side, password string) error {
	err := h.openAsMaster(ctx, side, password)
	if errors.Is(err, pool.ErrLogin) {
		err = h.openAsMaster(ctx, side, password)
	}
	return err
}

func (h *Handler) openAsMaster(ctx context.Context, side pool.Side, password string) error {
	username, master, err := h.Vault.Master(ctx, side.Access.MasterSecret)
	if err != nil {
		return fmt.Errorf("read the master secret of %s: %w", side.Host, err)
	}
	login := pool.Login{Host: side.Access.Address, Port: side.Access.Port, Username: username, Password: master}
	if err := h.Databases.Open(ctx, login, side.Offer.Name, password); err != nil {
		return &hostFailure{side.Host, fmt.Errorf("let the role of %s/%d log in: %w", side.Host, side.Offer.Index, err), true}
	}
	return nil
}
