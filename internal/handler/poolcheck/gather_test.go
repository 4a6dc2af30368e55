package poolcheck

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// elsewhere does what other functions do about hosts: what changed is announced, what is retired is taken down, and what
// tenants moved away from is cleared after six hours.
func (w *world) elsewhere() {
	w.t.Helper()
	for seq := 1; seq <= w.pool(databases).Seq; seq++ {
		h := w.host(databases.Host(seq))
		after := h.Clone()
		for i := range after.Slots {
			if slot := &after.Slots[i]; slot.State == pool.SlotLeaving && w.now.Sub(slot.Since) >= 6*time.Hour {
				slot.State, slot.Tenant, slot.Since = pool.SlotFree, "", w.now
				slot.Generation++
			}
		}
		for after.State == pool.HostRetiring && after.Step != pool.StepRecall {
			var err error
			after, err = pool.RetiredOn(after, w.now)
			w.must(err)
		}
		if after.Step == pool.StepAnnounce {
			after = pool.Onward(after, w.now)
		}
		if fmt.Sprint(after) != fmt.Sprint(h) {
			w.must(w.ledger.SaveHost(context.Background(), h, after, pool.Neutral, w.now))
		}
	}
}

// there lists the database hosts there are, with their tenants.
func (w *world) there() (hosts []string) {
	w.t.Helper()
	for seq := 1; seq <= w.pool(databases).Seq; seq++ {
		if h := w.host(databases.Host(seq)); h.State.Live() {
			hosts = append(hosts, fmt.Sprintf("%d %s: %d", seq, h.State, h.Used()))
		}
	}
	return hosts
}

// half makes a world of ten full database hosts and an empty one, of whose tenants half have left.
func half(t testing.TB, change func(*pool.Policy)) *world {
	t.Helper()
	w := newWorld(t)
	w.want(databases, func(p *pool.Policy) {
		p.BufferSlots, p.KeepEmpty, p.Ceiling, p.DrainPace, p.Consolidate = 5, pool.Term(24*time.Hour), 20, 4, true
		change(p)
	})
	for range 11 {
		w.add(databases, 10)
	}
	w.add(shares, 10)
	draw := rand.New(rand.NewPCG(1, 10))
	for seq := 1; seq <= 10; seq++ {
		for index := 1; index <= 10; index++ {
			if draw.IntN(2) == 0 {
				w.live(pool.TenantID(fmt.Sprintf("t%d-%d", seq, index)), databases.Host(seq), index)
			}
		}
	}
	for began := w.now; w.now.Before(began.Add(25 * time.Hour)); { // what is wanted is known for a day
		w.now = w.now.Add(time.Hour)
		w.noted()
	}
	return w
}

// tenants is how many tenants the database hosts have.
func (w *world) tenants() (n int) {
	w.t.Helper()
	for seq := 1; seq <= w.pool(databases).Seq; seq++ {
		for _, slot := range w.host(databases.Host(seq)).Slots {
			if slot.State == pool.SlotAssigned {
				n++
			}
		}
	}
	return n
}

// hours lets so many hours pass, with a check every two minutes, and counts the moves.
func (w *world) hours(n int) (moves int) {
	w.t.Helper()
	for end := w.now.Add(time.Duration(n) * time.Hour); w.now.Before(end); {
		w.now = w.now.Add(2 * time.Minute)
		w.must(w.check())
		for _, off := range w.asked() {
			moves++
			w.succeed(off)
		}
		w.elsewhere()
	}
	return moves
}

// When half of the customers leave, empty hosts alone bring back little.
func TestHalfOfTheCustomersLeave(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*pool.Policy)
		hosts  int // that are left after a day and a half
	}{
		"empty hosts alone": {func(p *pool.Policy) { p.DrainPace, p.Consolidate = 0, false }, 10},
		"with consolidate":  {func(*pool.Policy) {}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			w := half(t, test.change)
			before, tenants := w.there(), w.tenants()
			moves := w.hours(36)
			left := w.there()
			t.Logf("of %d hosts with %d tenants %d are left, after %d moves: %v", len(before), tenants, len(left), moves, left)
			if w.tenants() != tenants {
				t.Errorf("%d tenants are left, of %d", w.tenants(), tenants)
			}
			if len(left) != test.hosts {
				t.Errorf("%d hosts are left, not %d", len(left), test.hosts)
			}
			if w.pool(databases).Seq != 11 {
				t.Errorf("%d hosts were ordered", w.pool(databases).Seq-11)
			}
			if all := w.pool(databases).Counters; all.Reserve+w.shelf().SetOut(pool.Database) < 5 {
				t.Errorf("free are %d and %d", all.Reserve, w.shelf().SetOut(pool.Database))
			}
		})
	}
}

