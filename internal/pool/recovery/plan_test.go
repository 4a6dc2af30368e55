package recovery

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

// apply writes what a plan says, as its handler does.
func apply(b Books, p Plan, w *world) Books {
	b = b.clone()
	for _, c := range p.Hosts {
		b.Hosts[c.After.ID] = c.After.Clone()
	}
	for _, c := range p.Tenants {
		b.Tenants[c.After.ID] = c.After.Clone()
	}
	for _, asked := range p.Leave {
		leave(&b, asked.Tenant, w.now)
	}
	for _, asked := range p.Stay {
		end(&b, asked.Tenant, true, w.draw)
	}
	return b
}

// wrong says what is not as it must be after a recovery.
func (w *world) wrong(before, after Books, unsure []Line) (found []string) {
	asked := func(id pool.TenantID) bool {
		return slices.ContainsFunc(unsure, func(l Line) bool { return l.Of == "tenant "+string(id) })
	}
	bad := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	given := map[string]pool.TenantID{}
	for id, t := range after.Tenants {
		if t.State != pool.TenantReady {
			continue
		}
		for _, has := range []pool.Holding{t.Database, t.Share} {
			key := fmt.Sprint(has.Host, "/", has.Index)
			if other, taken := given[key]; taken {
				bad("%s is tenant %s's and %s's", key, other, id)
			}
			given[key] = id
			h := after.Hosts[has.Host]
			if s := h.Slot(has.Index); s != nil && s.State == pool.SlotOffered && settles(after, h, *s) {
				continue
			}
			if s := h.Slot(has.Index); s == nil || s.State != pool.SlotAssigned || s.Tenant != id || s.Generation != has.Generation {
				bad("%s is tenant %s's, and its host says %+v", key, id, s)
			}
		}
	}
	for id, t := range after.Tenants {
		for _, has := range replayed(after, t) {
			h := w.books.Hosts[has.Host]
			if s := h.Slot(has.Index); s == nil || s.Generation != has.Generation || s.Tenant != "" && s.Tenant != id {
				bad("the signup of tenant %s opens %s/%d, and that is truly %+v", id, has.Host, has.Index, s)
			}
		}
	}
	for id, truth := range w.books.Tenants {
		is := after.Tenants[id]
		if asked(id) { // that nobody else gets what it has is looked at all the same
			continue
		}
		for _, leaves := range w.departing(id) {
			if !slices.ContainsFunc(after.Departures[id], func(d pool.Departure) bool { return !d.State.Ended() && d.Tenant.Mark == leaves.Tenant.Mark }) {
				bad("tenant %s was leaving with mark %s, and is not any more", id, leaves.Tenant.Mark)
			}
		}
		switch {
		case truth.State == pool.TenantReady:
			if is.State != pool.TenantReady || !is.Database.Same(truth.Database) || !is.Share.Same(truth.Share) || is.Mark != truth.Mark ||
				is.Secret != truth.Secret || !slices.Equal(is.Clients(), truth.Clients()) || is.Database.Name != truth.Database.Name {
				bad("tenant %s is %+v, and truly %+v", id, is, truth)
			}
		case is.State == pool.TenantReady:
			bad("tenant %s is ready, and truly %s", id, truth.State)
		}
	}
	for id, h := range after.Hosts {
		for _, s := range h.Slots {
			truth := w.books.Hosts[id]
			was := before.Hosts[id]
			if old := was.Slot(s.Index); old != nil && s.Generation < old.Generation {
				bad("slot %s/%d went back from generation %d to %d", id, s.Index, old.Generation, s.Generation)
			}
			if taken(s.State) || !h.State.Live() || s.State == pool.SlotOffered && settles(after, h, s) {
				continue
			}
			is := truth.Slot(s.Index)
			if is != nil && is.Generation == s.Generation && heldFor(after, h, s) == is.Tenant && is.Tenant != "" {
				continue // nobody else gets it
			}
			if is == nil || taken(is.State) || is.Generation != s.Generation || is.Name != s.Name || is.Share != s.Share {
				bad("slot %s/%d is %s, and truly %+v", id, s.Index, s.State, is)
			}
		}
		if truth := w.books.Hosts[id]; h.State.Live() && h.State != pool.HostOrdered && !truth.State.Live() {
			bad("host %s is %s, and truly %s", id, h.State, truth.State)
		}
	}
	for id, truth := range w.books.Hosts {
		if truth.State.Live() && truth.State != pool.HostOrdered && (!after.Hosts[id].State.Live() || after.Hosts[id].Mark != truth.Mark) {
			bad("host %s is %q, and truly %s", id, after.Hosts[id].State, truth.State)
		}
	}
	return found
}

