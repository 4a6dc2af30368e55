package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// Over this many free slots of each kind that many claim at once.
const (
	freeSlots = 400
	claimers  = 50
)

// ClaimsAtOnce has many claim while the shelf is reconciled, and checks that each slot is taken once. It
// is part of Run, and holds for ledgers whose replies get lost, too.
func ClaimsAtOnce(t *testing.T, l ledger.Ledger) {
	var hosts []pool.Host
	for _, k := range pool.Kinds {
		for seq := 1; seq <= freeSlots/20; seq++ {
			hosts = append(hosts, add(t, l, Host(key(k), seq, 20)))
		}
	}
	var mu sync.Mutex
	claims := map[pool.TenantID]pool.Claim{}
	served := make(chan struct{})
	group, ctx := errgroup.WithContext(t.Context()) // when one fails the others end
	group.Go(func() error { return reconcile(ctx, l, hosts, served) })
	var signups sync.WaitGroup
	for claimer := range claimers {
		signups.Add(1)
		group.Go(func() error {
			defer signups.Done()
			for n := claimer; n < freeSlots; n += claimers {
				claim, err := l.Claim(ctx, tier, ID(n), false)
				for errors.Is(err, pool.ErrEmpty) || errors.Is(err, pool.ErrBusy) {
					time.Sleep(50 * time.Millisecond)
					claim, err = l.Claim(ctx, tier, ID(n), false)
				}
				if err != nil {
					return fmt.Errorf("claim of %s: %w", ID(n), err)
				}
				mu.Lock()
				claims[ID(n)] = claim
				mu.Unlock()
			}
			return nil
		})
	}
	group.Go(func() error { signups.Wait(); close(served); return nil })
	must(t, group.Wait())

	taken := map[string]pool.TenantID{}
	for id, claim := range claims {
		for _, side := range []pool.Side{claim.Database, claim.Share} {
			slot := fmt.Sprintf("%s/%d", side.Host, side.Offer.Index)
			if other, twice := taken[slot]; twice {
				t.Errorf("slot %s was taken by %s and %s", slot, id, other)
			}
			taken[slot] = id
		}
	}
	expect(t, "slots taken", len(taken), 2*freeSlots)
	for _, h := range hosts {
		stored, err := l.Host(t.Context(), h.ID)
		must(t, err)
		for _, s := range stored.Slots {
			if owner := taken[fmt.Sprintf("%s/%d", h.ID, s.Index)]; s.State != pool.SlotAssigned || s.Tenant != owner {
				t.Errorf("slot %s/%d is %s to %q in its host's record, and %s took it", h.ID, s.Index, s.State, s.Tenant, owner)
			}
		}
	}
}

// reconcile reconciles the shelf until everybody is served, and once more then. A conflict is no error: what
// was to be written is decided again, from what is there.
func reconcile(ctx context.Context, l ledger.Ledger, hosts []pool.Host, served <-chan struct{}) error {
	next := map[pool.Kind]int{} // the first host that was not set out yet
	for last := false; ; {
		err := tendOnce(ctx, l, hosts, next)
		if err != nil && !errors.Is(err, pool.ErrConflict) {
			return err
		}
		if last && err == nil {
			return nil
		}
		select {
		case <-served:
			last = true
		default:
		}
	}
}

// tendOnce finishes what was begun, sets out two hosts of each kind that runs low, and settles.
func tendOnce(ctx context.Context, l ledger.Ledger, hosts []pool.Host, next map[pool.Kind]int) error {
	for _, k := range pool.Kinds {
		if err := finish(ctx, l, nil); err != nil {
			return err
		}
		shelf, err := l.Shelf(ctx, tier)
		if err != nil {
			return err
		}
		var offers []pool.Offer
		for _, h := range hosts {
			if _, seq, _ := h.ID.Parse(); h.Kind == k && seq > next[k] && seq <= next[k]+2 {
				offers = append(offers, Offers(h)...)
			}
		}
		if len(offers) == 0 || len(shelf.Offers(k)) > 10 {
			continue
		}
		if _, err := l.BeginRefill(ctx, tier, pool.Refill{Number: shelf.Refills + 1, Offers: pool.List(k, offers)}); err != nil {
			return err
		}
		next[k] += 2
		if err := finish(ctx, l, nil); err != nil {
			return err
		}
	}
	return settle(ctx, l)
}

func ordersAtOnce(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	var group errgroup.Group
	const each, orderers = 3, 4
	for range orderers {
		group.Go(func() error {
			for done := 0; done < each; {
				seen, err := l.Pool(ctx, key(pool.Share))
				if err != nil {
					return err
				}
				h := pool.Order(seen, pool.Policy{Kind: pool.Share, Tier: tier, SlotsPerHost: 10}, "headroom-test-", "k3v9x2m7qa", start, "test")
				switch err := l.Order(ctx, seen, h); {
				case err == nil:
					done++
				case !errors.Is(err, pool.ErrConflict):
					return err
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
	record, err := l.Pool(ctx, key(pool.Share))
	must(t, err)
	expect(t, "last number", record.Seq, each*orderers)
	expect(t, "provisioning", record.Counters.Provisioning, each*orderers)
	expect(t, "slots provisioning", record.Counters.ProvisioningSlots, 10*each*orderers)
}

func countersAtOnce(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	const hosts = 8
	for seq := 1; seq <= hosts; seq++ {
		add(t, l, Host(key(pool.Share), seq, 10))
	}
	var group errgroup.Group
	for seq := 1; seq <= hosts; seq++ {
		group.Go(func() error {
			for done := 0; done < 10; {
				before, err := l.Host(ctx, key(pool.Share).Host(seq))
				if err != nil {
					return err
				}
				after := before.Clone()
				after.Slots[done].State = pool.SlotOffered
				switch err := l.SaveHost(ctx, before, after, pool.Neutral, start); {
				case err == nil:
					done++
				case !errors.Is(err, pool.ErrConflict):
					return err
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
	record, err := l.Pool(ctx, key(pool.Share))
	must(t, err)
	expect(t, "used", record.Counters.Used, 10*hosts)
	expect(t, "in reserve", record.Counters.Reserve, 0)
}

// registrations has many tenants register one address at the same moment, and checks that one gets it; again
// once that one has given it up.
func registrations(t *testing.T, l ledger.Ledger) {
	const address, tenants = "10.0.0.1", 30
	for round := range 3 {
		var mu sync.Mutex
		var owners []pool.TenantID
		group, ctx := errgroup.WithContext(t.Context())
		for n := range tenants {
			group.Go(func() error {
				switch err := l.Register(ctx, address, ID(n)); {
				case errors.Is(err, pool.ErrTaken):
					return nil
				case err != nil:
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				owners = append(owners, ID(n))
				return nil
			})
		}
		must(t, group.Wait())
		if len(owners) != 1 {
			t.Fatalf("round %d: the address is %v's", round, owners)
		}
		must(t, l.Unregister(t.Context(), address, pool.Tenant{ID: owners[0]}))
	}
}