// A host that was drained by itself takes tenants again when it is needed, and is no person's then.
func TestAHostThatWasDrainedByItselfComesBack(t *testing.T) {
	for what, change := range map[string]func(*world){
		"when more is wanted": func(w *world) { w.want(databases, func(p *pool.Policy) { p.BufferSlots = 70 }) },
		"when the policy has it no more": func(w *world) {
			w.want(databases, func(p *pool.Policy) { p.Consolidate = false })
		},
		"when somebody waits": func(w *world) { w.wait("late") },
	} {
		t.Run(what, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
				w := half(t, func(*pool.Policy) {})
				drained := pool.HostID("")
				for range 500 {
					if drained = w.drainedByItself(); drained != "" {
						break
					}
					w.now = w.now.Add(2 * time.Minute)
					w.must(w.check())
					w.asked()
					w.elsewhere()
				}
				if drained == "" {
					t.Fatal("none is drained: ", w.there())
				}
				change(w)
				w.now = w.now.Add(2 * time.Minute)
				w.must(life.Deliver(func() error { return w.checkBy(life.Call) }))
				for range 3 {
					w.elsewhere()
					w.now = w.now.Add(2 * time.Minute)
					w.must(w.check())
				}
				h := w.host(drained)
				if h.Drained != "" || h.State != pool.HostInService {
					t.Errorf("%s is %s: %q", h.ID, h.State, h.Drained)
				}
				return fmt.Sprint(h.State)
			})
		})
	}
}

// What a tenant of a host is about may keep that host from being emptied for days. It is not drained by itself then, the next
// one is, and one that is drained takes tenants again.
func TestAHostThatCantBeEmptiedIsNotDrainedByItself(t *testing.T) {
	for what, about := range map[string]func(w *world, r pool.Restoration) pool.Restoration{
		"a promised undo": func(w *world, r pool.Restoration) pool.Restoration {
			r.State, r.Kept = pool.RestorationRestored, []pool.KeptDatabase{{Holding: r.Database, Until: w.now.Add(7 * 24 * time.Hour)}}
			return r
		},
		"a restoration": func(w *world, r pool.Restoration) pool.Restoration {
			r.State, r.Progress = pool.RestorationRestoring, pool.Started(pool.StepCopy, w.now.Add(48*time.Hour))
			return r
		},
		"a move that failed": func(w *world, r pool.Restoration) pool.Restoration {
			r.State, r.Move, r.Failed, r.Missed = pool.RestorationWithdrawn, true, true, 3
			return r
		},
	} {
		t.Run(what, func(t *testing.T) {
			root := func(w *world, on pool.HostID) {
				for _, slot := range w.host(on).Slots {
					if slot.State == pool.SlotAssigned {
						before, _ := w.ledger.Restoration(context.Background(), slot.Tenant)
						r := pool.Restoration{Tenant: slot.Tenant, Number: 1, Database: w.tenant(slot.Tenant).Database, RequestedAt: w.now, Version: before.Version}
						_, err := w.ledger.SaveRestoration(context.Background(), before, about(w, r))
						w.must(err)
						return
					}
				}
				t.Fatal("nobody is on ", on)
			}
			checks := func(w *world, n int) {
				for range n {
					w.now = w.now.Add(2 * time.Minute)
					w.must(w.check())
					w.asked()
					w.elsewhere()
				}
			}
			first := half(t, func(*pool.Policy) {})
			for n := 0; first.drainedByItself() == "" && n < 500; n++ {
				checks(first, 1)
			}
			drained := first.drainedByItself()
			if drained == "" {
				t.Fatal("none is drained: ", first.there())
			}
			root(first, drained)
			checks(first, 3)
			if h := first.host(drained); h.Drained != "" || h.State != pool.HostInService {
				t.Errorf("%s is %s, drained by %q", h.ID, h.State, h.Drained)
			}
			checks(first, 200)
			if next := first.drainedByItself(); next == drained || next == "" {
				t.Errorf("%q is drained next", next)
			}

			second := half(t, func(*pool.Policy) {}) // the same hosts and tenants
			root(second, drained)
			for n := 0; second.drainedByItself() == "" && n < 500; n++ {
				checks(second, 1)
			}
			if next := second.drainedByItself(); next == drained || next == "" {
				t.Errorf("%q is drained although %s keeps it", next, what)
			}
		})
	}
}

func (w *world) drainedByItself() pool.HostID {
	w.t.Helper()
	for seq := 1; seq <= w.pool(databases).Seq; seq++ {
		if h := w.host(databases.Host(seq)); h.DrainedByItself() {
			return h.ID
		}
	}
	return ""
}

func TestNoHostIsDrainedByItselfWhileThatIsStopped(t *testing.T) {
	for what, stops := range map[string]pool.Stops{"repair": {Repair: true, By: "ann"}, "destroy": {Destroy: true, By: "ann"}} {
		w := half(t, func(*pool.Policy) {})
		w.must(w.ledger.SaveStops(context.Background(), stops))
		if moves := w.hours(1); moves > 0 || w.drainedByItself() != "" || strings.Contains(fmt.Sprint(w.there()), "cordoned") {
			t.Errorf("while %s is stopped %d move: %v", what, moves, w.there())
		}
	}
}
