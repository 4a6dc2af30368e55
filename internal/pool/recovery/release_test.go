package recovery

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// doubted is a stage in which slot 2 of each host is in quarantine since a recovery, and nothing is in it. Slot 1 is acme's.
func doubted() (w *world) {
	w = heldWorld()
	for id, h := range w.books.Hosts {
		h = h.Clone()
		s := h.Slot(2)
		s.State, s.Doubt, s.Since = pool.SlotQuarantined, "it may hold somebody's data", w.now
		w.books.Hosts[id] = h
	}
	w.now = w.now.Add(time.Hour)
	return w
}

func TestASlotInDoubtThatIsNobodysIsGivenBack(t *testing.T) {
	for _, id := range []pool.HostID{"database-standard-1", "share-standard-1"} {
		w := doubted()
		c, why, err := Release(w.books, w.found(), id, 2, w.now)
		if err != nil || why != "" {
			t.Fatalf("%s: %q, %v", id, why, err)
		}
		s := c.After.Slot(2)
		if s.State != pool.SlotReturned || s.Tenant != "" || s.Doubt != "" || !s.Since.Equal(w.now) || c.After.Step != pool.StepClose {
			t.Errorf("it is %+v, and its host at step %q", s, c.After.Step)
		}
		if c.Before.Slot(2).State != pool.SlotQuarantined || c.After.Slot(1).State != pool.SlotAssigned {
			t.Errorf("before it is %+v, and slot 1 is %+v", c.Before.Slot(2), c.After.Slot(1))
		}
	}
}

// Another recovery gives back what was in doubt, too, but not what is in quarantine by a departure.
func TestARecoveryGivesBackWhatIsNobodysByNow(t *testing.T) {
	w := doubted()
	h := w.books.Hosts["share-standard-1"].Clone()
	h.Slot(3).State = pool.SlotQuarantined
	w.books.Hosts[h.ID] = h
	f := w.found()
	p := Make(w.books, f, w.now)
	after := apply(w.books, p, w)
	for id, h := range after.Hosts {
		if s := h.Slot(2); s.State != pool.SlotReturned || s.Doubt != "" {
			t.Errorf("slot %s/2 is %+v", id, s)
		}
	}
	h = after.Hosts["share-standard-1"]
	if s := h.Slot(3); s.State != pool.SlotQuarantined || len(p.Lines) != 2 || p.Lines[0].What != "give back" {
		t.Errorf("slot 3 is %+v, and it does %v", s, p.Lines)
	}
	if again := Make(after, f, w.now); !again.Done() {
		t.Errorf("a second plan does %v", again.Lines)
	}
}

// A later generation stands than is on record: that is the one that is given back.
func TestTheGenerationThatStandsIsGivenBack(t *testing.T) {
	w := doubted()
	f := w.found()
	h := f.Hosts["share-standard-1"]
	later := h.Slots[1]
	later.Generation, later.Name, later.Share = 2, "later", "share-later"
	h.Slots = append(h.Slots, later)
	f.Hosts["share-standard-1"] = h
	c, why, err := Release(w.books, f, "share-standard-1", 2, w.now)
	if s := c.After.Slot(2); err != nil || why != "" || s.Generation != 2 || s.Name != "later" || s.Share != "share-later" {
		t.Errorf("it is %+v: %q, %v", s, why, err)
	}
}

