package poolcheck

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// rest has a slot of a host rest, for a day that ends in a while.
func (w *world) rest(id pool.HostID, index int, left time.Duration) pool.Clearance {
	w.t.Helper()
	var slot pool.Slot
	w.change(id, func(h pool.Host) pool.Host {
		s := h.Slot(index)
		s.State, s.Generation = pool.SlotCooling, s.Generation+1
		slot = *s
		return h
	})
	h, coolDown := w.host(id), 24*time.Hour
	proven := w.now.Add(left - coolDown)
	c, err := pool.MoveClearance(pool.Clearance{
		Departure: pool.DepartureID("gone-" + string(id) + "-" + strconv.Itoa(index) + ".mark"), Kind: h.Kind, CoolDown: coolDown, Next: slot.Name,
		Holding: pool.Holding{Host: id, Index: index, Generation: slot.Generation - 1}, State: pool.ClearanceScrubbing, Progress: pool.Started(pool.StepProve, proven),
	}.Proven(pool.StepCool, proven, "it is clean"), pool.ClearanceCooling, pool.StepCool, proven, "it is clean")
	w.must(err)
	c.Due = c.RestsUntil()
	c, err = w.ledger.SaveClearance(w.t.Context(), pool.Clearance{}, c)
	w.must(err)
	return c
}

// resting is a world whose only share host has slots that rest, free again after so long each; ten slots are wanted.
func resting(t testing.TB, left ...time.Duration) *world {
	w := newWorld(t)
	id := w.add(shares, 10)
	w.change(id, func(h pool.Host) pool.Host {
		for i := range h.Slots {
			h.Slots[i].State, h.Slots[i].Tenant = pool.SlotAssigned, pool.TenantID("t"+strconv.Itoa(i))
		}
		return h
	})
	for i, left := range left {
		w.rest(id, w.host(id).Slots[i].Index, left)
	}
	w.want(shares, func(p *pool.Policy) { p.BufferSlots = 10 })
	return w
}

func TestForSlotsThatComeBackSoonNoHostIsOrdered(t *testing.T) {
	all := func(left time.Duration) []time.Duration { return slices.Repeat([]time.Duration{left}, 10) }
	for name, test := range map[string]struct {
		left []time.Duration
		want int
	}{
		"all come back in ten minutes":    {all(10 * time.Minute), 0},
		"all come back in twenty hours":   {all(20 * time.Hour), 1},
		"one of them comes back too late": {append(all(10 * time.Minute)[1:], 20*time.Hour), 1},
		"their rest is just over":         {all(-time.Minute), 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := resting(t, test.left...)
			if c := w.pool(shares).Counters; c.Cooling != 10 || c.Reserve != 0 {
				t.Fatalf("%+v", c)
			}
			w.must(w.check())
			w.must(w.check()) // what was looked at past its deadline has another by now
			if got := w.stacks.Count(); got != test.want {
				t.Errorf("%d hosts were ordered, want %d", got, test.want)
			}
		})
	}
}

// Neither slots of another tier come back to this one, nor those of a host that is out of service.
func TestSlotsThatRestElsewhereDoNotCount(t *testing.T) {
	w := resting(t, slices.Repeat([]time.Duration{20 * time.Hour}, 10)...)
	for _, key := range []pool.Key{{Kind: pool.Share, Tier: "large"}, shares, databases} {
		id := w.add(key, 10)
		for i := range 10 {
			w.rest(id, i+1, time.Minute)
		}
		if key == shares {
			w.change(id, func(h pool.Host) pool.Host { h.State = pool.HostCordoned; return h })
		}
	}
	w.must(w.check())
	if got := w.stacks.Count(); got != 1 || w.pool(shares).Counters.Cooling != 10 {
		t.Errorf("%d hosts were ordered", got)
	}
}

// Of many that come back soon, those of one request are counted: hosts are ordered for the others.
func TestSlotsThatRestAreCountedUpToAHundred(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.BufferSlots, p.MaxOrders, p.Ceiling = 120, 5, 20 })
	for range 12 {
		id := w.add(shares, 10)
		for i := range 10 {
			w.rest(id, i+1, time.Minute)
		}
	}
	w.must(w.check())
	if got := w.stacks.Count(); got != 2 {
		t.Errorf("%d hosts were ordered for the twenty that were not looked at", got)
	}
}

// A slot may come back while the tier is looked at: it counts then as one that rests, or as one that is free, and no host is
// ordered for it.
func TestASlotThatComesBackMeanwhileIsCounted(t *testing.T) {
	for _, at := range []string{"Pool", "OverdueClearances", "Clearances", "Hosts", "Shelf"} {
		for _, after := range []bool{false, true} {
			w := resting(t, slices.Repeat([]time.Duration{0}, 10)...)
			back := false
			free := func() {
				if back {
					return
				}
				back = true
				w.change("share-standard-1", func(h pool.Host) pool.Host {
					for i := range h.Slots {
						h.Slots[i].State = pool.SlotFree
					}
					return h
				})
			}
			store := killtest.Ledger{Next: w.ledger, Call: func(operation string, do func() error) error {
				if operation == at && !after {
					free()
				}
				err := do()
				if operation == at && after {
					free()
				}
				return err
			}}
			doc, err := outside{w, undisturbed}.Document(t.Context())
			w.must(err)
			s, err := ledger.Look(t.Context(), store, tier, doc, w.now)
			w.must(err)
			if plan := s.Plans()[pool.Share]; len(plan.Actions) > 0 || !back {
				t.Errorf("at %s (after: %v): %s", at, after, plan.Reason)
			}
		}
	}
}

// Where nothing rests for long a look reads what it always has read, and no more.
func TestWhereNothingRestsForLongNothingIsReadForIt(t *testing.T) {
	reads := func(w *world, coolDown time.Duration) map[string]int {
		calls := map[string]int{}
		store := killtest.Ledger{Next: w.ledger, Call: func(operation string, do func() error) error { calls[operation]++; return do() }}
		doc, err := outside{w, undisturbed}.Document(context.Background())
		w.must(err)
		doc.Terms.CoolDown = pool.Term(coolDown)
		_, err = ledger.Look(context.Background(), store, tier, doc, w.now)
		w.must(err)
		return calls
	}
	day := 24 * time.Hour
	for name, test := range map[string]struct {
		calls map[string]int
		more  bool
	}{
		"nothing rests":            {reads(resting(t), day), false},
		"what rests does briefly":  {reads(resting(t, time.Minute), time.Minute), false},
		"what rests does for long": {reads(resting(t, time.Minute), day), true},
	} {
		c := test.calls
		if got := c["OverdueClearances"]+c["Clearances"]+c["Hosts"] > 0; got != test.more || c["Pool"] == 2 == test.more {
			t.Errorf("%s: %v", name, c)
		}
	}
}

// That rests can't be read is the check's failure: what it would order without them may be too much.
func TestRestsThatCannotBeReadFailTheCheck(t *testing.T) {
	for _, operation := range []string{"Clearances", "Hosts"} {
		w := resting(t, time.Minute)
		w.fail[operation] = errors.New("not now")
		if err := w.check(); err == nil {
			t.Errorf("without %s the check succeeds", operation)
		}
		if got := w.stacks.Count(); got != 0 {
			t.Errorf("without %s %d hosts are ordered", operation, got)
		}
	}
}
