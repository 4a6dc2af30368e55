package recovery

import (
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

// By the record acme has what it had in its first life. It has left since, and has signed up again. What its first life had is shut, and
// holds its data: it is nobody's, a person is asked, and the secret that says whose it is does not go with the second life.
func TestWhatAnEarlierLifeLeftIsKeptForPeople(t *testing.T) {
	w := heldWorld()
	before := w.books.clone()
	first := before.Tenants["acme"]
	w.leave("acme")
	w.signUp("acme", "10.0.0.9", false)
	second := w.books.Tenants["acme"]
	if second.Mark == first.Mark || second.Database.Same(first.Database) {
		t.Fatalf("it has signed up as %+v", second)
	}
	p := Make(before, w.found(), w.now)
	if !slices.ContainsFunc(p.Unsure, func(l Line) bool { return l.What == "see to what is left of" && l.Of == "tenant acme" }) {
		t.Errorf("it is unsure of %v", p.Unsure)
	}
	after := apply(before, p, w)
	acme := after.Tenants["acme"]
	if acme.State != pool.TenantReady || acme.Mark != second.Mark || !acme.Database.Same(second.Database) || !acme.Share.Same(second.Share) || slices.Contains(acme.Spent, first.Mark) {
		t.Errorf("it is %+v", acme)
	}
	for _, had := range []pool.Holding{first.Database, first.Share} {
		h := after.Hosts[had.Host]
		if s := h.Slot(had.Index); s.State != pool.SlotQuarantined || !s.Doubted() {
			t.Errorf("slot %s/%d is %+v", had.Host, had.Index, s)
		}
	}
	if again := Make(after, w.found(), w.now); !again.Done() {
		t.Errorf("there is left to do: %v", again.Lines)
	}
}

// What an earlier life had was made anew since: nothing is left that its secret could tell of.
func TestTheSecretOfAnEarlierLifeThatIsClearedIsSpent(t *testing.T) {
	w := heldWorld()
	before := w.books.clone()
	first := before.Tenants["acme"]
	secrets := slices.Clone(w.secrets)
	w.leave("acme")
	w.end("acme", false)
	w.secrets = secrets // but for its secret
	w.signUp("acme", "10.0.0.9", false)
	p := Make(before, w.found(), w.now)
	after := apply(before, p, w)
	if acme := after.Tenants["acme"]; !slices.Contains(acme.Spent, first.Mark) || len(p.Unsure) > 0 {
		t.Errorf("it has spent %v, and it is unsure of %v", acme.Spent, p.Unsure)
	}
}

// A slot that a departure or a restoration clears is not in doubt because its tenant has another.
func TestWhatIsBeingClearedIsNotInDoubt(t *testing.T) {
	for name, under := range map[string]func(b *Books, first pool.Tenant){
		"by a departure": func(b *Books, first pool.Tenant) {
			b.Departures["acme"] = []pool.Departure{{Tenant: first, State: pool.DepartureScrubbing}}
		},
		"by a restoration": func(b *Books, first pool.Tenant) {
			delete(b.Departures, "acme")
			b.Restorations["acme"] = pool.Restoration{Tenant: "acme", State: pool.RestorationRestoring, Database: first.Database, Share: first.Share}
		},
		"by a move that is over": func(b *Books, first pool.Tenant) {
			delete(b.Departures, "acme")
			kept := []pool.KeptDatabase{{Holding: first.Database, Move: "acme.move-1"}, {Holding: first.Share, Move: "acme.move-1"}}
			b.Restorations["acme"] = pool.Restoration{Tenant: "acme", State: pool.RestorationRestored, Kept: kept}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := heldWorld()
			first := w.books.Tenants["acme"]
			w.leave("acme")
			w.signUp("acme", "10.0.0.9", false)
			b := w.books.clone()
			under(&b, first)
			for _, had := range []pool.Holding{first.Database, first.Share} {
				h := b.Hosts[had.Host].Clone()
				h.Slot(had.Index).State = pool.SlotAssigned
				b.Hosts[had.Host] = h
			}
			p := Make(b, w.found(), w.now)
			after := apply(b, p, w)
			for _, had := range []pool.Holding{first.Database, first.Share} {
				h := after.Hosts[had.Host]
				if s := h.Slot(had.Index); s.State != pool.SlotAssigned {
					t.Errorf("slot %s/%d is %+v", had.Host, had.Index, s)
				}
			}
		})
	}
}

// acme leaves, as its record says, and was signing up again when the table was put back. The share that its departure clears bears its
// tag still: it is no share for what it signs up to, which would be scrubbed with its data in it.
func TestTheShareOfADepartureIsNotGivenToTheNextLife(t *testing.T) {
	w := heldWorld()
	first := w.books.Tenants["acme"]
	w.leave("acme")
	before := w.books.clone()
	w.signUp("acme", "10.0.0.9", true)
	p := Make(before, w.found(), w.now)
	after := apply(before, p, w)
	if acme := after.Tenants["acme"]; acme.State != pool.TenantLeft || acme.Mark != first.Mark {
		t.Errorf("it is %+v", acme)
	}
	h := after.Hosts[first.Share.Host]
	if s := h.Slot(first.Share.Index); s.State != pool.SlotLeaving {
		t.Errorf("the share that is being cleared is %+v", s)
	}
}

