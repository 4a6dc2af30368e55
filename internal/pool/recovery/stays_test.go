package recovery

import (
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

// By the record acme was shut out to leave, and that was undone since: it reaches all that it has. That it leaves is undone again, but
// only if that gives it just what it has.
func TestWhoWasLetInAgainStays(t *testing.T) {
	const database, share = pool.HostID("database-standard-1"), pool.HostID("share-standard-1")
	found := func(id pool.HostID, change func(*Slot)) func(*world, *Books, *Found) {
		return func(_ *world, _ *Books, f *Found) {
			h := f.Hosts[id]
			h.Slots = slices.Clone(h.Slots)
			change(&h.Slots[0])
			f.Hosts[id] = h
		}
	}
	earlier := func(now pool.DepartureState) func(*world, *Books, *Found) { // another departure, of an earlier life, is under way
		return func(_ *world, before *Books, _ *Found) {
			old := before.Departures["acme"][0]
			old.Tenant.Mark = "earlier"
			before.Departures["acme"][0].State = now
			before.Departures["acme"] = append([]pool.Departure{old}, before.Departures["acme"]...)
		}
	}
	for name, test := range map[string]struct {
		so   func(*world, *Books, *Found)
		stay bool
		asks int
	}{
		"it was let in":                       {func(*world, *Books, *Found) {}, true, 0},
		"it has moved since":                  {func(w *world, _ *Books, f *Found) { w.move("acme"); *f = w.found() }, false, 1},
		"it has another address":              {func(w *world, _ *Books, f *Found) { w.readdress("acme", "10.0.0.9"); *f = w.found() }, false, 1},
		"it has another share":                {found(share, func(s *Slot) { s.Generation = 2 }), false, 1},
		"its database is shut":                {found(database, func(s *Slot) { s.Open = false }), false, 0}, // what was under way goes on
		"its share is shut":                   {found(share, func(s *Slot) { s.Open, s.Clients = false, []string{nobody} }), false, 0},
		"an earlier life leaves, and it, too": {earlier(pool.DepartureScrubbing), false, 1},
		"an earlier life leaves":              {earlier(pool.DepartureUndoing), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := heldWorld()
			before := w.books.clone()
			leave(&before, "acme", w.now)
			f := w.found()
			test.so(w, &before, &f)
			p := Make(before, f, w.now)
			// Whatever was sent after it was asked to leave, and comes yet, is a later word.
			stays := slices.Contains(p.Stay, Wish{"acme", w.now.Add(time.Millisecond)})
			if stays != test.stay || len(p.Stay) > 1 || len(p.Leave) > 0 {
				t.Errorf("stay %v, leave %v: %v", p.Stay, p.Leave, p.Lines)
			}
			asked := slices.DeleteFunc(slices.Clone(p.Unsure), func(l Line) bool { return l.Of != "tenant acme" })
			if len(asked) != test.asks {
				t.Errorf("it is unsure of %v", p.Unsure)
			}
			has := w.books.Tenants["acme"].Database
			after := apply(before, Plan{Hosts: p.Hosts, Tenants: p.Tenants}, w)
			h := after.Hosts[has.Host]
			if s := h.Slot(has.Index); s.State == pool.SlotFree || s.State == pool.SlotReturned || s.State == pool.SlotOffered {
				t.Errorf("its database is %+v", s)
			} else if name == "it has moved since" && s.Doubt != "it is tenant acme's, which leaves by the record" {
				t.Errorf("its database is in doubt because %q", s.Doubt)
			}
		})
	}
}

