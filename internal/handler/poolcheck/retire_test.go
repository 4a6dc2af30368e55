package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// spacious makes a world that has been looked at for more than a day, with empty hosts of both kinds that nobody needs.
func spacious(t testing.TB, hosts int) *world {
	t.Helper()
	w := newWorld(t)
	for _, k := range pool.Kinds {
		w.want(pool.Key{Kind: k, Tier: tier}, func(p *pool.Policy) { p.BufferSlots, p.KeepEmpty = 5, pool.Term(24*time.Hour) })
	}
	for range hosts {
		w.add(databases, 10)
		w.add(shares, 10)
	}
	w.must(w.check())
	for w.now.Before(start.Add(25 * time.Hour)) {
		w.now = w.now.Add(time.Hour)
		w.noted()
	}
	return w
}

// noted has the outlook be written, as samples of the forecast do.
func (w *world) noted() {
	w.t.Helper()
	before := w.outlook()
	five := map[pool.Kind]pool.Plan{pool.Database: {Buffer: 5}, pool.Share: {Buffer: 5}}
	after := before.Planned(five, func(pool.Kind) time.Duration { return 24 * time.Hour }, w.now)
	w.must(w.ledger.SaveOutlook(context.Background(), before, after))
}

// retiring names the hosts of a kind that are being retired, with their steps.
func (w *world) retiring(key pool.Key) map[pool.HostID]pool.Step {
	w.t.Helper()
	found := map[pool.HostID]pool.Step{}
	for n := 1; n <= w.pool(key).Seq; n++ {
		if h := w.host(key.Host(n)); h.State == pool.HostRetiring {
			found[h.ID] = h.Step
		}
	}
	return found
}

func TestOneEmptyHostOfAPoolGoesEachCheck(t *testing.T) {
	w := spacious(t, 4)
	for checks := 1; checks <= 5; checks++ {
		w.must(w.check())
		for _, key := range []pool.Key{databases, shares} {
			// Three of four can go; all lie on the shelf, and are recalled in the same check.
			if gone := w.retiring(key); len(gone) != min(checks, 3) {
				t.Fatalf("after %d checks, being retired are %v", checks, gone)
			}
			for id, step := range w.retiring(key) {
				if step != pool.StepInspect || w.host(id).Free() != 10 || w.host(id).OnShelf(w.shelf()) {
					t.Errorf("%s is at %s with %d slots free", id, step, w.host(id).Free())
				}
			}
			if r := w.pool(key); r.Seq != 4 || r.Counters.InService != 4-min(checks, 3) || r.Counters.Reserve+w.shelf().SetOut(key.Kind) < 10 {
				t.Errorf("there are %d hosts, %+v", r.Seq, r.Counters)
			}
		}
		w.now = w.now.Add(time.Minute)
	}
	if got := len(sent(w.steps)); got != 6 {
		t.Errorf("steps are %v", sent(w.steps))
	}
	if why := w.outlook().Plans[pool.Share].Spare; why == "" {
		t.Error("nothing is on record of what could be done without")
	}
}

func TestNothingIsRetiredWhile(t *testing.T) {
	for what, change := range map[string]func(w *world){
		"destruction is stopped": func(w *world) {
			w.must(w.ledger.SaveStops(context.Background(), pool.Stops{Destroy: true, By: "ann"}))
		},
		"all of it is protected": func(w *world) {
			for _, key := range []pool.Key{databases, shares} {
				for n := 1; n <= 2; n++ {
					w.change(key.Host(n), func(h pool.Host) pool.Host { h.Protected = "ann"; return h })
				}
			}
		},
		"somebody waits": func(w *world) { w.wait("t1") },
		"it is scheduled": func(w *world) {
			for _, key := range []pool.Key{databases, shares} {
				w.want(key, func(p *pool.Policy) {
					p.Scheduled = []pool.Scheduled{{From: w.now.Add(20 * time.Hour), Until: w.now.Add(30 * time.Hour), Free: 15}}
				})
			}
		},
		"keepEmpty is 0": func(w *world) {
			for _, key := range []pool.Key{databases, shares} {
				w.want(key, func(p *pool.Policy) { p.KeepEmpty = 0 })
			}
		},
		"its root disk is kept still": func(w *world) {
			for _, key := range []pool.Key{databases, shares} {
				for n := 1; n <= 2; n++ {
					_, err := w.ledger.SaveRepair(context.Background(), pool.Repair{}, pool.Repair{
						Host: key.Host(n), Number: 1, State: pool.RepairMended, Progress: pool.Progress{Step: pool.StepSweep},
					})
					w.must(err)
				}
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := spacious(t, 2)
			change(w)
			w.must(w.check())
			if gone := len(w.retiring(databases)) + len(w.retiring(shares)); gone != 0 {
				t.Errorf("%d are being retired", gone)
			}
		})
	}
}

