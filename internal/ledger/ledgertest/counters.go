package ledgertest

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// countersAddUp moves hosts about at random and checks after every step that the pool's counters
// are the sum of what its hosts contribute.
func countersAddUp(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		k := pool.Key{Kind: pool.Share, Tier: pool.Tier(fmt.Sprintf("run%d", run))}
		hosts := map[pool.HostID]pool.Host{} // as they were read last, stale or not
		pick := func(t *rapid.T) pool.Host {
			if len(hosts) == 0 {
				t.Skip("no hosts")
			}
			return hosts[k.Host(rapid.IntRange(1, len(hosts)).Draw(t, "host"))]
		}
		save := func(t *rapid.T, before, after pool.Host, outcome pool.Outcome) {
			err := l.SaveHost(ctx, before, after, outcome, start)
			if errors.Is(err, pool.ErrConflict) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			// Sometimes the new version is not read: the next write of this host is a conflict.
			if rapid.IntRange(0, 9).Draw(t, "stale") > 0 {
				if hosts[after.ID], err = l.Host(ctx, after.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"order": func(t *rapid.T) {
				seen, err := l.Pool(ctx, k)
				if err != nil {
					t.Fatal(err)
				}
				seen.Seq -= rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "behind")
				if seen.Seq < 0 || seen.Seq == 4 {
					return
				}
				h := pool.Order(seen, pool.Policy{Kind: k.Kind, Tier: k.Tier, SlotsPerHost: 3}, "s-", "k3v9x2m7qa", start, "test")
				if err := l.Order(ctx, seen, h); err != nil && !errors.Is(err, pool.ErrConflict) {
					t.Fatal(err)
				}
				if hosts[h.ID], err = l.Host(ctx, h.ID); err != nil {
					t.Fatal(err)
				}
			},
			"move": func(t *rapid.T) {
				before := pick(t)
				to := rapid.SampledFrom([]pool.HostState{
					pool.HostBuilding, pool.HostPreparing, pool.HostInService, pool.HostInService, pool.HostCordoned, pool.HostRetiring, pool.HostDeleting, pool.HostDeleted, pool.HostQuarantined,
				}).Draw(t, "to")
				after, err := pool.MoveHost(before, to, start, "test")
				if err != nil {
					return
				}
				if to == pool.HostInService && len(after.Slots) == 0 {
					after.Slots = Host(k, 1, 3).Slots
				}
				save(t, before, after, rapid.SampledFrom([]pool.Outcome{pool.Neutral, pool.Failed, pool.Succeeded, pool.PassedOver}).Draw(t, "outcome"))
			},
			"slot": func(t *rapid.T) {
				before := pick(t)
				if len(before.Slots) == 0 {
					return
				}
				after := before.Clone()
				after.Slots[rapid.IntRange(0, 2).Draw(t, "slot")].State = rapid.SampledFrom([]pool.SlotState{
					pool.SlotFree, pool.SlotOffered, pool.SlotAssigned,
				}).Draw(t, "state")
				save(t, before, after, pool.Neutral)
			},
			"": func(t *rapid.T) {
				record, err := l.Pool(ctx, k)
				if err != nil {
					t.Fatal(err)
				}
				var want pool.Counters
				for seq := 1; seq <= len(hosts); seq++ {
					h, err := l.Host(ctx, k.Host(seq))
					if err != nil {
						t.Fatal(err)
					}
					want = want.Add(pool.Contribution(h))
				}
				if record.Counters != want || record.Seq != len(hosts) {
					t.Fatalf("counters %+v of %d, hosts add up to %+v of %d", record.Counters, record.Seq, want, len(hosts))
				}
			},
		})
	})
}