// TestWhateverTheTableIsPutBackTo makes a random stage and puts its table back to any earlier time, or to nothing.
func TestWhateverTheTableIsPutBackTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.order(pool.Database)
		w.order(pool.Share)
		w.finish("database-standard-1")
		w.finish("share-standard-1")
		earlier := []Books{newWorld().books}
		for range rapid.IntRange(1, 25).Draw(t, "n") {
			earlier = append(earlier, w.books.clone())
			w.happen(t)
		}
		before := unsettled(t, rapid.SampledFrom(earlier).Draw(t, "put back to"))
		f := w.found()
		p := Make(before, f, w.now)
		after := apply(before, p, w)
		for _, bad := range w.wrong(before, after, p.Unsure) {
			t.Error(bad)
		}
		for id, h := range after.Hosts {
			for _, s := range h.Slots {
				if c, why, _ := Release(after, f, id, s.Index, w.now); why == "" && c.After.ID != "" {
					truth := w.books.Hosts[id]
					if is := truth.Slot(s.Index); is == nil || taken(is.State) || is.Generation != c.After.Slot(s.Index).Generation {
						t.Errorf("slot %s/%d is given back, and truly %+v", id, s.Index, is)
					}
				}
			}
		}
		again := Make(after, f, w.now)
		// Of two lives that leave the second is asked to leave once the first has its departure.
		twoLeave := slices.ContainsFunc(p.Leave, func(asked Wish) bool {
			return slices.ContainsFunc(p.Unsure, func(l Line) bool {
				return l.What == "see to what is left of" && l.Of == "tenant "+string(asked.Tenant)
			})
		})
		if !twoLeave && (!again.Done() || len(again.Lines) > 0) {
			t.Errorf("a second plan does more: %v", again.Lines)
		}
		if t.Failed() {
			t.Logf("plan: %v\nunsure: %v", p.Lines, p.Unsure)
		}
	})
}

// A ledger that is true is left as it is.
func TestATrueLedgerIsLeftAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.order(pool.Database)
		w.order(pool.Share)
		for range rapid.IntRange(1, 30).Draw(t, "n") {
			w.happen(t)
		}
		for _, h := range w.books.Hosts { // what is set out lies on the shelf
			shelf := pool.NewShelf(h.Tier)
			if old, known := w.books.Shelves[h.Tier]; known {
				shelf = old
			}
			for _, s := range h.Slots {
				if s.State == pool.SlotOffered {
					shelf.SetOffers(h.Kind, append(shelf.Offers(h.Kind), s.Offer(h.ID)))
				}
			}
			w.books.Shelves[h.Tier] = shelf
		}
		// Of a signup that was cut short only the recovery says that it gets other slots.
		w.secrets = slices.DeleteFunc(w.secrets, func(s Secret) bool { return w.books.Tenants[s.Tenant].State == pool.TenantRequested })
		f, books := w.found(), w.books
		for _, id := range slices.Sorted(maps.Keys(w.books.Tenants)) {
			if rapid.Bool().Draw(t, "unsettled") {
				hold(&books, id, false)
			}
		}
		if p := Make(books, f, w.now); !p.Done() || len(p.Unsure) > 0 {
			t.Errorf("it does %v\nand is unsure of %v", p.Lines, p.Unsure)
		}
	})
}

// A signup was given other slots, and its secret for the first database stays, which is another's by now.
func TestASpentSecretDoesNotGiveAnothersDatabase(t *testing.T) {
	for name, test := range map[string]struct{ lost, leaves bool }{"put back": {}, "put back, and shut since": {leaves: true}, "lost": {lost: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			for _, kind := range []pool.Kind{pool.Database, pool.Database, pool.Share} {
				w.order(kind)
			}
			for id := range w.books.Hosts {
				w.finish(id)
			}
			w.signUp("zorg", "10.0.0.1", true)
			w.exchange("zorg", "10.0.0.1")
			w.signUp("acme", "10.0.0.2", false)
			before := w.books.clone()
			if test.lost {
				before = newWorld().books
			}
			if test.leaves {
				w.leave("zorg")
			}
			zorg, acme := w.books.Tenants["zorg"], w.books.Tenants["acme"]
			if pool.DatabaseName(acme.Database.Name) != w.secretOf("zorg", zorg.Spent[0]) {
				t.Fatalf("acme has %+v, and zorg's signup began with another", acme.Database)
			}
			p := Make(before, w.found(), w.now)
			after := apply(before, p, w)
			if bad := w.wrong(before, after, nil); len(bad) > 0 || len(p.Unsure) > 0 {
				t.Errorf("%v\nplan: %v\nunsure: %v", bad, p.Lines, p.Unsure)
			}
		})
	}
}