// Whatever a check is killed at, the next ones come to the same, and no claim is lost.
func TestARetirementThatIsKilledGoesOn(t *testing.T) {
	for n := 1; ; n++ {
		w := spacious(t, 2)
		calls := 0
		err := w.checkBy(func(operation string, do func() error) error {
			if calls++; calls == n {
				return errors.New("killed")
			}
			if calls > n {
				return errors.New("dead")
			}
			return do()
		})
		for range 4 {
			w.now = w.now.Add(90 * time.Second)
			w.must(w.check())
		}
		for _, key := range []pool.Key{databases, shares} {
			if gone := w.retiring(key); len(gone) != 1 {
				t.Errorf("killed at call %d, being retired are %v", n, gone)
			}
			for id, step := range w.retiring(key) {
				if step != pool.StepInspect {
					t.Errorf("killed at call %d, %s is at %s", n, id, step)
				}
			}
		}
		if calls < n && err == nil {
			return
		}
	}
}

// Claims and refills race with checks that retire hosts, call by call: never is a host gone on with that anybody holds a slot
// of, nothing is ordered because of it, and what is left is as much as was wanted.
func TestRetirementsRaceWithClaims(t *testing.T) {
	retired, off := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		w := spacious(t, 3)
		var s killtest.Schedule
		for range rapid.IntRange(1, 2).Draw(r, "checks") {
			s.Start(func(call killtest.Call) error { return w.checkBy(call) })
		}
		claims := rapid.IntRange(0, 25).Draw(r, "claims")
		s.Start(func(call killtest.Call) error {
			for i := range claims {
				_ = call("Claim", func() error {
					_, err := w.ledger.Claim(context.Background(), tier, pool.TenantID(fmt.Sprintf("r%d", i)), false)
					return err
				})
			}
			return nil
		})
		for s.Running() > 0 {
			i := rapid.IntRange(0, s.Running()-1).Draw(r, "process")
			if rapid.IntRange(0, 99).Draw(r, "kill") == 0 {
				s.Kill(i)
				continue
			}
			for range rapid.SampledFrom([]int{1, 2, 4, 8, 12, 16, 20, 24}).Draw(r, "calls") {
				if ended, _ := s.Step(i); ended {
					break
				}
			}
		}
		for look := range 4 {
			shelf := w.shelf()
			for _, key := range []pool.Key{databases, shares} {
				for id, step := range w.retiring(key) {
					if h := w.host(id); step != pool.StepRecall && (h.NotEmpty(shelf) != "" || h.OnShelf(shelf)) {
						r.Fatalf("%s is at %s: %s", id, step, h.NotEmpty(shelf))
					}
				}
				for n := 1; n <= 3; n++ {
					if strings.Contains(w.host(key.Host(n)).Why, "called off") {
						off++
					}
				}
			}
			if look == 0 || look == 3 {
				retired += len(w.retiring(shares))
			}
			w.now = w.now.Add(90 * time.Second)
			w.must(w.check())
		}
		for tenant, hold := range w.shelf().Held {
			for _, l := range hold.Listed() {
				if h := w.host(l.Host(tier)); h.State == pool.HostRetiring && h.Step != pool.StepRecall {
					r.Fatalf("tenant %s holds a slot of %s, which is at %s", tenant, h.ID, h.Step)
				}
			}
		}
	})
	if retired == 0 || off == 0 {
		t.Errorf("%d were retired, and %d called off: the race is none", retired, off)
	}
}

