package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/announce"
	"headroom/internal/pool"
)

// claimRounds bounds how often a claim is tried while the shelf is bare: what was set out for it may
// be taken by others before it comes.
const claimRounds = 4

// open takes slots for a tenant, or what it holds already, opens them, and records it as ready.
func (h *Handler) open(ctx context.Context, t pool.Tenant) error {
	claim, err := h.claim(ctx, t, false)
	switch {
	case errors.Is(err, pool.ErrEmpty), errors.Is(err, pool.ErrQueued):
		return h.wait(ctx, t, err)
	case err != nil:
		return fmt.Errorf("claim slots for tenant %s: %w", t.ID, err)
	}
	// A claim again may come after a kill between the claim and this.
	if claim.Again || claim.NeedsTending() {
		if err := h.ask(ctx, "the shelf of tier "+string(t.Tier)+" runs low"); err != nil {
			return err
		}
	}

	// Everything between the claim and the record of the tenant may be done any number of times: the
	// claim returns the same slots, the vault the same password, and each call sets what it sets.
	t.Share, t.Database = pool.HoldingOf(claim.Share), pool.HoldingOf(claim.Database)
	credentials, arn, err := h.credentials(ctx, t)
	if errors.Is(err, pool.ErrOtherDatabase) {
		// This signup stalled while another one served the tenant, and what it claimed is too much.
		// Nothing of that is open yet, and the next pool check puts it back.
		return h.announceServed(ctx, t.ID)
	}
	if err != nil {
		return fmt.Errorf("store the credentials of tenant %s: %w", t.ID, err)
	}
	t.Secret = arn
	if err := h.Firewall.Admit(ctx, claim.Share.Access.SecurityGroup, t.Instance, "tenant "+string(t.ID)); err != nil {
		return fmt.Errorf("let the instance of tenant %s in to its gateway: %w", t.ID, err)
	}
	share := claim.Share.ShareRef()
	if err := h.Shares.SetClients(ctx, share, clients(t.Instance)); err != nil {
		return fmt.Errorf("open the share of tenant %s: %w", t.ID, err)
	}
	// Its tags say Available until now; from here on the operator sees at the gateway whose it is.
	if err := h.Shares.Tag(ctx, share, map[string]string{"headroom:state": "Assigned", "headroom:tenant": string(t.ID)}); err != nil {
		return fmt.Errorf("tag the share of tenant %s: %w", t.ID, err)
	}
	if err := h.openDatabase(ctx, claim.Database, credentials.Password); err != nil {
		return fmt.Errorf("open the database of tenant %s: %w", t.ID, err)
	}

	t.State, t.ReadyAt, t.Due, t.Tries = pool.Ready, h.Now().UTC(), time.Time{}, 0
	t.History = pool.Append(t.History, pool.Entry{At: t.ReadyAt, What: string(pool.Ready), Why: fmt.Sprintf(
		"next in the order of placement: database %s/%d, share %s/%d", t.Database.Host, t.Database.Index, t.Share.Host, t.Share.Index)})
	// Commit point: the tenant has its storage. Killed after this, the next delivery of the message
	// finds it ready and announces it.
	err = h.Ledger.Ready(ctx, t)
	if errors.Is(err, pool.ErrConflict) {
		return h.announceServed(ctx, t.ID)
	}
	if err != nil {
		return fmt.Errorf("record tenant %s as ready: %w", t.ID, err)
	}
	return h.finish(ctx, announce.StorageReady(t), share, t.Instance, 1)
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
		return fmt.Errorf("read tenant %s, whom somebody else serves: %w", id, err)
	}
	if t.State != pool.Ready {
		return fmt.Errorf("tenant %s is %s, and somebody else serves it: %w", id, t.State, pool.ErrConflict)
	}
	return h.repeat(ctx, t)
}

// claim claims from the shelf; when that is bare it is filled from the reserve first. waiting means that
// the tenant is on the waiting list, and its turn has come.
func (h *Handler) claim(ctx context.Context, t pool.Tenant, waiting bool) (pool.Claim, error) {
	claim, err := h.Ledger.Claim(ctx, t.Tier, t.ID, h.Now(), waiting)
	for range claimRounds - 1 {
		if !errors.Is(err, pool.ErrEmpty) {
			return claim, err
		}
		// A conflict means that others fill it at the same time.
		tended := h.Shelf.Tend(ctx, t.Tier)
		claim, err = h.Ledger.Claim(ctx, t.Tier, t.ID, h.Now(), waiting)
		if errors.Is(err, pool.ErrEmpty) && tended != nil && !errors.Is(tended, pool.ErrConflict) {
			return claim, fmt.Errorf("fill the shelf of tier %s: %w", t.Tier, tended)
		}
	}
	return claim, err
}

// credentials stores a tenant's credentials, and returns them with the ARN of the secret.
//
// Commit point: the secret says once and for all which database is the tenant's, before anything is
// opened; and a password that works is never lost, because the vault knows it before the database.
func (h *Handler) credentials(ctx context.Context, t pool.Tenant) (events.Credentials, string, error) {
	return h.Vault.Tenant(ctx, string(t.ID), func(password string) events.Credentials {
		return events.Credentials{
			Engine: "postgres", Host: t.Database.Address, Port: t.Database.Port,
			DBName: pool.DatabaseName(t.Database.Name), Username: pool.RoleName(t.Database.Name), Password: password,
		}
	})
}

// openDatabase lets the role of a tenant's slot log in.
func (h *Handler) openDatabase(ctx context.Context, side pool.Side, password string) error {
	username, master, err := h.Vault.Master(ctx, side.Access.MasterSecret)
	if err != nil {
		return fmt.Errorf("read the master secret of %s: %w", side.Host, err)
	}
	login := pool.Login{Host: side.Access.Address, Port: side.Access.Port, Username: username, Password: master}
	if err := h.Databases.Open(ctx, login, side.Offer.Name, password); err != nil {
		return fmt.Errorf("let the role of %s/%d log in: %w", side.Host, side.Offer.Index, err)
	}
	return nil
}
