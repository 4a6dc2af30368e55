package poolcheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// inhabited makes a world with room in which tenants have slots of the first database host, which is drained.
func inhabited(t testing.TB, tenants, pace int) *world {
	w := newWorld(t)
	w.want(databases, func(p *pool.Policy) { p.DrainPace, p.DrainMost, p.BufferSlots = pace, pool.Term(10*time.Minute), 5 })
	for range 3 {
		w.add(databases, 10)
		w.add(shares, 10)
	}
	w.must(w.check())
	for n := 1; n <= tenants; n++ {
		w.live(pool.TenantID(fmt.Sprintf("t%d", n)), databases.Host(1), n)
	}
	w.drain(databases.Host(1), "ann: old")
	return w
}

// live has a tenant that is ready have a slot of a database host.
func (w *world) live(id pool.TenantID, on pool.HostID, index int) {
	w.t.Helper()
	w.request(id)
	w.change(on, func(h pool.Host) pool.Host {
		slot := h.Slot(index)
		slot.State, slot.Tenant = pool.SlotAssigned, id
		return h
	})
	slot := w.host(on).Slots[index-1]
	w.move(id, pool.TenantReady, func(t *pool.Tenant) {
		t.Database, t.Progress = pool.Holding{Host: on, Index: index, Generation: slot.Generation, Name: slot.Name}, pool.Progress{}
	})
	shelf := w.shelf()
	after := shelf.Clone()
	after.Databases = slices.DeleteFunc(after.Databases, func(o pool.Offer) bool { return o == slot.Offer(on) })
	w.must(w.ledger.SaveShelf(context.Background(), shelf, after))
}

func (w *world) drain(id pool.HostID, who string) {
	w.t.Helper()
	w.change(id, func(h pool.Host) pool.Host {
		h, err := pool.Drain(h, who, w.now)
		w.must(err)
		return pool.Onward(h, w.now) // it is announced
	})
}

// asked takes the moves out of the queue that were asked for.
func (w *world) asked() (moves []events.MoveOff) {
	w.t.Helper()
	for {
		d, ok := w.restores.Receive(time.Minute)
		if !ok {
			return moves
		}
		w.restores.Delete(d.ID)
		var off events.MoveOff
		w.must(json.Unmarshal([]byte(d.Body), &off))
		moves = append(moves, off)
	}
}

// moves does what the function restore does about moves: at once, into the first free slot of another host, or it fails.
func (w *world) moves(off events.MoveOff, fails bool) {
	w.t.Helper()
	ctx := context.Background()
	tenant := w.tenant(pool.TenantID(off.TenantID))
	last, err := w.ledger.Restoration(ctx, tenant.ID)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		w.t.Fatal(err)
	}
	r, fresh, err := pool.BeginRestoration(last, pool.Restoration{
		Move: true, Database: tenant.Database, Message: off.Decided.String(), RequestedAt: off.Decided.UTC(), Reason: off.Reason, RequestedBy: "test",
	}, tenant, "standin", "old", "", w.now)
	w.must(err)
	if !fresh || string(tenant.Database.Host) != off.HostID {
		return
	}
	if fails {
		r, err = r.Withdraw("the dump is no good", true, w.now)
		w.must(err)
		r, err = r.Rest(pool.RestorationWithdrawn, w.now, "test")
		w.must(err)
		_, err = w.ledger.SaveRestoration(ctx, last, r)
		w.must(err)
		return
	}
	var hosts []pool.Host
	for seq := 2; seq <= w.pool(databases).Seq; seq++ {
		hosts = append(hosts, w.host(databases.Host(seq)))
	}
	shelf := w.shelf()
	landings, why := pool.Landings(tenant.Database.Host, "", hosts, shelf, 100)
	if len(landings) == 0 {
		w.t.Fatal("it can't move: ", why)
	}
	r.Target = landings[0].Holding
	if after, set := pool.SetAside(shelf, r.Target, tenant.ID); set {
		after.Withdrawn = nil
		w.must(w.ledger.SaveShelf(ctx, shelf, after))
	}
	w.change(r.Target.Host, func(h pool.Host) pool.Host {
		h.Slot(r.Target.Index).State = pool.SlotFree
		h, _, err := pool.LandSlot(h, r.Target, tenant.ID, w.now)
		w.must(err)
		return h
	})
	moved, err := r.Settled(tenant, w.now)
	w.must(err)
	_, err = w.ledger.SaveTenant(ctx, tenant, moved)
	w.must(err)
	w.change(r.Database.Host, func(h pool.Host) pool.Host {
		h, _, err := pool.LeaveSlot(h, r.Database, tenant.ID, w.now)
		w.must(err)
		return h
	})
	r, err = r.Rest(pool.RestorationRestored, w.now, "test")
	w.must(err)
	_, err = w.ledger.SaveRestoration(ctx, last, r)
	w.must(err)
}