// The stack of acme's share is not whole, so its share can't be looked at; its database is shut, and holds something. It is not taken for
// a signup that was cut short, and given other slots.
func TestWhoHasSomethingAndNoShareThatIsSeenIsGivenNoOther(t *testing.T) {
	for name, state := range map[string]pool.TenantState{"asked for": pool.TenantRequested, "waits": pool.TenantWaiting, "not known": ""} {
		t.Run(name, func(t *testing.T) {
			w := heldWorld()
			before := w.books.clone()
			acme := before.Tenants["acme"]
			acme.State, acme.Database, acme.Share, acme.Secret = state, pool.Holding{}, pool.Holding{}, ""
			if before.Tenants["acme"] = acme; state == "" {
				delete(before.Tenants, "acme")
			}
			for _, id := range []pool.HostID{"database-standard-1", "share-standard-1"} {
				h := before.Hosts[id].Clone()
				h.Slots[0].State, h.Slots[0].Tenant = pool.SlotFree, ""
				before.Hosts[id] = h
			}
			f := w.found()
			sh, db := f.Hosts["share-standard-1"], f.Hosts["database-standard-1"]
			sh.Whole, sh.Blind, db.Slots[0].Open = false, "its stack is UPDATE_IN_PROGRESS", false
			f.Hosts["share-standard-1"] = sh
			p := Make(before, f, w.now)
			if len(p.Tenants) > 0 || !slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant acme" && l.What == "look for the share of" }) {
				t.Errorf("it does %v, and is unsure of %v", p.Lines, p.Unsure)
			}
			after := apply(before, p, w)
			h := after.Hosts["database-standard-1"]
			if s := h.Slot(1); s.State != pool.SlotQuarantined {
				t.Errorf("its database is %+v", s)
			}
		})
	}
}

// Nothing is on record, and acme was shut out with all that it has: it leaves again, and is not taken for a signup of which nobody knows
// any more for whom it was.
func TestWhoWasShutOutLeavesAgain(t *testing.T) {
	w := heldWorld()
	w.leave("acme")
	p := Make(newWorld().books, w.found(), w.now)
	made := w.secrets[0].Made
	if !slices.Equal(p.Leave, []Wish{{"acme", made.Add(time.Millisecond)}}) || len(p.Unsure) > 0 {
		t.Errorf("it does %v, asks for %v, and is unsure of %v", p.Lines, p.Leave, p.Unsure)
	}
}

// The record knows nothing of acme's departure. It was asked for after all that the record knows, and is so whenever the recovery is
// made: an undo that was sent since, and waits in a queue, is a later word. Else what acme has would be scrubbed.
func TestWhoLeavesAgainIsAskedToAsOfTheLastWordOnRecord(t *testing.T) {
	for name, knows := range map[string]func(of *pool.Tenant, at time.Time, w *world){
		"that it signed up":        func(of *pool.Tenant, at time.Time, _ *world) { of.RequestedAt = at },
		"that it has its storage":  func(of *pool.Tenant, at time.Time, _ *world) { of.ReadyAt = at },
		"that it stays":            func(of *pool.Tenant, at time.Time, _ *world) { of.LeftAt = at },
		"when its secret was made": func(_ *pool.Tenant, at time.Time, w *world) { w.secrets[0].Made = at },
	} {
		t.Run(name, func(t *testing.T) {
			w := heldWorld()
			before := w.books.clone()
			last := w.now.Add(time.Hour)
			acme := before.Tenants["acme"]
			knows(&acme, last, w)
			before.Tenants["acme"] = acme
			w.leave("acme")
			for _, later := range []time.Duration{2 * time.Hour, 3 * time.Hour} {
				p := Make(before, w.found(), w.now.Add(later))
				if !slices.Equal(p.Leave, []Wish{{"acme", last.Add(time.Millisecond)}}) {
					t.Errorf("after %s it asks for %v", later, p.Leave)
				}
				before = apply(before, Plan{Hosts: p.Hosts, Tenants: p.Tenants}, w)
			}
		})
	}
}

// A signup was cut short when its share served its address, and the ledger that knew that is lost. Another tenant has the address by now:
// to go on with the signup would open what it is to get to that one.
func TestASignupDoesNotGoOnToAnAddressThatIsAnothers(t *testing.T) {
	for name, another := range map[string]func(b *Books, f *Found){
		"by its record": func(b *Books, _ *Found) {
			b.Tenants["globex"] = pool.Tenant{ID: "globex", Tier: "standard", State: pool.TenantRequested, Addresses: []string{"10.0.0.1"}}
		},
		"by what stands": func(_ *Books, f *Found) {
			s := &f.Hosts["share-standard-1"].Slots[1]
			s.Tenant, s.Open, s.Holds, s.Clients = "globex", true, true, []string{"10.0.0.1/32"}
		},
		"": func(*Books, *Found) {},
	} {
		t.Run(name, func(t *testing.T) {
			w := heldWorld()
			f, before := w.found(), newWorld().books
			db := &f.Hosts["database-standard-1"].Slots[0]
			db.Open, db.Holds = false, false
			another(&before, &f)
			p := Make(before, f, w.now)
			acme := apply(before, p, w).Tenants["acme"]
			if goesOn := acme.State == pool.TenantRequested && acme.Named(); goesOn != (name == "") {
				t.Errorf("it is %+v: %v", acme, p.Lines)
			}
			asks := slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant acme" && l.What == "decide for" })
			if asks != (name != "") {
				t.Errorf("unsure of %v", p.Unsure)
			}
			for _, id := range []pool.HostID{"database-standard-1", "share-standard-1"} {
				h := apply(before, p, w).Hosts[id]
				if s := h.Slot(1); name != "" && s.State != pool.SlotQuarantined {
					t.Errorf("slot %s/1 is %+v", id, s)
				}
			}
		})
	}
}

