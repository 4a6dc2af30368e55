package poolcheck

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/killtest"
	"headroom/internal/ledger/ledgertest"
	"headroom/internal/pool"
)

// Some of what goes wrong shows in one run of a thousand; -rapid.checks still says otherwise.
func init() { _ = flag.Set("rapid.checks", "2000") }

// TestChecksAtOnceOrderNoMoreThanOne has several checks run at once, one call at a time in any order,
// some killed, while a host comes into service, slots come onto the shelf and tenants who wait are
// served.
func TestChecksAtOnceOrderNoMoreThanOne(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		buffer, waiting := rapid.IntRange(0, 35).Draw(r, "buffer"), rapid.IntRange(0, 8).Draw(r, "waiting")
		const size, slots = 10, 20
		w.add(databases, slots)
		w.add(shares, size)
		second := w.order(shares)
		for i := range waiting {
			w.wait(pool.TenantID(fmt.Sprintf("t%d", i)))
		}
		w.want(shares, func(p *pool.Policy) { p.BufferSlots, p.Ceiling, p.MaxOrders = buffer, 9, 9 })
		if rapid.Bool().Draw(r, "stocked") {
			w.must(w.check())
		}

		var s killtest.Schedule
		for range rapid.IntRange(2, 3).Draw(r, "checks") {
			s.Start(func(call killtest.Call) error { return w.checkBy(call) })
		}
		s.Start(func(call killtest.Call) error { return w.serveAll(waiting, call) })
		s.Start(func(call killtest.Call) error {
			if err := call("arrive", func() error { w.arrive(second); return nil }); err != nil {
				return err
			}
			return w.handler(call).Shelf.Reconcile(context.Background(), tier)
		})
		for s.Running() > 0 {
			i := rapid.IntRange(0, s.Running()-1).Draw(r, "process")
			if rapid.IntRange(0, 99).Draw(r, "kill") == 0 {
				s.Kill(i)
				continue
			}
			for range rapid.SampledFrom([]int{1, 2, 4, 8, 12, 16, 20, 24, 28, 32}).Draw(r, "calls") {
				if ended, _ := s.Step(i); ended {
					break
				}
			}
		}
		w.arrive(second)
		ordered := func() int { return w.pool(shares).Counters.Provisioning }
		want := (max(0, buffer+waiting-slots) + size - 1) / size
		if ordered() > want {
			r.Fatalf("%d hosts were ordered, %d are wanted", ordered(), want)
		}
		// Whatever was killed or looked at an unlucky moment is made up for.
		for range 3 {
			w.now = w.now.Add(3 * time.Minute)
			w.must(w.check())
			w.must(w.serveAll(waiting, undisturbed))
		}
		if ordered() != want || w.stacks.Count() != want {
			r.Fatalf("%d hosts were ordered and %d stacks in the end, %d are wanted", ordered(), w.stacks.Count(), want)
		}
	})
}

// order orders a host.
func (w *world) order(key pool.Key) pool.Host {
	w.t.Helper()
	seen := w.pool(key)
	h := pool.Order(seen, pool.Policy{SlotsPerHost: 10}, "headroom-dev-", "k3v9x2m7qa", w.now, "test")
	h.State, h.Step, h.Due = pool.HostPreparing, "", time.Time{}
	w.must(w.ledger.Order(context.Background(), seen, h))
	return h
}

// arrive puts a host that was ordered into service, if it is not.
func (w *world) arrive(h pool.Host) {
	w.t.Helper()
	if before := w.host(h.ID); before.State != pool.HostInService {
		_, seq, _ := h.ID.Parse()
		w.must(w.ledger.SaveHost(context.Background(), before, ledgertest.Host(h.Key(), seq, h.Size), pool.Succeeded, w.now))
	}
}

// serveAll serves the tenants who wait, as far as the shelf goes.
func (w *world) serveAll(waiting int, call killtest.Call) error {
	ctx, l := context.Background(), killtest.Ledger{Next: w.ledger, Call: call}
	for i := range waiting {
		t, err := l.Tenant(ctx, pool.TenantID(fmt.Sprintf("t%d", i)))
		if err != nil || t.State == pool.TenantReady {
			continue
		}
		claim, err := l.Claim(ctx, tier, t.ID, true)
		if err != nil {
			return nil // bare for now
		}
		ready, err := pool.MoveTenant(t, pool.TenantReady, w.now, "test")
		if err != nil {
			return err
		}
		ready.Database, ready.Share = pool.HoldingOf(claim.Database), pool.HoldingOf(claim.Share)
		if _, err := l.SaveTenant(ctx, t, ready); err != nil {
			return nil
		}
	}
	return nil
}