// pass makes so many checks, one a minute, and does about each move that is asked for what then says.
func (w *world) pass(n int, then func(events.MoveOff)) (moves []events.MoveOff) {
	w.t.Helper()
	for range n {
		w.now = w.now.Add(time.Minute)
		w.must(w.check())
		for _, off := range w.asked() {
			moves = append(moves, off)
			then(off)
		}
	}
	return moves
}

func (w *world) succeed(off events.MoveOff) { w.moves(off, false) }

func TestADrainedHostIsEmptiedAtThePaceOfItsPolicy(t *testing.T) {
	w := inhabited(t, 5, 4)
	moves := w.pass(50, w.succeed)
	if len(moves) != 4 || moves[0].TenantID != "t1" || moves[0].HostID != "database-standard-1" || moves[0].Most != "10m0s" ||
		!strings.Contains(moves[0].Reason, "drained, by ann: old") {
		t.Fatalf("asked for in 50 minutes: %+v", moves)
	}
	for n, off := range moves[1:] {
		if apart := off.Decided.Sub(moves[n].Decided.Time); apart < 15*time.Minute || apart > 17*time.Minute {
			t.Errorf("move %d was %s after the one before", n+2, apart)
		}
	}
	w.pass(60, w.succeed)
	host := w.host(databases.Host(1))
	if host.Leaving() != 5 || host.Used() != 0 || host.State != pool.HostCordoned {
		t.Errorf("after two hours %d have moved, and %d have not; it is %s", host.Leaving(), host.Used(), host.State)
	}
	// What they left is cleared, once it is kept no longer.
	w.change(host.ID, func(h pool.Host) pool.Host {
		for i := range h.Slots {
			h.Slots[i].State, h.Slots[i].Tenant = pool.SlotFree, ""
		}
		return h
	})
	w.pass(5, w.succeed)
	if host = w.host(host.ID); host.State != pool.HostRetiring {
		t.Errorf("empty it is %s", host.State)
	}
}

func TestNobodyIsMovedOffAHost(t *testing.T) {
	one := databases.Host(1)
	for what, change := range map[string]func(w *world){
		"without a pace": func(w *world) { w.want(databases, func(p *pool.Policy) { p.DrainPace = 0 }) },
		"that is drained no more": func(w *world) {
			w.change(one, func(h pool.Host) pool.Host { h.Drained = ""; h.ByHand = "ann"; return h })
		},
		"that is protected":       func(w *world) { w.change(one, func(h pool.Host) pool.Host { h.Protected = "ann"; return h }) },
		"that does not answer":    func(w *world) { w.change(one, func(h pool.Host) pool.Host { h.Doubt = "no answer"; return h }) },
		"while repair is stopped": func(w *world) { w.must(w.ledger.SaveStops(context.Background(), pool.Stops{Repair: true, By: "ann"})) },
		"while somebody waits":    func(w *world) { w.wait("t9") },
		"whose slot would be one of the buffer": func(w *world) {
			w.want(databases, func(p *pool.Policy) { p.BufferSlots = 20 })
		},
		"while hosts are wanted": func(w *world) {
			w.want(databases, func(p *pool.Policy) { p.BufferSlots = 25 })
		},
		"of tenants that leave": func(w *world) {
			for _, id := range []pool.TenantID{"t1", "t2"} {
				w.move(id, pool.TenantLeft, nil)
			}
		},
		"while one of them moves": func(w *world) {
			_, err := w.ledger.SaveRestoration(context.Background(), pool.Restoration{}, pool.Restoration{
				Tenant: "t2", Number: 1, Move: true, Database: w.tenant("t2").Database, State: pool.RestorationRestoring, Progress: pool.Started(pool.StepPlace, w.now.Add(time.Hour)),
			})
			w.must(err)
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := inhabited(t, 2, 60)
			change(w)
			if moves := w.pass(5, w.succeed); len(moves) > 0 {
				t.Errorf("asked for: %v", moves)
			}
		})
	}
}

