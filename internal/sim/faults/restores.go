package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/adapter/instances"
	"headroom/internal/pool"
)

const (
	temporaryPassword = "temporary-password"
	// shipped is how late what is written can be restored.
	shipped = 5 * time.Minute
)

// snapshot is what a database instance held since a time.
type snapshot struct {
	at        time.Time
	databases map[string]database
}

// remember keeps what an instance holds now.
func (d *databases) remember(s *server) {
	now := snapshot{at: d.c.w.now, databases: map[string]database{}}
	for name, db := range s.databases {
		copied := *db
		copied.rows = slices.Clone(db.rows)
		now.databases[name] = copied
	}
	s.past = append(s.past, now)
}

// asOf is what an instance held at a time.
func (s *server) asOf(at time.Time) map[string]database {
	for _, snap := range slices.Backward(s.past) {
		if !snap.at.After(at) {
			return snap.databases
		}
	}
	return nil
}

// at is the instance with an address. A temporary one is what its source was.
func (d *databases) at(address string) *server {
	if s := d.servers[address]; s != nil {
		return s
	}
	name, temporary := strings.CutSuffix(address, ".rds.internal")
	if !temporary {
		return nil
	}
	if s := d.restored[name]; s != nil {
		return s
	}
	source, to := d.c.rds.RestoredTo(name)
	from := d.servers[addressOf(source)]
	if from == nil {
		return nil
	}
	s := &server{name: name, address: address, password: temporaryPassword, databases: map[string]*database{}, hardened: true}
	for slot, db := range from.asOf(to) {
		s.databases[slot] = &db
	}
	d.restored[name] = s
	return s
}

// temporary is RDS's temporary instances.
type temporary struct {
	w    *world
	next *instances.Restored
}

// Restorable says to which times an instance can be restored.
func (t temporary) Restorable(ctx context.Context, source string) (pool.Restorable, error) {
	return answered(t.w, "Restorable", func() (pool.Restorable, error) {
		if s := t.w.cloud.databases.servers[addressOf(source)]; s != nil {
			t.w.cloud.rds.Move(source, s.made, t.w.now.Add(-shipped))
		}
		return t.next.Restorable(ctx, source)
	})
}

// Restore asks for an instance.
func (t temporary) Restore(ctx context.Context, o pool.InstanceOrder) error {
	return t.w.changed("Restore", func() error {
		rds, account := t.w.cloud.rds, t.w.quotas
		rds.Quota = max(1, len(rds.Names())+account.most["rds-instances"]-account.used(takes[0]))
		return t.next.Restore(ctx, o)
	})
}

// Look looks at one.
func (t temporary) Look(ctx context.Context, name string) (pool.RestoredInstance, error) {
	return answered(t.w, "LookAtInstance", func() (pool.RestoredInstance, error) { return t.next.Look(ctx, name) })
}

// List lists them.
func (t temporary) List(ctx context.Context) ([]pool.RestoredInstance, error) {
	return answered(t.w, "List", func() ([]pool.RestoredInstance, error) { return t.next.List(ctx) })
}

// ManageMaster has RDS keep its master user's password.
func (t temporary) ManageMaster(ctx context.Context, name, mark string) error {
	return t.w.changed("ManageMaster", func() error { return t.next.ManageMaster(ctx, name, mark) })
}

// Delete deletes one, which must be none of a host's.
func (t temporary) Delete(ctx context.Context, name, mark string) error {
	return t.w.changed("DeleteInstance", func() error {
		if t.w.cloud.databases.servers[addressOf(name)] != nil {
			t.w.found("nothing is destroyed that somebody has", "instance %s is a host's", name)
		}
		return t.next.Delete(ctx, name, mark)
	})
}

// Free tells how many bytes are free on an instance.
func (c *cloud) Free(context.Context, string) (int64, error) {
	return answered(c.w, "Free", func() (int64, error) { return 100 << 30, nil })
}

// RefreshCache has a gateway see what came into its bucket.
func (g gateways) RefreshCache(ctx context.Context, share pool.ShareRef) (id string, err error) {
	err = g.asks("RefreshCache", share.Gateway, func() (err error) {
		id, err = g.next.RefreshCache(ctx, share)
		g.w.cloud.stir()
		return err
	})
	return id, err
}