// Nothing is on record, and acme was being shut out: of its database already, and not of its share, whose gateway did not answer. Its
// database holds what it wrote, so it is no signup that was cut short when its share was open: that would be given other slots if it
// failed, and what acme wrote would be the next one's.
func TestWhoIsShutOutHalfIsNoSignupThatWasCutShort(t *testing.T) {
	for what, state := range map[string]pool.TenantState{"rows": pool.TenantReady, "files": pool.TenantReady, "": pool.TenantRequested} {
		w := heldWorld()
		f := w.found()
		db, share := &f.Hosts["database-standard-1"].Slots[0], &f.Hosts["share-standard-1"].Slots[0]
		db.Open, db.Holds, share.Full = false, what == "rows", what == "files"
		p := Make(newWorld().books, f, w.now)
		acme := apply(newWorld().books, p, w).Tenants["acme"]
		asks := slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant acme" && l.What == "let in or put out" })
		if acme.State != state || asks != (what != "") {
			t.Errorf("with %q in it it is %s, and unsure is %v", what, acme.State, p.Unsure)
		}
	}
}

// acme's share serves another address than is on record, which is that of one who signs up by now: that one is not let into what acme has.
func TestAnAddressIsNotTakenOverThatIsAnothersByNow(t *testing.T) {
	w := heldWorld()
	before := w.books.clone()
	w.readdress("acme", "10.0.0.9")
	before.Tenants["wonka"] = pool.Tenant{ID: "wonka", Tier: "standard", State: pool.TenantWaiting, Addresses: []string{"10.0.0.9"}}
	p := Make(before, w.found(), w.now)
	if acme := apply(before, p, w).Tenants["acme"]; slices.Contains(acme.Addresses, "10.0.0.9") {
		t.Errorf("it is %+v", acme)
	}
	if !slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant acme" && l.What == "decide for" }) {
		t.Errorf("unsure of %v", p.Unsure)
	}
}

// acme is shut out, and its address on record is by now that of globex, whose share serves it. Were it let in again as it was, so would
// globex's machine be: acme is recorded without that address, and its other one is kept.
func TestWhoIsShutOutHasNoAddressThatIsAnothersByNow(t *testing.T) {
	for name, test := range map[string]struct {
		state pool.TenantState // by its record
		wrote bool
		want  []string
	}{
		"it was ready":                                  {pool.TenantReady, true, []string{"10.0.0.8"}},
		"it was ready, and wrote nothing":               {pool.TenantReady, false, []string{"10.0.0.8"}},
		"it was signing up by its record, and has been": {pool.TenantRequested, true, []string{"10.0.0.8"}},
		"it was signing up, and has not been served":    {pool.TenantRequested, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := heldWorld()
			before := w.books.clone()
			acme := before.Tenants["acme"]
			acme.Addresses = []string{"10.0.0.1", "10.0.0.8"}
			if acme.State = test.state; test.state == pool.TenantRequested {
				acme.Progress = pool.Started(pool.StepOpen, w.now)
			}
			before.Tenants["acme"] = acme
			f := w.found()
			db, share := &f.Hosts["database-standard-1"].Slots[0], &f.Hosts["share-standard-1"].Slots[0]
			db.Open, db.Holds, share.Open, share.Holds, share.Full, share.Clients = false, test.wrote, false, test.wrote, test.wrote, []string{f.Nobody}
			globex := &f.Hosts["share-standard-1"].Slots[1]
			globex.Tenant, globex.Open, globex.Holds, globex.Clients = "globex", true, true, []string{"10.0.0.1/32"}
			p := Make(before, f, w.now)
			after := apply(before, Plan{Hosts: p.Hosts, Tenants: p.Tenants}, w)
			if test.want == nil {
				if !slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant acme" && l.What == "decide for" }) {
					t.Errorf("unsure of %v", p.Unsure)
				}
				return
			}
			if got := after.Tenants["acme"]; got.State != pool.TenantReady || !slices.Equal(got.Reached(), test.want) {
				t.Errorf("it is %s, with %v: %v", got.State, got.Reached(), p.Lines)
			}
			if again := Make(after, f, w.now); len(again.Tenants) > 0 {
				t.Errorf("made once more, the plan is %v", again.Lines)
			}
		})
	}
}

