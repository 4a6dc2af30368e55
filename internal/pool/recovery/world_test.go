package recovery

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const nobody = "192.0.2.1/32"

// world is a stage as it truly is: a ledger that is true, and secrets. What is found of it follows.
type world struct {
	books   Books
	secrets []Secret
	drawn   int
	now     time.Time
}

func newWorld() *world {
	return &world{now: began, books: Books{
		Books: inventory.Books{
			Stage: "dev", Nobody: nobody, Hosts: map[pool.HostID]pool.Host{}, Tenants: map[pool.TenantID]pool.Tenant{},
			Departures: map[pool.TenantID][]pool.Departure{}, Restorations: map[pool.TenantID]pool.Restoration{}, Held: map[pool.TenantID]bool{},
		},
		Shelves: map[pool.Tier]pool.Shelf{},
	}}
}

func (w *world) draw(what string) string { w.drawn++; return fmt.Sprintf("%s%d", what, w.drawn) }

func (b Books) clone() Books {
	c := b
	c.Hosts, c.Tenants, c.Departures = maps.Clone(b.Hosts), maps.Clone(b.Tenants), maps.Clone(b.Departures)
	c.Shelves = maps.Clone(b.Shelves)
	for tier, s := range c.Shelves {
		s.Held = maps.Clone(s.Held)
		c.Shelves[tier] = s
	}
	for id, h := range c.Hosts {
		c.Hosts[id] = h.Clone()
	}
	for id, t := range c.Tenants {
		c.Tenants[id] = t.Clone()
	}
	for id, d := range c.Departures {
		c.Departures[id] = slices.Clone(d)
	}
	return c
}

// order makes a host, which is on its way at first.
func (w *world) order(kind pool.Kind) {
	n := 1
	for id := range w.books.Hosts {
		if k, seq, _ := id.Parse(); k.Kind == kind {
			n = max(n, seq+1)
		}
	}
	id := pool.Key{Kind: kind, Tier: "standard"}.Host(n)
	h := pool.Host{
		ID: id, Kind: kind, Tier: "standard", State: pool.HostOrdered, Since: w.now, Mark: w.draw("order"), Size: 3,
		Stack: pool.Stack{Name: "headroom-dev-" + string(id)}, Access: pool.Access{Address: string(id) + ".internal", Machine: w.draw("i-")},
	}
	w.books.Hosts[id] = h
}

// finish puts a host into service that is on its way.
func (w *world) finish(id pool.HostID) {
	h := w.books.Hosts[id].Clone()
	h.State, h.Since = pool.HostInService, w.now
	for i := 1; i <= h.Size; i++ {
		s := pool.Slot{Index: i, Generation: 1, Name: w.draw("s"), State: pool.SlotFree, Since: w.now}
		if h.Kind == pool.Share {
			s.Bucket, s.Share = fmt.Sprintf("arn:aws:s3:::%s-%d", id, i), w.draw("share-")
		}
		h.Slots = append(h.Slots, s)
	}
	w.books.Hosts[id] = h
}

// free names a slot that can be given.
func (w *world) free(kind pool.Kind) (pool.HostID, int, bool) {
	for _, id := range slices.Sorted(maps.Keys(w.books.Hosts)) {
		h := w.books.Hosts[id]
		if h.Kind != kind || h.State != pool.HostInService {
			continue
		}
		for _, s := range h.Slots {
			if s.State == pool.SlotFree || s.State == pool.SlotOffered {
				return id, s.Index, true
			}
		}
	}
	return "", 0, false
}

func (w *world) take(id pool.HostID, index int, tenant pool.TenantID, state pool.SlotState) pool.Holding {
	h := w.books.Hosts[id].Clone()
	s := h.Slot(index)
	s.State, s.Tenant, s.Since = state, tenant, w.now
	w.books.Hosts[id] = h
	return pool.Holding{Host: id, Index: index, Generation: s.Generation, Name: s.Name, Address: h.Access.Address}
}