// A tenant that goes back in time is passed over, and the others move.
func TestATenantThatIsRestoredStaysMeanwhile(t *testing.T) {
	w := inhabited(t, 2, 60)
	_, err := w.ledger.SaveRestoration(context.Background(), pool.Restoration{}, pool.Restoration{
		Tenant: "t1", Number: 1, Database: w.tenant("t1").Database, State: pool.RestorationRestoring, Progress: pool.Started(pool.StepCopy, w.now.Add(time.Hour)),
	})
	w.must(err)
	if moves := w.pass(10, w.succeed); len(moves) != 1 || moves[0].TenantID != "t2" {
		t.Errorf("asked for: %v", moves)
	}
}

func TestAHostRestsAfterAMoveOffItFailed(t *testing.T) {
	w := inhabited(t, 2, 60)
	first := true
	moves := w.pass(70, func(off events.MoveOff) { w.moves(off, first); first = false })
	if len(moves) != 2 || moves[1].TenantID != "t2" || moves[1].Decided.Sub(moves[0].Decided.Time) < time.Hour {
		t.Errorf("asked for: %v", moves)
	}
	w.pass(25*60, w.succeed)
	if w.tenant("t1").Database.Host == databases.Host(1) {
		t.Error("it was not tried again after a day")
	}
}

// A tenant that can't be moved, because its database has no room elsewhere or is too large, is tried ever less often: people are
// told of each move that fails.
func TestATenantWhoseMovesFailIsTriedEverLessOften(t *testing.T) {
	w := inhabited(t, 1, 60)
	var tried []time.Time
	for began := w.now; w.now.Before(began.Add(70 * 24 * time.Hour)); {
		w.now = w.now.Add(6 * time.Hour)
		w.must(w.check())
		for _, off := range w.asked() {
			tried = append(tried, off.Decided.Time)
			w.moves(off, true)
		}
	}
	var rests []float64 // in days
	for n := range tried[1:] {
		rests = append(rests, tried[n+1].Sub(tried[n]).Hours()/24)
	}
	if want := []float64{1, 2, 4, 8, 16, 32}; !slices.Equal(rests, want) {
		t.Errorf("days between two moves that failed: %v, not %v", rests, want)
	}
	w.now = w.now.Add(32 * 24 * time.Hour)
	w.pass(2, w.succeed)
	if w.tenant("t1").Database.Host == databases.Host(1) {
		t.Error("it does not move although it can")
	}
}

// A message that is not heard of is sent again, and not before a while.
func TestAMoveThatGotLostIsAskedForAgain(t *testing.T) {
	w := inhabited(t, 1, 1)
	if moves := w.pass(25, func(events.MoveOff) {}); len(moves) != 3 || moves[2].TenantID != "t1" {
		t.Errorf("asked for: %v", moves)
	}
}

func TestAskingForAMoveKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := inhabited(t, 3, 2)
		w.now = w.now.Add(time.Minute)
		w.must(life.Deliver(func() error { return w.checkBy(life.Call) }))
		for _, off := range w.asked() {
			w.succeed(off)
		}
		moves := w.pass(130, w.succeed)
		if len(moves) > 5 {
			t.Errorf("asked for: %v", moves)
		}
		return fmt.Sprint(w.tenant("t1").Database.Host, w.tenant("t2").Database.Host, w.tenant("t3").Database.Host, w.host(databases.Host(1)).Used())
	})
}

// Checks at once ask for one move, whatever comes between their calls, also where each looks at a drained host of its own.
func TestChecksAtOnceAskForOneMove(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := inhabited(t, 3, 4)
		w.live("t4", databases.Host(2), 10)
		w.drain(databases.Host(2), "ann: old")
		w.must(w.handler(undisturbed).Shelf.Reconcile(context.Background(), tier)) // the offers of both are taken back
		w.now = w.now.Add(time.Minute)
		var s killtest.Schedule
		for range rapid.IntRange(2, 3).Draw(r, "checks") {
			s.Start(func(call killtest.Call) error { return w.checkBy(call) })
		}
		for s.Running() > 0 {
			i := rapid.IntRange(0, s.Running()-1).Draw(r, "process")
			for range rapid.SampledFrom([]int{1, 2, 4, 8, 16}).Draw(r, "calls") {
				if ended, _ := s.Step(i); ended {
					break
				}
			}
		}
		if moves := w.asked(); len(moves) > 1 {
			r.Fatalf("asked for: %v", moves)
		}
	})
}