// A slot of a drained host that was returned is closed by the function that reaches hosts, once it has rested.
func TestAReturnedSlotOfADrainedHostIsClosed(t *testing.T) {
	w := spacious(t, 1)
	id := shares.Host(1)
	w.change(id, func(h pool.Host) pool.Host {
		h.Slots[0].State, h.Slots[0].Since = pool.SlotReturned, w.now
		h, err := pool.Drain(h, "ann: old", w.now)
		w.must(err)
		return pool.Onward(h, w.now)
	})
	closes := func() bool {
		return slices.ContainsFunc(sent(w.steps), func(body string) bool {
			return strings.Contains(body, `"step":"watch"`) && strings.Contains(body, string(id))
		})
	}
	for range 14 {
		w.now = w.now.Add(time.Minute)
		w.must(w.check())
	}
	if closes() {
		t.Error("it is closed before it has rested")
	}
	for range 3 {
		w.now = w.now.Add(time.Minute)
		w.must(w.check())
	}
	if !closes() {
		t.Errorf("steps are %v", sent(w.steps))
	}
}

func TestADrainedHostIsRetiredOnceItIsEmpty(t *testing.T) {
	w := spacious(t, 1)
	w.want(shares, func(p *pool.Policy) { p.KeepEmpty = 0 }) // which keeps no drained host
	id := shares.Host(1)
	w.come(1)
	w.change(id, func(h pool.Host) pool.Host {
		h, err := pool.Drain(h, "ann: old", w.now)
		w.must(err)
		return pool.Onward(h, w.now) // it is announced
	})
	steps := func() string {
		for range 3 {
			w.now = w.now.Add(2 * time.Minute)
			w.must(w.check())
		}
		h := w.host(id)
		return fmt.Sprintf("%s at %s", h.State, h.Step)
	}
	if got := steps(); got != "cordoned at watch" {
		t.Errorf("with a tenant it is %s", got)
	}
	// The tenant leaves.
	shelf := w.shelf()
	after := shelf.Clone()
	after.Held = map[pool.TenantID]pool.Hold{}
	w.must(w.ledger.SaveShelf(context.Background(), shelf, after))
	w.change(id, func(h pool.Host) pool.Host {
		for i := range h.Slots {
			h.Slots[i].State = pool.SlotFree
		}
		return h
	})
	if got := steps(); got != "retiring at inspect" {
		t.Errorf("empty it is %s", got)
	}
	if by := w.host(id).Retire.By; by != "drain: ann: old" {
		t.Errorf("by %q", by)
	}
}

func TestAHostWithAKeptDiskIsPassedOver(t *testing.T) {
	w := spacious(t, 4)
	w.keeps(shares.Host(1))
	for range 10 {
		w.must(w.check())
		w.now = w.now.Add(time.Minute)
	}
	if gone := w.retiring(shares); len(gone) != 3 || gone[shares.Host(1)] != "" {
		t.Errorf("%v are retired", gone)
	}
}

func TestARenewedGatewayGoesOnceNothingIsLeftOfTheOther(t *testing.T) {
	w := spacious(t, 2)
	kept := []pool.Repair{w.keeps(shares.Host(1)), w.keeps(shares.Host(2))}
	w.change(shares.Host(1), func(h pool.Host) pool.Host { h.Gateways = 1; return h })
	w.must(w.check())
	if gone := w.retiring(shares); len(gone) != 0 {
		t.Fatalf("%v are retired", gone)
	}
	none := kept[0].Clone() // the disk was deleted, by a person's word
	none.Kept = nil
	_, err := w.ledger.SaveRepair(context.Background(), kept[0], none)
	w.must(err)
	w.must(w.check())
	if gone := w.retiring(shares); gone[shares.Host(1)] == "" {
		t.Errorf("%v are retired", gone)
	}
}

// keeps has the last repair of a host keep a disk of a gateway that was given up.
func (w *world) keeps(id pool.HostID) pool.Repair {
	w.t.Helper()
	saved, err := w.ledger.SaveRepair(context.Background(), pool.Repair{}, pool.Repair{
		Host: id, Number: 1, State: pool.RepairMended, Kept: []pool.KeptDisk{{Volume: "vol-1", Gateway: "sgw-1", Dirty: true}},
	})
	w.must(err)
	return saved
}