// acme's database of an earlier life stands on a host that does not answer: what becomes of its secret is decided once it does.
func TestTheSecretOfAnEarlierLifeThatIsNotSeenIsKept(t *testing.T) {
	w := newWorld()
	for _, kind := range []pool.Kind{pool.Database, pool.Share} {
		w.order(kind)
	}
	w.finish("database-standard-1")
	w.finish("share-standard-1")
	w.signUp("acme", "10.0.0.1", false)
	before := w.books.clone()
	first := before.Tenants["acme"]
	w.leave("acme")
	w.order(pool.Database)
	w.finish("database-standard-2")
	for i := range w.books.Hosts[first.Database.Host].Slots { // so that it gets one of the other host
		if s := &w.books.Hosts[first.Database.Host].Slots[i]; s.State == pool.SlotFree {
			s.State = pool.SlotRetired
		}
	}
	w.signUp("acme", "10.0.0.9", false)
	f := w.found()
	h := f.Hosts[first.Database.Host]
	h.Blind = "it does not answer"
	f.Hosts[first.Database.Host] = h
	acme := apply(before, Make(before, f, w.now), w).Tenants["acme"]
	if acme.Mark == first.Mark || slices.Contains(acme.Spent, first.Mark) {
		t.Errorf("it is %+v", acme)
	}
}

// A life that a recovery finds has departures of its own: it has none of the number of an earlier life's.
func TestALifeHasTheDeparturesThatAreItsOwn(t *testing.T) {
	w := heldWorld()
	acme := w.books.Tenants["acme"]
	w.leave("acme")
	w.end("acme", true)
	before := w.books.clone()
	if before.Tenants["acme"].Undone != 1 {
		t.Fatalf("it is %+v", before.Tenants["acme"])
	}
	w.leave("acme")
	w.signUp("acme", "10.0.0.9", false)
	after := apply(before, Make(before, w.found(), w.now), w).Tenants["acme"]
	if _, undone := pool.UndoneOf(after); after.Mark == acme.Mark || undone {
		t.Errorf("it is %+v", after)
	}
}

// A signup of acme gave a database up, which globex got since, and leaves by the record: acme's secret for that is spent, for it is known
// whose it is, and nobody need be asked.
func TestASecretForWhatADepartureClearsIsSpent(t *testing.T) {
	w := heldWorld()
	before := w.books.clone()
	w.signUp("globex", "10.0.0.5", false)
	gaveUp := pool.DatabaseName(w.books.Tenants["globex"].Database.Name)
	w.secrets = append(w.secrets, Secret{Tenant: "acme", Mark: "gave up", ARN: "arn:gave-up", Database: gaveUp, Made: w.now})
	w.leave("globex")
	known := w.books.clone()
	known.Tenants["acme"] = before.Tenants["acme"]
	w.readdress("acme", "10.0.0.9")
	p := Make(known, w.found(), w.now)
	if acme := apply(known, p, w).Tenants["acme"]; !slices.Contains(acme.Spent, "gave up") || len(p.Unsure) > 0 {
		t.Errorf("it has spent %v, and unsure is %v", acme.Spent, p.Unsure)
	}
}

// By the shelf acme holds what its first life had, which is shut and holds its data; its second has others. The claim is not believed.
func TestTheClaimOfAnEarlierLifeIsNotBelieved(t *testing.T) {
	w := heldWorld()
	first := w.books.Tenants["acme"]
	before := w.books.clone()
	hold(&before, "acme", false)
	w.leave("acme")
	w.signUp("acme", "10.0.0.9", false)
	after := apply(before, Make(before, w.found(), w.now), w)
	for _, had := range []pool.Holding{first.Database, first.Share} {
		h := after.Hosts[had.Host]
		if s := h.Slot(had.Index); s.State != pool.SlotQuarantined {
			t.Errorf("slot %s/%d is %+v", had.Host, had.Index, s)
		}
	}
}

// Nothing is on record, and acme was shut out of a share with files in it, and of a database with nothing: it leaves again, as one does who
// has rows.
func TestWhoHasOnlyFilesLeavesAgain(t *testing.T) {
	w := heldWorld()
	w.leave("acme")
	f := w.found()
	f.Hosts["database-standard-1"].Slots[0].Holds = false
	f.Hosts["share-standard-1"].Slots[0].Full = true
	p := Make(newWorld().books, f, w.now)
	if len(p.Leave) != 1 || p.Leave[0].Tenant != "acme" {
		t.Errorf("it does %v, and is unsure of %v", p.Lines, p.Unsure)
	}
}

// acme has left since, and has signed up again: its life began when its secret was made, and there is nothing of it from before that it
// could be given back.
func TestALifeThatIsFoundBeganWhenItsSecretWasMade(t *testing.T) {
	w := heldWorld()
	before := w.books.clone()
	w.now = w.now.Add(time.Hour)
	w.leave("acme")
	w.end("acme", false)
	w.now = w.now.Add(time.Hour)
	w.signUp("acme", "10.0.0.9", false)
	f := w.found()
	at := slices.IndexFunc(f.Secrets, func(s Secret) bool { return s.Tenant == "acme" && s.Mark == w.books.Tenants["acme"].Mark })
	f.Secrets[at].Made = w.now
	acme := apply(before, Make(before, f, w.now), w).Tenants["acme"]
	if acme.Mark != f.Secrets[at].Mark || !acme.RequestedAt.Equal(w.now) || !acme.ReadyAt.Equal(w.now) {
		t.Errorf("of mark %s it is %+v", f.Secrets[at].Mark, acme)
	}
}