// signUp gives a tenant a pair, or only has its credentials stored.
func (w *world) signUp(id pool.TenantID, address string, half bool) {
	dh, di, ok := w.free(pool.Database)
	sh, si, also := w.free(pool.Share)
	t, known := w.books.Tenants[id]
	if !ok || !also || known && t.State != pool.TenantLeft {
		return
	}
	next := pool.Tenant{ID: id, Tier: "standard", Mark: w.draw("m"), Addresses: []string{address}, State: pool.TenantRequested, RequestedAt: w.now, LeftAt: t.LeftAt}
	host := w.books.Hosts[dh]
	name := host.Slot(di).Name
	secret := Secret{Tenant: id, Mark: next.Mark, ARN: "arn:" + next.Mark, Database: pool.DatabaseName(name), Made: w.now}
	w.secrets = append(w.secrets, secret)
	if !half {
		next.Database, next.Share = w.take(dh, di, id, pool.SlotAssigned), w.take(sh, si, id, pool.SlotAssigned)
		next.State, next.ReadyAt, next.Secret = pool.TenantReady, w.now, secret.ARN
	}
	w.books.Tenants[id] = next
}

// exchange gives a tenant whose signup is under way another pair than that for which it has stored credentials: nobody has that by
// now, and its secret stays.
func (w *world) exchange(id pool.TenantID, address string) {
	t := w.books.Tenants[id].Clone()
	if t.State != pool.TenantRequested {
		return
	}
	was := w.secretOf(id, t.Mark)
	w.books.Tenants[id] = pool.Tenant{ID: id, State: pool.TenantLeft, LeftAt: t.LeftAt}
	// Its host is out of service, and comes back some time later.
	hosts := map[pool.HostID]pool.Host{}
	for hid, h := range w.books.Hosts {
		if h.Kind == pool.Database && slices.ContainsFunc(h.Slots, func(s pool.Slot) bool { return pool.DatabaseName(s.Name) == was }) {
			hosts[hid] = h
			out := h.Clone()
			out.State = pool.HostCordoned
			w.books.Hosts[hid] = out
		}
	}
	w.signUp(id, address, false)
	maps.Copy(w.books.Hosts, hosts)
	next := w.books.Tenants[id].Clone()
	if next.State != pool.TenantReady {
		next = t
	} else {
		next.Spent = append(t.Spent, t.Mark)
	}
	w.books.Tenants[id] = next
}

func (w *world) secretOf(id pool.TenantID, mark string) string {
	for _, s := range w.secrets {
		if s.Tenant == id && s.Mark == mark {
			return s.Database
		}
	}
	return ""
}

func (w *world) departing(id pool.TenantID) []pool.Departure {
	return slices.DeleteFunc(slices.Clone(w.books.Departures[id]), func(d pool.Departure) bool { return d.State.Ended() })
}

func (w *world) leave(id pool.TenantID) { leave(&w.books, id, w.now) }

// leave has a tenant be shut out, as a departure begins.
func leave(b *Books, id pool.TenantID, now time.Time) {
	t := b.Tenants[id].Clone()
	if t.State != pool.TenantReady {
		return
	}
	d := pool.Departure{Tenant: t, State: pool.DepartureLeaving, RequestedAt: now, Proofs: []pool.Proof{{Step: pool.StepShut, What: "shut"}}}
	b.Departures[id] = append(slices.Clone(b.Departures[id]), d)
	t.State, t.LeftAt = pool.TenantLeft, now
	b.Tenants[id] = t
	for _, has := range []pool.Holding{t.Database, t.Share} {
		h := b.Hosts[has.Host].Clone()
		h.Slot(has.Index).State = pool.SlotLeaving
		b.Hosts[has.Host] = h
	}
}

// end undoes a departure that has begun, if its tenant has not signed up again since, or has what the tenant had made anew. It returns
// the marks of what is over.
func end(b *Books, id pool.TenantID, undo bool, draw func(string) string) (over []string) {
	all := slices.Clone(b.Departures[id])
	at := slices.IndexFunc(all, func(d pool.Departure) bool {
		its := b.Tenants[id].State == pool.TenantLeft && b.Tenants[id].Mark == d.Tenant.Mark
		return !d.State.Ended() && (its || !undo)
	})
	if at < 0 {
		return nil
	}
	t := all[at].Tenant.Clone()
	for _, has := range []pool.Holding{t.Database, t.Share} {
		h := b.Hosts[has.Host].Clone()
		s := h.Slot(has.Index)
		if undo {
			s.State = pool.SlotAssigned
		} else {
			s.State, s.Tenant, s.Name = pool.SlotFree, "", draw("s")
			s.Generation++
			if h.Kind == pool.Share {
				s.Share = draw("share-")
			}
		}
		b.Hosts[has.Host] = h
	}
	if undo {
		all[at].State = pool.DepartureUndone
		t.Undone++
		b.Tenants[id] = t
	} else {
		all[at].State = pool.DepartureLeft
	}
	b.Departures[id] = all
	if undo {
		return nil
	}
	return append(t.Spent, t.Mark)
}

