package faults

import (
	"context"
	"slices"
	"strings"

	"headroom/events"
	"headroom/internal/pool"
)

// Settings reads what sessions of a slot's database begin with: nothing that anybody set.
func (d *databases) Settings(_ context.Context, login pool.Login, slot pool.MarkedSlot) ([]pool.Setting, error) {
	return nil, d.marked("Settings", login, slot, func(_ *server, db *database) error { return missing(db) })
}

// Configure gives a slot's database settings.
func (d *databases) Configure(_ context.Context, login pool.Login, slot pool.MarkedSlot, _ []pool.Setting) error {
	return d.marked("Configure", login, slot, func(_ *server, db *database) error { return missing(db) })
}

func missing(db *database) error {
	if db == nil {
		return pool.ErrNoDatabase
	}
	return nil
}

// Repoint has a tenant's secret name another database.
func (v vault) Repoint(ctx context.Context, id string, at events.Credentials) (c events.Credentials, err error) {
	err = v.w.call("Repoint", func() (err error) { c, err = v.next.Repoint(ctx, id, at); return err })
	return c, err
}

// hasElsewhere reports whether somebody who moved has a row in the database that it has now, or left with; name is another.
func (w *world) hasElsewhere(name, row string) bool {
	books := w.ledger.Books()
	in := func(has pool.Holding) bool {
		s := w.cloud.databases.servers[has.Address]
		return has.Name != name && s != nil && s.databases[has.Name] != nil && slices.Contains(s.databases[has.Name].rows, row)
	}
	id := pool.TenantID(strings.Split(strings.TrimPrefix(row, "life:"), "/")[0])
	if t := books.Tenants[id]; !t.MovedAt.IsZero() && in(t.Database) {
		return true
	}
	for _, d := range books.Departures {
		if d.Tenant.ID == id && !d.Tenant.MovedAt.IsZero() && in(d.Tenant.Database) {
			return true
		}
	}
	return false
}

// rehosted holds who has just moved to another host to having there all that it had, and to being let in nowhere else.
func (w *world) rehosted(a accounts) {
	for id, t := range a.Tenants {
		was, known := w.before.tenants[id]
		w.before.tenants[id] = t
		if !known || was.Mark != t.Mark || was.Database == t.Database || was.Database.Name == "" || t.MovedAt.Equal(was.MovedAt) {
			continue
		}
		from, to := w.cloud.databases.servers[was.Database.Address], w.cloud.databases.servers[t.Database.Address]
		if from == nil || to == nil || from.databases[was.Database.Name] == nil || to.databases[t.Database.Name] == nil {
			w.found("who moves takes all along", "%s moves from %+v to %+v, and one of them is not there", id, was.Database, t.Database)
			continue
		}
		before, after := from.databases[was.Database.Name], to.databases[t.Database.Name]
		if before.login {
			w.found("who moves is let in nowhere else", "%s is, to %s on %s", id, was.Database.Name, was.Database.Address)
		}
		if !slices.Equal(before.rows, after.rows) {
			w.found("who moves takes all along", "%s had the rows %v, and has %v", id, before.rows, after.rows)
		}
	}
}