// Each thing that may make a slot somebody's keeps it in quarantine.
func TestASlotThatMayBeSomebodysStaysInQuarantine(t *testing.T) {
	const database, share = pool.HostID("database-standard-1"), pool.HostID("share-standard-1")
	found := func(id pool.HostID, change func(*Slot)) func(*world, *Found) {
		return func(_ *world, f *Found) {
			h := f.Hosts[id]
			h.Slots = slices.Clone(h.Slots)
			change(&h.Slots[1])
			f.Hosts[id] = h
		}
	}
	host := func(id pool.HostID, change func(*pool.Host)) func(*world, *Found) {
		return func(w *world, _ *Found) {
			h := w.books.Hosts[id].Clone()
			change(&h)
			w.books.Hosts[id] = h
		}
	}
	there := func(id pool.HostID, change func(*Host)) func(*world, *Found) {
		return func(_ *world, f *Found) {
			h := f.Hosts[id]
			change(&h)
			f.Hosts[id] = h
		}
	}
	earlier := func(id pool.HostID) func(*world, *Found) {
		return func(_ *world, f *Found) {
			h := f.Hosts[id]
			h.Slots = append(slices.Clone(h.Slots), Slot{Index: 2, Generation: 2, Name: "later"})
			h.Slots[1].Holds = true
			f.Hosts[id] = h
		}
	}
	at := pool.Holding{Host: database, Index: 2, Generation: 1}
	for name, test := range map[string]struct {
		id  pool.HostID
		so  func(*world, *Found)
		why string
	}{
		"somebody reaches it":           {database, found(database, func(s *Slot) { s.Open = true }), "somebody can reach generation 1"},
		"something is in it":            {database, found(database, func(s *Slot) { s.Holds = true }), "generation 1 is not known to be empty"},
		"something is in its bucket":    {share, found(share, func(s *Slot) { s.Holds = true }), "generation 1 is not known to be empty"},
		"its share bears a tag":         {share, found(share, func(s *Slot) { s.Tenant = "globex" }), "bears the tag of tenant globex"},
		"its share serves somebody":     {share, found(share, func(s *Slot) { s.Open = true }), "somebody can reach generation 1"},
		"an earlier generation is full": {database, earlier(database), "generation 1 is not known to be empty"},
		"it does not stand":             {database, there(database, func(h *Host) { h.Slots = h.Slots[:1] }), "it does not stand on its host"},
		"an earlier generation stands":  {database, host(database, func(h *pool.Host) { h.Slot(2).Generation = 2 }), "generation 1 stands, which is before generation 2"},
		"its host was not looked into":  {database, there(database, func(h *Host) { h.Blind = "it does not answer" }), "it does not answer"},
		"its host is gone":              {database, func(_ *world, f *Found) { delete(f.Hosts, database) }, "its host does not stand"},
		"another host stands there":     {database, there(database, func(h *Host) { h.Order = "another" }), "its host does not stand"},
		"its host is on its way out":    {database, host(database, func(h *pool.Host) { h.State = pool.HostRetiring }), "its host is retiring"},
		"its host is being repaired":    {share, host(share, func(h *pool.Host) { h.Repair = 1 }), "its host is being repaired"},
		"it is a clearance's":           {database, host(database, func(h *pool.Host) { h.Slot(2).Doubt = "" }), "not in quarantine by a recovery"},
		"it is free":                    {database, host(database, func(h *pool.Host) { h.Slot(2).State = pool.SlotFree }), "it is free"},
		"it was quarantined just now":   {database, host(database, func(h *pool.Host) { h.Slot(2).Since = began.Add(time.Hour * 2) }), "only just now"},
		"it is on no record":            {database, func(w *world, _ *Found) { delete(w.books.Hosts, database) }, "it is not on record"},
		"not all could be listed":       {database, func(_ *world, f *Found) { f.Blind = []string{"could not look at secrets"} }, "could not look at secrets"},
		"its tenant has two secrets": {database, func(w *world, f *Found) {
			h := w.books.Hosts[database]
			for _, mark := range []string{"m7", "m8"} { // and both databases are open
				f.Secrets = append(f.Secrets, Secret{Tenant: "globex", Mark: mark, ARN: "arn:" + mark, Database: pool.DatabaseName(h.Slot(len(f.Secrets) + 1).Name)})
			}
			found(database, func(s *Slot) { s.Open = true })(w, f)
			f.Hosts[database].Slots[2].Open = true
		}, "generation 1: it is not known by which of its secrets tenant globex logs in"},
		"it is a tenant's by its secret": {database, func(w *world, f *Found) {
			*f = w.found()
			h := w.books.Hosts[database].Clone()
			s := h.Slot(1)
			s.State, s.Doubt = pool.SlotQuarantined, "nobody knows"
			h.Slots[0], h.Slots[1] = h.Slots[1], h.Slots[0]
			h.Slots[0].Index, h.Slots[1].Index = 1, 2
			w.books.Hosts[database] = h
			is := f.Hosts[database]
			is.Slots[0].Index, is.Slots[1].Index = 2, 1
		}, "generation 1 is tenant acme's: headroom recover gives it back"},
		"a tenant has it by its record": {database, func(w *world, _ *Found) {
			w.books.Tenants["globex"] = pool.Tenant{ID: "globex", State: pool.TenantWaiting, Database: at}
		}, "by its record it is tenant globex's"},
		"a departure clears it": {database, func(w *world, _ *Found) {
			w.books.Tenants["globex"] = pool.Tenant{ID: "globex", State: pool.TenantLeft}
			w.books.Departures["globex"] = []pool.Departure{{Tenant: pool.Tenant{ID: "globex", Mark: "m9", Database: at}, State: pool.DepartureScrubbing}}
		}, "it is cleared by departure globex.m9"},
		"a tenant moves there": {database, func(w *world, _ *Found) {
			w.books.Restorations["acme"] = pool.Restoration{Tenant: "acme", Number: 1, Move: true, State: pool.RestorationRestoring, Target: at}
		}, "restoration acme.move-1 is under way in it"},
		"a claim is for it": {database, func(w *world, _ *Found) {
			h := w.books.Hosts[database]
			shelf := pool.NewShelf("standard")
			shelf.Held["globex"] = pool.Hold{Database: h.Slot(2).Offer(database), Share: pool.Offer{Host: 1, Index: 3, Generation: 1}}
			w.books.Shelves["standard"] = shelf
		}, "a claim on the shelf is for it"},
	} {
		t.Run(name, func(t *testing.T) {
			w := doubted()
			f := w.found()
			test.so(w, &f)
			if c, why, err := Release(w.books, f, test.id, 2, w.now); err != nil || !strings.Contains(why, test.why) || c.After.ID != "" {
				t.Errorf("%q, %v, and it is %+v", why, err, c.After.Slot(2))
			}
		})
	}
}