func (w *world) end(id pool.TenantID, undo bool) {
	over := end(&w.books, id, undo, w.draw)
	w.secrets = slices.DeleteFunc(w.secrets, func(s Secret) bool { return s.Tenant == id && slices.Contains(over, s.Mark) })
}

// move takes a tenant's database elsewhere; what it moved away from is kept, shut.
func (w *world) move(id pool.TenantID) {
	t := w.books.Tenants[id].Clone()
	host, index, ok := w.free(pool.Database)
	if !ok || t.State != pool.TenantReady {
		return
	}
	w.take(t.Database.Host, t.Database.Index, id, pool.SlotLeaving)
	t.Database, t.MovedAt = w.take(host, index, id, pool.SlotAssigned), w.now
	w.books.Tenants[id] = t
	for i, s := range w.secrets {
		if s.Mark == t.Mark {
			w.secrets[i].Database = pool.DatabaseName(t.Database.Name)
		}
	}
}

func (w *world) readdress(id pool.TenantID, address string) {
	if t := w.books.Tenants[id].Clone(); t.State == pool.TenantReady {
		t.Addresses = []string{address}
		w.books.Tenants[id] = t
	}
}

// retire takes a host down that nobody has a slot of.
func (w *world) retire(id pool.HostID) {
	h := w.books.Hosts[id].Clone()
	if h.State == pool.HostInService && !slices.ContainsFunc(h.Slots, func(s pool.Slot) bool { return s.State != pool.SlotFree }) {
		h.State = pool.HostDeleted
		w.books.Hosts[id] = h
	}
}

// found is what there is.
func (w *world) found() Found {
	f := Found{At: w.now, Nobody: nobody, Hosts: map[pool.HostID]Host{}, Secrets: slices.Clone(w.secrets)}
	for id, h := range w.books.Hosts {
		if !h.State.Live() || h.State == pool.HostOrdered {
			continue
		}
		is := Host{Order: h.Mark, Stack: h.Stack, Whole: true, Access: h.Access}
		for _, s := range h.Slots {
			e := Slot{Index: s.Index, Generation: s.Generation, Name: s.Name, Bucket: s.Bucket, Role: s.Role, Share: s.Share}
			e.Holds = s.State == pool.SlotAssigned || s.State == pool.SlotLeaving
			e.Open = s.State == pool.SlotAssigned
			if h.Kind == pool.Share {
				e.Tenant, e.Clients = s.Tenant, []string{nobody}
				if e.Open {
					e.Clients = w.books.Tenants[s.Tenant].Clients()
				}
			}
			is.Slots = append(is.Slots, e)
		}
		f.Hosts[id] = is
	}
	return f
}

// happen has one thing happen.
func (w *world) happen(t *rapid.T) {
	w.now = w.now.Add(time.Minute)
	tenant := pool.TenantID(rapid.SampledFrom([]string{"acme", "globex", "hooli", "initech", "umbrella", "wonka"}).Draw(t, "tenant"))
	address := fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 250).Draw(t, "address"))
	hosts := slices.Sorted(maps.Keys(w.books.Hosts))
	switch what := rapid.SampledFrom([]string{"order", "finish", "sign up", "sign up", "sign up", "half", "half", "exchange", "exchange", "leave", "end", "undo", "move", "readdress", "retire", "set out"}).Draw(t, "what"); what {
	case "order":
		w.order(rapid.SampledFrom(pool.Kinds).Draw(t, "kind"))
	case "sign up", "half":
		w.signUp(tenant, address, what == "half")
	case "exchange":
		w.exchange(tenant, address)
	case "leave":
		w.leave(tenant)
	case "end", "undo":
		w.end(tenant, what == "undo")
	case "move":
		w.move(tenant)
	case "readdress":
		w.readdress(tenant, address)
	case "finish", "retire", "set out":
		if len(hosts) == 0 {
			return
		}
		id := rapid.SampledFrom(hosts).Draw(t, "host")
		switch {
		case what == "retire":
			w.retire(id)
		case what == "finish" && w.books.Hosts[id].State == pool.HostOrdered:
			w.finish(id)
		case what == "set out":
			h := w.books.Hosts[id].Clone()
			for i, s := range h.Slots {
				if s.State == pool.SlotFree && h.State == pool.HostInService {
					h.Slots[i].State = pool.SlotOffered
					break
				}
			}
			w.books.Hosts[id] = h
		}
	}
}
