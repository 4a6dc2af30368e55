package shelf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

const tier pool.Tier = "standard"

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// fixed are policies that do not change.
type fixed pool.Policies

func (f fixed) Load(context.Context) (pool.Policies, error) { return pool.Policies(f), nil }

// world is a ledger with hosts, and what is known of it from outside.
type world struct {
	killtest.Schedule
	ledger   *memory.Ledger
	policies fixed
	now      time.Time
	hosts    []pool.HostID
	tenants  []pool.TenantID
	// vault is what the secrets are for, by tenant: the first claim that gets this far is the
	// tenant's for good.
	vault map[pool.TenantID]pool.Hold
}

func newWorld(o memory.Options, placement pool.Placement, limit int) *world {
	w := &world{ledger: memory.New(o), now: start, vault: map[pool.TenantID]pool.Hold{}}
	for _, k := range pool.Kinds {
		w.policies = append(w.policies, pool.Policy{Kind: k, Tier: tier, SlotsPerHost: 60, Ceiling: 20, MaxOrders: 1, Placement: placement, TenantsPerHost: limit})
	}
	return w
}

func (w *world) clock() time.Time { return w.now }

// reconciler is one whose ledger calls are made by call.
func (w *world) reconciler(call killtest.Call) *Reconciler {
	k, err := New(Config{Ledger: killtest.Ledger{Next: w.ledger, Call: call}, Policies: w.policies, Now: w.clock})
	if err != nil {
		panic(err)
	}
	return k
}

// at once makes a call without waiting.
func atOnce(_ string, do func() error) error { return do() }

// reconcile does so undisturbed.
func (w *world) reconcile() error { return w.reconciler(atOnce).Reconcile(context.Background(), tier) }

// add puts a host with free slots into service.
func (w *world) add(kind pool.Kind, slots int) error {
	ctx, key := context.Background(), pool.Key{Kind: kind, Tier: tier}
	seen, err := w.ledger.Pool(ctx, key)
	if err != nil {
		return err
	}
	h := ledgertest.Host(key, seen.Seq+1, slots)
	ordered := h.Clone()
	ordered.State, ordered.Slots = pool.HostOrdered, nil
	if err := w.ledger.Order(ctx, seen, ordered); err != nil {
		return err
	}
	before, err := w.ledger.Host(ctx, h.ID)
	if err != nil {
		return err
	}
	w.hosts = append(w.hosts, h.ID)
	return w.ledger.SaveHost(ctx, before, h, pool.Neutral, w.now)
}

// turn takes a host out of service, or back into it.
func (w *world) turn(id pool.HostID) error {
	ctx := context.Background()
	before, err := w.ledger.Host(ctx, id)
	if err != nil {
		return err
	}
	to := pool.HostCordoned
	if before.State == pool.HostCordoned {
		to = pool.HostInService
	}
	after, err := pool.MoveHost(before, to, w.now, "test")
	if err != nil {
		return err
	}
	return w.ledger.SaveHost(ctx, before, after, pool.Neutral, w.now)
}

// signUp does what a signup does to the ledger. It ends early when the shelf is bare.
func (w *world) signUp(id pool.TenantID, call killtest.Call) error {
	ctx, l := context.Background(), killtest.Ledger{Next: w.ledger, Call: call}
	t, _, err := l.Request(ctx, pool.Tenant{ID: id, Tier: tier, State: pool.TenantRequested, RequestedAt: w.now})
	if err != nil || t.State == pool.TenantReady {
		return err
	}
	if t.Named() {
		return w.ready(ctx, l, t, t)
	}
	claim, err := l.Claim(ctx, tier, id, false)
	if errors.Is(err, pool.ErrEmpty) {
		if err := w.reconciler(call).Fill(ctx, tier); !errors.Is(err, pool.ErrConflict) {
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	hold := pool.Hold{Database: claim.Database.Offer, Share: claim.Share.Offer}
	if err := call("secret", func() error {
		if first, stored := w.vault[id]; stored && first != hold {
			return errors.New("the tenant's secret is for another database")
		}
		w.vault[id] = hold
		return nil
	}); err != nil {
		return nil // a stray: the tenant is served by what the secret is for
	}
	named := t.Clone()
	named.Database, named.Share = pool.HoldingOf(claim.Database), pool.HoldingOf(claim.Share)
	if claim.Crowded(w.now) {
		if t, err = l.SaveTenant(ctx, t, named); err != nil {
			if errors.Is(err, pool.ErrConflict) {
				return nil
			}
			return err
		}
		named = t
	}
	return w.ready(ctx, l, t, named)
}

// ready records a tenant as ready with the slots that named has.
func (w *world) ready(ctx context.Context, l killtest.Ledger, before, named pool.Tenant) error {
	ready, err := pool.MoveTenant(named, pool.TenantReady, w.now, "test")
	if err != nil {
		return err
	}
	if _, err := l.SaveTenant(ctx, before, ready); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("ready: %w", err)
	}
	return nil
}