// Size says how large a slot's database is.
func (d *databases) Size(_ context.Context, login pool.Login, slot pool.MarkedSlot) (size int64, err error) {
	err = d.marked("Size", login, slot, func(_ *server, db *database) error {
		if db == nil {
			return pool.ErrNoDatabase
		}
		size = int64(len(db.rows)) << 20
		return nil
	})
	return size, err
}

// PrepareStandIn makes a database that takes the place of another.
func (d *databases) PrepareStandIn(_ context.Context, login pool.Login, standIn pool.MarkedSlot, _ int, password string, _ time.Time) error {
	return d.marked("PrepareStandIn", login, standIn, func(s *server, _ *database) error {
		s.databases[standIn.Name] = &database{mark: standIn.Mark, filler: password}
		return nil
	})
}

// HandOver makes what is in a stand-in the tenant's.
func (d *databases) HandOver(_ context.Context, login pool.Login, _, standIn pool.MarkedSlot) error {
	return d.in("HandOver", login, func(s *server) error {
		_, err := s.there(standIn)
		return err
	})
}

// LetIn lets a tenant into what is in its slot's place: here nothing is ever shut for longer than a call.
func (d *databases) LetIn(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return d.in("LetIn", login, func(s *server) error {
		_, err := s.there(slot)
		return err
	})
}

// Swap puts a stand-in into the place of a slot's database, which is kept.
func (d *databases) Swap(_ context.Context, login pool.Login, slot, standIn, kept pool.MarkedSlot) error {
	return d.in("Swap", login, func(s *server) error { return d.swap(s, slot, standIn, kept) })
}

// SwapBack undoes that.
func (d *databases) SwapBack(_ context.Context, login pool.Login, slot, standIn, kept pool.MarkedSlot) error {
	return d.in("SwapBack", login, func(s *server) error { return d.swap(s, slot, kept, standIn) })
}

func (s *server) there(slot pool.MarkedSlot) (*database, error) {
	db := s.databases[slot.Name]
	if db != nil && slot.Mark != "" && db.mark != slot.Mark {
		return nil, pool.ErrForeignDatabase
	}
	return db, nil
}

// swap puts one database into a slot's place and keeps what was there as another; again, it finds that done.
func (d *databases) swap(s *server, slot, in, out pool.MarkedSlot) error {
	kept, err := s.there(out)
	if err != nil || kept != nil && s.databases[in.Name] == nil {
		return err
	}
	next, err := s.there(in)
	present, failed := s.there(slot)
	switch {
	case err != nil || failed != nil:
		return errors.Join(err, failed)
	case next == nil || present == nil:
		return pool.ErrNoDatabase
	}
	next.mark, next.login, next.password, next.filler, next.copier = slot.Mark, present.login, present.password, "", ""
	present.mark, present.login = out.Mark, false
	next.since = d.c.w.now
	s.databases[slot.Name], s.databases[out.Name] = next, present
	delete(s.databases, in.Name)
	d.remember(s)
	return nil
}

// refill does what a job of the restorer says, logged in with what its secrets say.
func (c *cloud) refill(job events.ArchivistJob) (failure string) {
	find := func(of events.JobDatabase) *database {
		if s := c.databases.at(of.Host); s != nil {
			if db := s.databases[strings.TrimPrefix(of.Name, "d_")]; db != nil && db.mark == of.Mark {
				return db
			}
		}
		return nil
	}
	from, to := find(*job.Database), find(*job.StandIn)
	switch {
	case from == nil || to == nil:
		return "there is no such database"
	case from.copier == "" || from.copier != c.passwordIn(job.Database.SecretARN):
		return "the copier can't log in"
	case to.filler == "" || to.filler != c.passwordIn(job.StandIn.SecretARN):
		return "the filler can't log in"
	}
	to.rows = slices.Clone(from.rows)
	return ""
}

func (c *cloud) passwordIn(arn string) string {
	for _, s := range c.secrets.Secrets() {
		if s.ARN == arn {
			var stored events.Credentials
			must(c.w, 0, json.Unmarshal([]byte(s.Value), &stored))
			return stored.Password
		}
	}
	return ""
}

