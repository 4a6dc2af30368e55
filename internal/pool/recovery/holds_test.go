package recovery

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

// unsettled is a ledger in which the claims of some tenants are not settled yet: their slots are set out by their hosts' records, and
// the shelf says who took them. Of some it is not recorded yet that they are served.
func unsettled(t *rapid.T, b Books) Books {
	b = b.clone()
	for _, id := range slices.Sorted(maps.Keys(b.Tenants)) {
		switch rapid.IntRange(0, 3).Draw(t, "unsettled") {
		case 0:
			hold(&b, id, false)
		case 1:
			hold(&b, id, true)
		}
	}
	return b
}

func hold(b *Books, id pool.TenantID, under bool) {
	t := b.Tenants[id].Clone()
	if t.State != pool.TenantReady || !t.MovedAt.IsZero() || t.Undone > 0 {
		return
	}
	shelf, known := b.Shelves[t.Tier]
	if !known {
		shelf = pool.NewShelf(t.Tier)
		b.Shelves[t.Tier] = shelf
	}
	out := func(has pool.Holding) pool.Offer {
		h := b.Hosts[has.Host].Clone()
		s := h.Slot(has.Index)
		s.State, s.Tenant = pool.SlotOffered, ""
		b.Hosts[has.Host] = h
		return s.Offer(h.ID)
	}
	shelf.Held[id] = pool.Hold{Database: out(t.Database), Share: out(t.Share)}
	if under {
		t.State, t.Database, t.Share, t.Secret = pool.TenantRequested, pool.Holding{}, pool.Holding{}, ""
		b.Tenants[id] = t
	}
}

// replayed are the slots that a tenant's signup opens when it goes on.
func replayed(b Books, t pool.Tenant) []pool.Holding {
	held, holds := b.Shelves[t.Tier].Held[t.ID]
	switch {
	case t.Anew || t.State != pool.TenantRequested && t.State != pool.TenantWaiting:
		return nil
	case t.Named():
		return []pool.Holding{t.Database, t.Share}
	case !holds:
		return nil
	}
	var has []pool.Holding
	for _, l := range held.Listed() {
		has = append(has, pool.Holding{Host: l.Host(t.Tier), Index: l.Offer.Index, Generation: l.Offer.Generation})
	}
	return has
}

// heldFor is for whom the shelf holds a slot; empty: for nobody.
func heldFor(b Books, h pool.Host, s pool.Slot) pool.TenantID {
	for id, hold := range b.Shelves[h.Tier].Held {
		if slices.ContainsFunc(hold.Listed(), func(l pool.Listed) bool {
			return l.Kind == h.Kind && l.Host(h.Tier) == h.ID && l.Offer.Index == s.Index && l.Offer.Generation == s.Generation
		}) {
			return id
		}
	}
	return ""
}

// settles reports whether a slot that is set out by its host's record is to become the tenant's who has it.
func settles(b Books, h pool.Host, s pool.Slot) bool {
	for id, hold := range b.Shelves[h.Tier].Held {
		t := b.Tenants[id]
		database, share := hold.Listed()[0], hold.Listed()[1]
		is := func(has pool.Holding, l pool.Listed) bool {
			return has.Same(pool.Holding{Host: l.Host(h.Tier), Index: l.Offer.Index, Generation: l.Offer.Generation})
		}
		if is(t.Database, database) && is(t.Share, share) && (t.Database.Same(pool.Holding{Host: h.ID, Index: s.Index, Generation: s.Generation}) ||
			t.Share.Same(pool.Holding{Host: h.ID, Index: s.Index, Generation: s.Generation})) {
			return true
		}
	}
	return false
}

// A tenant that held its slots on the shelf has moved since: what it moved away from is not put back among the free ones.
func TestWhatWasHeldAndIsKeptIsNotFreed(t *testing.T) {
	w := heldWorld()
	before := w.books.clone()
	hold(&before, "acme", false)
	w.move("acme")
	p := Make(before, w.found(), w.now)
	after := apply(before, p, w)
	if bad := w.wrong(before, after, p.Unsure); len(bad) > 0 {
		t.Errorf("%v\nplan: %v", bad, p.Lines)
	}
	has := after.Tenants["acme"].Share
	if h := after.Hosts[has.Host]; h.Slot(has.Index).State != pool.SlotAssigned {
		t.Errorf("acme's share is %s, and a stray claim's is put back", h.Slot(has.Index).State)
	}
}

// A tenant that held slots, or whose record named them, gave them up since, and they are another's: it is not to open them.
func TestWhatWasHeldAndIsAnothersIsNotOpened(t *testing.T) {
	for name, named := range map[string]bool{"held": false, "named": true} {
		t.Run(name, func(t *testing.T) {
			w := heldWorld()
			before := w.books.clone()
			hold(&before, "acme", true)
			if acme := before.Tenants["acme"]; named {
				before.Shelves = nil
				for _, id := range []pool.HostID{"database-standard-1", "share-standard-1"} {
					h := before.Hosts[id]
					has := pool.Holding{Host: id, Index: 1, Generation: 1, Name: h.Slots[0].Name}
					h.Slots[0].State, h.Slots[0].Tenant = pool.SlotAssigned, "acme"
					if h.Kind == pool.Database {
						acme.Database = has
					} else {
						acme.Share = has
					}
				}
				before.Tenants["acme"] = acme
			}
			for _, has := range []pool.Holding{w.books.Tenants["acme"].Database, w.books.Tenants["acme"].Share} {
				w.take(has.Host, has.Index, "", pool.SlotFree)
			}
			w.books.Tenants["acme"], w.secrets = pool.Tenant{ID: "acme", State: pool.TenantLeft}, nil
			w.signUp("globex", "10.0.0.2", false) // of the same generation, for nothing had been opened
			p := Make(before, w.found(), w.now)
			after := apply(before, p, w)
			if bad := w.wrong(before, after, p.Unsure); len(bad) > 0 {
				t.Errorf("%v\nplan: %v", bad, p.Lines)
			}
			if acme := after.Tenants["acme"]; !acme.Anew || acme.Named() || acme.Mark == before.Tenants["acme"].Mark {
				t.Errorf("acme's signup goes on as %+v", acme)
			}
			if again := Make(after, w.found(), w.now); !again.Done() || len(again.Lines) > 0 {
				t.Errorf("a second plan does more: %v", again.Lines)
			}
		})
	}
}

// heldWorld is a stage in which acme has the first pair.
func heldWorld() *world {
	w := newWorld()
	w.order(pool.Database)
	w.order(pool.Share)
	w.finish("database-standard-1")
	w.finish("share-standard-1")
	w.signUp("acme", "10.0.0.1", false)
	return w
}
