package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"headroom/internal/pool"
)

// databases are the database hosts.
type databases struct {
	c        *cloud
	servers  map[string]*server // by address
	restored map[string]*server // temporary ones, by name
}

// server is a database instance.
type server struct {
	name, address, password string
	hardened                bool
	databases               map[string]*database // by slot
	made                    time.Time
	past                    []snapshot
}

// database is a slot's database with its role.
type database struct {
	mark     string
	login    bool
	password string
	copier   string
	filler   string
	rows     []string
	since    time.Time // when it came into a slot's place; zero: it was made there
}

// add makes the instance of a host.
func (d *databases) add(h *host) {
	s := &server{name: h.name, address: addressOf(h.name), made: d.c.w.now, password: "master of " + h.name, databases: map[string]*database{}}
	d.servers[s.address] = s
	d.c.rds.Add(h.name, s.made, s.made)
	d.c.rds.Tag(h.name, map[string]string{"headroom:order": h.mark, "headroom:host": string(h.id)})
	h.outputs["Address"], h.outputs["Port"] = s.address, "5432"
	h.outputs["MasterSecretArn"] = d.c.secrets.Put("rds!"+h.name, fmt.Sprintf(`{"username":"master","password":%q}`, s.password))
}

func (d *databases) sorted() []*server {
	var all []*server
	for _, address := range slices.Sorted(maps.Keys(d.servers)) {
		all = append(all, d.servers[address])
	}
	return all
}

var errNoHost = errors.New("dial tcp: i/o timeout")

// in does something as an instance's master user.
func (d *databases) in(operation string, login pool.Login, do func(*server) error) error {
	return d.c.w.call(operation, func() error {
		s := d.at(login.Host)
		switch {
		case s == nil || d.c.isDown(s.name):
			return errNoHost
		case login.Password != s.password:
			return fmt.Errorf("log in: %w", pool.ErrLogin)
		}
		d.c.last = s.name
		d.c.w.wrote = d.c.w.wrote || operation != "Ping"
		return do(s)
	})
}

// of does something with a slot's database.
func (d *databases) of(operation string, login pool.Login, name string, do func(*database) error) error {
	return d.in(operation, login, func(s *server) error {
		db := s.databases[name]
		if db == nil {
			return fmt.Errorf("%s %s: %w", operation, name, pool.ErrNoDatabase)
		}
		return do(db)
	})
}

// Open lets a tenant's role log in.
func (d *databases) Open(_ context.Context, login pool.Login, name, password string) error {
	return d.of("Open", login, name, func(db *database) error {
		db.login, db.password = true, password
		return nil
	})
}

// Harden hardens an instance.
func (d *databases) Harden(_ context.Context, login pool.Login) error {
	return d.in("Harden", login, func(s *server) error { s.hardened = true; return nil })
}

// MakeSlot makes a slot's database.
func (d *databases) MakeSlot(_ context.Context, login pool.Login, name, mark string, limit int) error {
	return d.in("MakeSlot", login, func(s *server) error {
		if !s.hardened || limit != pool.TenantConnections {
			d.c.w.found("databases are made on hardened instances, within a limit", "%s on %s: hardened %t, limit %d", name, s.name, s.hardened, limit)
		}
		if db := s.databases[name]; db == nil {
			s.databases[name] = &database{mark: mark}
			d.remember(s)
		} else if db.mark != mark {
			return fmt.Errorf("make slot %s: %w", name, pool.ErrForeignDatabase)
		}
		return nil
	})
}

// Close keeps a slot's tenant out. A slot that is not there is closed.
func (d *databases) Close(_ context.Context, login pool.Login, name string) error {
	return d.in("Close", login, func(s *server) error {
		if db := s.databases[name]; db != nil {
			db.login = false
		}
		return nil
	})
}

// Ping asks whether an instance answers.
func (d *databases) Ping(_ context.Context, login pool.Login) error {
	return d.in("Ping", login, func(*server) error { return nil })
}

// marked does something with a slot's database, if it bears the mark; nil: it is not there.
func (d *databases) marked(operation string, login pool.Login, slot pool.MarkedSlot, do func(*server, *database) error) error {
	return d.in(operation, login, func(s *server) error {
		db := s.databases[slot.Name]
		if db != nil && slot.Mark != "" && db.mark != slot.Mark {
			return fmt.Errorf("%s %s: %w", operation, slot.Name, pool.ErrForeignDatabase)
		}
		return do(s, db)
	})
}

// Closed asks whether a slot's tenant is kept out.
func (d *databases) Closed(_ context.Context, login pool.Login, name string) error {
	return d.in("Closed", login, func(s *server) error {
		if db := s.databases[name]; db != nil && db.login {
			return pool.ErrDatabaseOpen
		}
		return nil
	})
}

// Reopen lets a slot's tenant in again.
func (d *databases) Reopen(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return d.marked("Reopen", login, slot, func(_ *server, db *database) error {
		if db == nil {
			return pool.ErrNoDatabase
		}
		db.login = true
		return nil
	})
}

// GrantCopier lets a copier read a slot's database.
func (d *databases) GrantCopier(_ context.Context, login pool.Login, slot pool.MarkedSlot, password string, _ time.Time) error {
	return d.marked("GrantCopier", login, slot, func(_ *server, db *database) error {
		switch {
		case db == nil:
			return pool.ErrNoDatabase
		case db.login:
			return pool.ErrDatabaseOpen
		}
		db.copier = password
		return nil
	})
}

// RevokeCopier ends that.
func (d *databases) RevokeCopier(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return d.marked("RevokeCopier", login, slot, func(_ *server, db *database) error {
		if db != nil {
			db.copier = ""
		}
		return nil
	})
}

// Drop drops a slot's database.
func (d *databases) Drop(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return d.marked("Drop", login, slot, func(s *server, db *database) error {
		if db != nil && d.servers[s.address] == s {
			d.c.w.mayDrop(slot.Name, db)
		}
		delete(s.databases, slot.Name)
		return nil
	})
}

// Prove looks into a slot's database for what it should not have.
func (d *databases) Prove(_ context.Context, login pool.Login, former string, slot pool.MarkedSlot, _ time.Time) (found []string, err error) {
	err = d.marked("Prove", login, slot, func(s *server, db *database) error {
		if db == nil {
			return pool.ErrNoDatabase
		}
		if s.databases[former] != nil {
			found = append(found, "the former database is there")
		}
		found = append(found, db.rows...)
		return nil
	})
	return found, err
}