// goBack has somebody want back what it had a while ago, or what it had before that.
func (t *town) goBack() {
	w := t.w
	for range 3 {
		someone := t.order[w.will.IntN(len(t.order))]
		if tenant := w.ledger.Books().Tenants[someone.id]; w.chances[Write].comes() && tenant.State == pool.TenantReady && someone.wrote[life(someone.id, tenant.Mark)] {
			w.writeMore(tenant)
		}
	}
	p := t.order[w.will.IntN(len(t.order))]
	tenant := w.ledger.Books().Tenants[p.id]
	own := life(p.id, tenant.Mark)
	wrote, known := p.wroteAt[own]
	if !known || tenant.State != pool.TenantReady {
		return
	}
	if w.chances[Restore].comes() && w.now.Sub(wrote) > 20*time.Minute {
		to := wrote.Add(time.Second + time.Duration(w.will.Int64N(int64(w.now.Sub(wrote)-10*time.Minute))))
		w.trace("%s wants back what it had at %s", p.id, to.Sub(w.begun))
		w.send(w.restoring, events.RestoreRequest{
			Version: events.Version, Type: events.TypeRestoreRequest, TenantID: string(p.id), Database: true, Share: w.will.IntN(2) == 0, To: events.At(to),
			Reason: "it dropped a table", RequestedBy: "support",
		})
		p.restores++
	}
	if w.chances[Unrestore].comes() && p.restores > 0 {
		w.trace("%s wants that undone", p.id)
		w.send(w.restoring, events.RestoreUndo{Version: events.Version, Type: events.TypeRestoreUndo, TenantID: string(p.id), Reason: "the wrong day", RequestedBy: "support"})
	}
}

// writeMore has a tenant write another row.
func (w *world) writeMore(t pool.Tenant) {
	s := w.cloud.databases.servers[t.Database.Address]
	if s == nil || s.databases[t.Database.Name] == nil || !s.databases[t.Database.Name].login {
		return
	}
	db := s.databases[t.Database.Name]
	row := fmt.Sprintf("%s#%d", life(t.ID, t.Mark), len(w.town.rows))
	w.town.rows[row] = w.now
	db.rows = append(db.rows, row)
	w.cloud.databases.remember(s)
}

// isBack holds what is said of a restoration to what is so: the database has the rows of then. Rows that were written since
// come after these.
func (t *town) isBack(e events.TenantRestored) {
	w := t.w
	r := w.ledger.Books().Restorations[pool.TenantID(e.TenantID)]
	tenant := w.ledger.Books().Tenants[r.Tenant]
	if r.Move || r.Swapped.IsZero() || !r.OfDatabase() || r.State == pool.RestorationUndoing || tenant.Database != r.Database {
		return
	}
	s := w.cloud.databases.servers[r.Database.Address]
	if s == nil || s.databases[r.Database.Name] == nil {
		w.found("what came back is what was", "the database of %s is gone", r.ID())
		return
	}
	want, got := s.asOf(r.To)[r.Database.Name].rows, s.databases[r.Database.Name].rows
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		w.found("what came back is what was", "%s has the rows %v, and had %v at %s", r.ID(), got, want, r.To.Sub(w.begun))
		return
	}
	for _, row := range got[len(want):] {
		if at := w.town.rows[row]; at.Before(s.databases[r.Database.Name].since) {
			w.found("what came back is what was", "%s has row %s of %s, and is to have none since %s", r.ID(), row, at.Sub(w.begun), r.To.Sub(w.begun))
		}
	}
}

// restorationsEnd holds that every restoration ends, or is with people, and that no temporary instance stays.
func (w *world) restorationsEnd(a accounts, bad complain) {
	for id, r := range a.Restorations {
		if !r.State.Ended() && !(r.Stuck != "" && w.town.told[string(id)]) {
			bad("every restoration ends", "%s is %s at step %q, due at %s: %s", r.ID(), r.State, r.Step, r.Due.Sub(w.begun), r.Error)
		}
	}
	for _, name := range w.cloud.rds.Names() {
		if w.cloud.databases.servers[addressOf(name)] == nil && strings.Contains(name, "restore") {
			bad("no temporary instance stays", "%s is there", name)
		}
	}
}
