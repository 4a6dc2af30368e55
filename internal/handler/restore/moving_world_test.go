package restore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// moveTo puts a request to move into the queue from outside.
func (w *world) moveTo(host pool.HostID, change ...func(*events.MoveRequest)) {
	w.t.Helper()
	q := events.NewMoveRequest("acme", "its host is overworked", "ops")
	q.To = string(host)
	for _, c := range change {
		c(&q)
	}
	w.put(q)
}

func (o outside) Closed(_ context.Context, login pool.Login, name string) error {
	return o.in("Closed", login, func(s *server) error {
		if d := s.databases[name]; d != nil && d.login {
			return pool.ErrDatabaseOpen
		}
		return nil
	})
}

func (o outside) Open(_ context.Context, login pool.Login, name, password string) error {
	return o.in("Open", login, func(s *server) error {
		d := s.databases[name]
		if d == nil {
			return pool.ErrNoDatabase
		}
		d.login, d.password = true, password
		return nil
	})
}

// ofSlot does something with a slot's database, which is to be there.
func (o outside) ofSlot(operation string, login pool.Login, slot pool.MarkedSlot, do func(*database)) error {
	return o.in(operation, login, func(s *server) error {
		d, err := s.there(slot)
		if err == nil && d == nil {
			err = pool.ErrNoDatabase
		}
		if err == nil {
			do(d)
		}
		return err
	})
}

func (o outside) Reopen(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.ofSlot("Reopen", login, slot, func(d *database) { d.login = true })
}

func (o outside) RevokeCopier(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.ofSlot("RevokeCopier", login, slot, func(d *database) { d.copier = "" })
}

func (o outside) Settings(_ context.Context, login pool.Login, slot pool.MarkedSlot) (settings []pool.Setting, err error) {
	err = o.ofSlot("Settings", login, slot, func(d *database) { settings = slices.Clone(d.settings) })
	return settings, err
}

func (o outside) Configure(_ context.Context, login pool.Login, slot pool.MarkedSlot, settings []pool.Setting) error {
	return o.ofSlot("Configure", login, slot, func(d *database) {
		// Settings of a role outlive its database: of a slot that goes back to the pool the next tenant would have them.
		if has := o.w.has("acme").Database; has.Name != slot.Name {
			o.w.must(fmt.Errorf("slot %s is given settings of a tenant that has slot %s", slot.Name, has.Name))
		}
		d.settings = slices.Clone(settings)
	})
}

func (o outside) Repoint(ctx context.Context, id string, at events.Credentials) (c events.Credentials, err error) {
	err = o.call("Repoint", func() (err error) { c, err = o.vault().Repoint(ctx, id, at); return err })
	return c, err
}

// onlyOnce wants the tenant to be able to write in one place at most, at every moment.
func (w *world) onlyOnce() {
	var open []string
	for _, d := range w.allDatabases() {
		if d.login && d.password == "of acme" {
			open = append(open, d.name)
		}
	}
	if len(open) > 1 {
		w.t.Fatal("acme can write in all of these: ", open)
	}
}

// named is a database with the slot whose it is.
type named struct {
	*database
	name string
}

func (w *world) allDatabases() (all []named) {
	for _, id := range []pool.HostID{"database-standard-1", "database-standard-2"} {
		s := w.servers[w.host(id).Access.Address]
		for _, name := range s.sorted() {
			all = append(all, named{s.databases[name], name})
		}
	}
	return all
}

// write has acme write a row, if it can log in by what its secret says: then it is never to be lost.
func (w *world) write() {
	if !w.writes {
		return
	}
	t, err := w.ledger.Tenant(context.Background(), "acme")
	w.must(err)
	for _, secret := range w.secrets.Secrets() {
		if secret.ARN != t.Secret {
			continue
		}
		var c events.Credentials
		w.must(json.Unmarshal([]byte(secret.Value), &c))
		d := w.servers[c.Host].databases[strings.TrimPrefix(c.DBName, "d_")]
		if d == nil || !d.login || d.password != c.Password {
			w.out += 10 * time.Second
			return
		}
		w.acked++
		d.rows = append(d.rows, fmt.Sprintf("write %d", w.acked))
	}
}

// wrote words rows, but for those that acme writes all the while: how many there are differs between runs (hasAll).
func (w *world) wrote(rows []string) string {
	return fmt.Sprint(slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return strings.HasPrefix(row, "write ") }))
}

// hasAll wants acme to have every row that it wrote.
func (w *world) hasAll() {
	w.t.Helper()
	rows := w.database("acme").rows
	for n := 1; n <= w.acked; n++ {
		if !slices.Contains(rows, fmt.Sprintf("write %d", n)) {
			w.t.Fatal("row ", n, " of ", w.acked, " is lost, of ", len(rows))
		}
	}
}

// slots words the slots of a host that are not as they were made.
func (w *world) slots(id pool.HostID) (words []string) {
	for _, s := range w.host(id).Slots {
		state := string(s.State)
		if s.State == pool.SlotReturned { // it is free a little later
			state = string(pool.SlotFree)
		}
		words = append(words, fmt.Sprintf("%s/%d of generation %d is %s, of %s", id, s.Index, s.Generation, state, s.Tenant))
	}
	return words
}

// scrub does what decommission does about slots that are to be cleared.
func (w *world) scrub() {
	ctx := context.Background()
	for {
		d, ok := w.scrubs.Receive(visibility)
		if !ok {
			return
		}
		w.scrubs.Delete(d.ID)
		var step events.Step
		w.must(json.Unmarshal([]byte(d.Body), &step))
		c, err := w.ledger.Clearance(ctx, pool.ClearanceID(step.ID))
		w.must(err)
		if c.State.Ended() {
			continue
		}
		host := w.host(c.Holding.Host)
		delete(w.servers[host.Access.Address].databases, c.Holding.Name)
		w.servers[host.Access.Address].databases[c.Next] = &database{mark: host.NextMark(c.Holding)}
		_, _, err = ledger.UpdateHost(ctx, w.ledger, host.ID, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
			h, _, err := pool.RenewSlot(h, c, w.now)
			if err == nil {
				h, _, err = pool.FreeSlot(h, c, w.now)
			}
			return h, pool.Neutral, err
		})
		w.must(err)
		c.State, c.Progress = pool.ClearanceReturned, pool.Progress{}
		before := c
		_, err = w.ledger.SaveClearance(ctx, before, c)
		w.must(err)
		r := w.restoration()
		w.must((&queue.Sender{Client: w.steps, URL: "url"}).Send(ctx, events.NewStep(events.OfRestoration, "acme", string(pool.StepSweep), r.Count+1), 0))
	}
}

func (w *world) slot(id pool.HostID, index int) pool.Slot {
	w.t.Helper()
	host := w.host(id)
	return *host.Slot(index)
}