// A signup that was cut short was about to open it, and its tenant is not on record: nobody was told of it, and it is shut and empty.
func TestASlotOfASignupThatWasCutShortIsGivenBack(t *testing.T) {
	w := newWorld()
	w.order(pool.Database)
	w.order(pool.Share)
	w.finish("database-standard-1")
	w.finish("share-standard-1")
	w.signUp("acme", "10.0.0.1", true)
	books := newWorld().books // the table was lost
	after := apply(books, Make(books, w.found(), w.now), w)
	h := after.Hosts["database-standard-1"].Clone()
	if !h.Slot(1).Doubted() || h.Slot(2).Doubt != "" || h.Slot(2).State != pool.SlotFree {
		t.Fatalf("its slots are %+v", h.Slots)
	}
	w.now = w.now.Add(time.Minute)
	c, why, err := Release(after, w.found(), h.ID, 1, w.now)
	if err != nil || why != "" || c.After.Slot(1).State != pool.SlotReturned {
		t.Errorf("it is %+v: %q, %v", c.After.Slot(1), why, err)
	}
}

// What a recovery quarantined, and turns out to be a tenant's, is not doubted any more.
func TestASlotInDoubtThatIsATenantsIsGivenToIt(t *testing.T) {
	for _, state := range []pool.SlotState{pool.SlotQuarantined, pool.SlotRetired} {
		w := heldWorld()
		before := w.books.clone()
		h := before.Hosts["database-standard-1"]
		s := h.Slot(1)
		s.State, s.Doubt = state, "it may hold somebody's data"
		after := apply(before, Make(before, w.found(), w.now), w)
		h = after.Hosts["database-standard-1"]
		if s := h.Slot(1); s.State != pool.SlotAssigned || s.Tenant != "acme" || s.Doubt != "" {
			t.Errorf("it was %s, and is %+v", state, s)
		}
	}
}
