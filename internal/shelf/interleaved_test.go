package shelf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// Some of what goes wrong shows in one run of a thousand; -rapid.checks still says otherwise.
func init() { _ = flag.Set("rapid.checks", "500") }

// TestInterleaved has several reconcile, sign up, crash, and cordon and restore hosts at once, one ledger
// call at a time in any order.
func TestInterleaved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(
			memory.Options{Lag: rapid.IntRange(0, 5).Draw(t, "lag")},
			rapid.SampledFrom([]pool.Placement{pool.Pack, pool.Spread}).Draw(t, "placement"),
			rapid.SampledFrom([]int{0, 3}).Draw(t, "limit"))
		for _, k := range pool.Kinds {
			for range rapid.IntRange(1, 3).Draw(t, "hosts") {
				must(t, w.add(k, rapid.IntRange(1, 4).Draw(t, "slots")))
			}
		}
		for range rapid.IntRange(40, 200).Draw(t, "moves") {
			w.move(t)
			w.now = w.now.Add(pool.SettleAfter / 5)
			must(t, w.check())
		}
		w.settleDown(t)
	})
}

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// move does one thing that can happen.
func (w *world) move(t *rapid.T) {
	choice := rapid.IntRange(0, 99).Draw(t, "move")
	if w.Running() == 0 {
		choice %= 26 // something must begin
	}
	switch {
	case choice < 10 && w.Running() < 6:
		w.Start(func(call killtest.Call) error { return w.reconciler(call).Reconcile(context.Background(), tier) })
	case choice < 20 && w.Running() < 6:
		// One of few tenants, so that the same signs up again, and at once.
		id := pool.TenantID(fmt.Sprintf("t%d", rapid.IntRange(0, 8).Draw(t, "tenant")))
		w.tenants = append(w.tenants, id)
		w.Start(func(call killtest.Call) error { return w.signUp(id, call) })
	case choice < 26:
		must(t, w.turn(rapid.SampledFrom(w.hosts).Draw(t, "host")))
	case choice < 29:
		w.Kill(rapid.IntRange(0, w.Running()-1).Draw(t, "process"))
	default:
		i := rapid.IntRange(0, w.Running()-1).Draw(t, "process")
		for range rapid.SampledFrom([]int{1, 2, 5, 80}).Draw(t, "calls") {
			ended, err := w.Step(i)
			if err != nil && !errors.Is(err, pool.ErrConflict) {
				t.Fatal(err)
			}
			if ended {
				return
			}
			must(t, w.check())
		}
	}
}

// settleDown kills what still runs, puts every host into service and reconciles the shelf once more:
// then nothing may be on its way anywhere any more.
func (w *world) settleDown(t *rapid.T) {
	ctx := context.Background()
	for w.Running() > 0 {
		w.Kill(0)
	}
	for _, id := range w.hosts {
		if h, err := w.ledger.Host(ctx, id); err != nil || h.State == pool.HostCordoned {
			must(t, err)
			must(t, w.turn(id))
		}
	}
	for range 2 {
		w.now = w.now.Add(pool.SettleAfter)
		must(t, w.reconcile())
		must(t, w.check())
	}
	shelf, err := w.ledger.Shelf(ctx, tier)
	must(t, err)
	if shelf.Refill != nil || len(shelf.Withdrawn) > 0 {
		t.Fatalf("still on their way: %+v, %v", shelf.Refill, shelf.Withdrawn)
	}
	for id := range shelf.Held {
		if tenant, err := w.ledger.Tenant(ctx, id); err != nil || tenant.Named() {
			t.Fatalf("tenant %s is %s, %v, and its hold is not settled", id, tenant.State, err)
		}
	}
}