// acme is not on record, and its share serves an address that is wonka's by now, whose signup is about to open a share of its own for it.
func TestAnAddressIsNotTakenFromOneWhoseShareIsNotOpenYet(t *testing.T) {
	for _, open := range []bool{false, true} {
		w := heldWorld()
		before := w.books.clone()
		delete(before.Tenants, "acme")
		address := w.books.Tenants["acme"].Addresses[0]
		before.Tenants["wonka"] = pool.Tenant{ID: "wonka", Tier: "standard", State: pool.TenantRequested, Mark: "m9", Addresses: []string{address}}
		f := w.found()
		its := &f.Hosts["share-standard-1"].Slots[1]
		its.Tenant, its.Clients = "wonka", []string{nobody}
		if open { // then wonka has another address by now
			its.Open, its.Clients = true, []string{"10.0.0.9/32"}
		}
		p := Make(before, f, w.now)
		acme := apply(before, p, w).Tenants["acme"]
		asks := slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant acme" && l.What == "decide for" })
		if has := slices.Contains(acme.Addresses, address); has != open || asks == open {
			t.Errorf("with wonka's share open %t it is %+v, unsure of %v", open, acme, p.Unsure)
		}
	}
}

// acme's database host does not answer, and its share serves another address than is on record, which has become another tenant's since.
func TestAddressesAreMadeTrueWhateverIsKnownOfTheDatabase(t *testing.T) {
	w := heldWorld()
	before := w.books.clone()
	w.readdress("acme", "10.0.0.9")
	f := w.found()
	db := f.Hosts["database-standard-1"]
	db.Blind = "it does not answer"
	f.Hosts["database-standard-1"] = db
	p := Make(before, f, w.now)
	after := apply(before, p, w)
	if got := after.Tenants["acme"].Reached(); !slices.Equal(got, []string{"10.0.0.9"}) {
		t.Errorf("it has %v: %v", got, p.Lines)
	}
	if got, want := after.Tenants["acme"].Database, before.Tenants["acme"].Database; got != want {
		t.Errorf("its database is %+v, and not %+v", got, want)
	}
	if again := Make(after, f, w.now); len(again.Tenants) > 0 {
		t.Errorf("made once more, the plan is %v", again.Lines)
	}
	// Another signs up from that address by now: whose it is is for people to say.
	before.Tenants["wonka"] = pool.Tenant{ID: "wonka", Tier: "standard", State: pool.TenantWaiting, Addresses: []string{"10.0.0.9"}}
	if p := Make(before, f, w.now); p.changed("acme") {
		t.Errorf("it is changed: %v", p.Lines)
	}
}

func (p Plan) changed(id pool.TenantID) bool {
	return slices.ContainsFunc(p.Tenants, func(c TenantChange) bool { return c.After.ID == id })
}

// acme is ready by the record, nobody can reach its database, and its share's host does not answer: whether it leaves is for people to say.
func TestWhoIsReadyAndShutIsAskedAbout(t *testing.T) {
	for _, open := range []bool{false, true} {
		w := heldWorld()
		f := w.found()
		f.Hosts["database-standard-1"].Slots[0].Open = open
		shares := f.Hosts["share-standard-1"]
		shares.Blind = "it does not answer"
		f.Hosts["share-standard-1"] = shares
		p := Make(w.books, f, w.now)
		if asks := slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.Of == "tenant acme" }); asks == open {
			t.Errorf("open %t: unsure of %v", open, p.Unsure)
		}
		if len(p.Tenants)+len(p.Leave) > 0 {
			t.Errorf("open %t: it does %v", open, p.Lines)
		}
	}
}