// A signup was given other slots, and the host of these does not answer: what it gave up is not taken for what it has.
func TestWhatASignupGaveUpIsNotItsBecauseTheOtherIsNotSeen(t *testing.T) {
	for name, blind := range map[string]bool{"seen": false, "not seen": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			for _, kind := range []pool.Kind{pool.Database, pool.Database, pool.Share} {
				w.order(kind)
			}
			for id := range w.books.Hosts {
				w.finish(id)
			}
			w.signUp("zorg", "10.0.0.1", true)
			w.exchange("zorg", "10.0.0.1")
			zorg, f := w.books.Tenants["zorg"], w.found()
			if blind {
				h := f.Hosts[zorg.Database.Host]
				h.Blind, h.Slots = "it does not answer", nil
				f.Hosts[zorg.Database.Host] = h
			}
			p := Make(newWorld().books, f, w.now)
			asks := slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant zorg" })
			if asks != blind || (len(p.Tenants) == 0) != blind {
				t.Errorf("it does %v, and is unsure of %v", p.Lines, p.Unsure)
			}
			after := apply(newWorld().books, p, w)
			for id, h := range after.Hosts {
				for _, s := range h.Slots {
					gaveUp := pool.DatabaseName(s.Name) == w.secretOf("zorg", zorg.Spent[0])
					if blind && (gaveUp || id == zorg.Share.Host && s.Index == zorg.Share.Index) && s.State != pool.SlotQuarantined {
						t.Errorf("slot %s/%d is %s", id, s.Index, s.State)
					}
				}
			}
		})
	}
}

// A signup opened a share on a host that answered no more, was given other slots, and was served; then the tenant was shut out of its
// share, and of its database or not yet. The share that is open still is not taken for its own.
func TestTheShareThatASignupGaveUpIsNotItsBecauseItIsOpen(t *testing.T) {
	for name, half := range map[string]bool{"shut out": false, "shut out half": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			for _, kind := range pool.Kinds {
				w.order(kind)
			}
			for id := range w.books.Hosts {
				w.finish(id)
			}
			w.signUp("zorg", "10.0.0.1", false)
			before, zorg := w.books.clone(), w.books.Tenants["zorg"]
			w.leave("zorg")
			f := w.found()
			for i := range f.Hosts[zorg.Share.Host].Slots {
				if s := &f.Hosts[zorg.Share.Host].Slots[i]; s.Index != zorg.Share.Index {
					s.Tenant, s.Open, s.Holds, s.Clients = "zorg", true, true, zorg.Clients()
					break
				}
			}
			if half {
				f.Hosts[zorg.Database.Host].Slots[zorg.Database.Index-1].Open = true
			}
			p := Make(before, f, w.now)
			if is := apply(before, p, w).Tenants["zorg"]; is.Share != zorg.Share || is.Database != zorg.Database {
				t.Errorf("it has %+v and %+v: %v", is.Database, is.Share, p.Lines)
			}
			if asks := slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant zorg" }); asks != half || (len(p.Leave) > 0) == half {
				t.Errorf("unsure of %v, has leave %v", p.Unsure, p.Leave)
			}
		})
	}
}

// By the record a tenant leaves, and is not shut out yet, or is being scrubbed; and it reaches all that it has: a person is asked.
func TestWhoLeavesByTheRecordAndIsInIsAskedAfter(t *testing.T) {
	for name, test := range map[string]struct {
		state pool.DepartureState
		shut  bool
		asks  int
	}{
		"yet to be shut out": {pool.DepartureLeaving, false, 1},
		"shut out":           {pool.DepartureLeaving, true, 0}, // it stays
		"scrubbed":           {pool.DepartureScrubbing, true, 1},
		"let in again":       {pool.DepartureUndoing, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := heldWorld()
			before := w.books.clone()
			leave(&before, "acme", w.now)
			d := &before.Departures["acme"][0]
			if d.State = test.state; !test.shut {
				d.Proofs = nil
			}
			if p := Make(before, w.found(), w.now); len(p.Unsure) != test.asks || len(p.Tenants)+len(p.Hosts) > 0 {
				t.Errorf("it does %v, and is unsure of %v", p.Lines, p.Unsure)
			}
		})
	}
}