// shelfModel does the same things to the ledger's shelf and to a shelf in memory, by the rules of
// pool, and checks after every step that both are the same.
func shelfModel(t *testing.T, l ledger.Ledger) {
	ctx := t.Context()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		tier := pool.Tier(fmt.Sprintf("run%d", run))
		model := pool.NewShelf(tier)
		seq := 0
		seen := model // by the last to begin a refill
		same := func(t *rapid.T, got, want error) bool {
			if got == nil && want == nil {
				return true
			}
			if want == nil || !errors.Is(got, want) {
				t.Fatalf("answer %v, want %v", got, want)
			}
			return false
		}
		tenant := func(t *rapid.T) pool.TenantID { return ID(rapid.IntRange(1, 12).Draw(t, "tenant")) }
		t.Repeat(map[string]func(*rapid.T){
			"claim": func(t *rapid.T) {
				id, waiting := tenant(t), rapid.Bool().Draw(t, "waiting")
				after, want, wantErr := pool.Take(model, id, waiting)
				got, err := l.Claim(ctx, tier, id, waiting)
				if same(t, err, wantErr) {
					if !equal(got, want) {
						t.Fatalf("claim %+v, want %+v", got, want)
					}
					model = after
				}
			},
			"begin": func(t *rapid.T) {
				number := model.Refills + int64(rapid.SampledFrom([]int{1, 1, 1, 0, 2}).Draw(t, "ahead"))
				r := pool.Refill{Number: number}
				for _, k := range rapid.SampledFrom([][]pool.Kind{pool.Kinds[:1], pool.Kinds[1:], pool.Kinds[:]}).Draw(t, "kinds") {
					r.Offers = append(r.Offers, pool.List(k, Offers(Host(pool.Key{Kind: k, Tier: tier}, seq+1, 3)))...)
				}
				var want error
				if number != model.Refills+1 || model.Refill != nil || len(model.Withdrawn) > 0 {
					want = pool.ErrConflict
				}
				begun, err := l.BeginRefill(ctx, tier, r)
				if same(t, err, want) {
					seq++
					model.Refill, model.Refills = &r, number
					model.Version++
					seen = begun
				}
			},
			"commit": func(t *rapid.T) {
				// As it was when the refill began, or as it is.
				if rapid.Bool().Draw(t, "fresh") {
					seen = model
				}
				if model.Refill == nil || seen.Refill == nil || model.Refill.Number != seen.Refill.Number {
					_, err := l.CommitRefill(ctx, seen, nil, nil)
					same(t, err, pool.ErrConflict)
					return
				}
				good := model.Refill.Offers[rapid.IntRange(0, len(model.Refill.Offers)).Draw(t, "bad"):]
				hosts := map[pool.HostID]pool.Access{}
				for _, o := range good {
					id := o.Host(tier)
					hosts[id] = access(o.Kind, id, o.Offer.Host)
				}
				got, err := l.CommitRefill(ctx, seen, good, hosts)
				same(t, err, nil)
				model = model.Clone()
				needed := pool.Tidy(seen).Hosts
				for id := range seen.Hosts {
					if _, used := needed[id]; !used {
						delete(model.Hosts, id)
					}
				}
				for _, o := range good {
					model.SetOffers(o.Kind, append(model.Offers(o.Kind), o.Offer))
				}
				for id, a := range hosts {
					model.Hosts[id] = a
				}
				model.Refill = nil
				model.Version++
				if !equal(got, model) {
					t.Fatalf("answered shelf\n%+v\nwant\n%+v", got, model)
				}
			},
			"settle": func(t *rapid.T) {
				id := tenant(t)
				hold, held := model.Held[id]
				if !held {
					same(t, l.Settle(ctx, tier, map[pool.TenantID]pool.Hold{id: {}}, at(run)), pool.ErrConflict)
					return
				}
				same(t, l.Settle(ctx, tier, map[pool.TenantID]pool.Hold{id: hold}, at(run)), nil)
				model = model.Clone()
				delete(model.Held, id)
				model.Settled = at(run)
				model.Version++
			},
			"withdraw": func(t *rapid.T) {
				id := pool.Key{Kind: rapid.SampledFrom(pool.Kinds).Draw(t, "kind"), Tier: tier}.Host(rapid.IntRange(1, 3).Draw(t, "host"))
				after, err := pool.Withdraw(pool.Tidy(model), id)
				if err != nil {
					t.Fatal(err)
				}
				stale := rapid.SampledFrom([]int64{0, 0, 1}).Draw(t, "stale")
				before := model
				before.Version -= stale
				if stale > 0 {
					same(t, l.SaveShelf(ctx, before, after), pool.ErrConflict)
					return
				}
				same(t, l.SaveShelf(ctx, before, after), nil)
				model = after
				model.Version++
			},
			"put back": func(t *rapid.T) {
				after := model.Clone()
				after.Withdrawn = nil
				same(t, l.SaveShelf(ctx, model, after), nil)
				model = after
				model.Version++
			},
			"": func(t *rapid.T) {
				stored, err := l.Shelf(ctx, tier)
				if err != nil {
					t.Fatal(err)
				}
				if !equal(stored, model) {
					t.Fatalf("shelf\n%+v\nwant\n%+v", stored, model)
				}
			},
		})
	})
}
