package restore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/adapter/gateway"
	rdsinstances "headroom/internal/adapter/instances"
	"headroom/internal/adapter/secrets"
	ecs "headroom/internal/adapter/tasks"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// outside makes each call to what the handler reaches one killtest.Call.
type outside struct {
	w    *world
	call killtest.Call
}

func (o outside) Terms(context.Context) (pool.Terms, error) { return o.w.terms, nil }

// Document has a price for the host of the tenant's database.
func (o outside) Document(context.Context) (pool.Document, error) {
	return pool.Document{
		MoneyCap: o.w.moneyCap, Terms: o.w.terms, Pools: pool.Policies{{Kind: pool.Database, Tier: "standard", SlotsPerHost: 10, HostPrice: 325}},
	}, nil
}

func (o outside) Load(context.Context) (pool.Policies, error) {
	return pool.Policies{{Kind: pool.Database, Tier: tier, SlotsPerHost: 3}, {Kind: pool.Share, Tier: tier, SlotsPerHost: 3}}, nil
}

func (o outside) vault() *secrets.Vault {
	return secrets.New(secrets.Config{
		Client: o.w.secrets, Stage: "prod", CopierPrefix: "headroom/prod/copier/", KeyID: "key", Random: rand.Reader,
		Sleep:  func(context.Context, time.Duration) error { return nil },
		Jitter: func() float64 { return 0.5 },
	})
}

func (o outside) Master(ctx context.Context, arn string) (username, password string, err error) {
	err = o.call("Master", func() (err error) {
		if strings.Contains(arn, "rds!db-headroom-prod-restore-") {
			username, password = "master", "temporary-password"
			return nil
		}
		username, password, err = o.vault().Master(ctx, arn)
		return err
	})
	return username, password, err
}

func (o outside) Copier(ctx context.Context, name string, fill func(string) events.Credentials) (c events.Credentials, arn string, err error) {
	err = o.call("Copier", func() (err error) { c, arn, err = o.vault().Copier(ctx, name, fill); return err })
	return c, arn, err
}

func (o outside) DeleteCopier(ctx context.Context, name string) error {
	return o.call("DeleteCopier", func() error { return o.vault().DeleteCopier(ctx, name) })
}

func (o outside) Free(context.Context, string) (free int64, err error) {
	err = o.call("Free", func() error { free = o.w.measured(); return nil })
	return free, err
}

// in does something on a server.
func (o outside) in(operation string, login pool.Login, do func(*server) error) error {
	return o.call(operation, func() error {
		s := o.w.at(login.Host)
		if s == nil || login.Password != s.password {
			return fmt.Errorf("log in: %w", pool.ErrLogin)
		}
		defer o.w.onlyOnce()
		return do(s)
	})
}

// there finds a slot's database; nil: there is none. One that bears another mark is an error.
func (s *server) there(slot pool.MarkedSlot) (*database, error) {
	d := s.databases[slot.Name]
	if d != nil && slot.Mark != "" && d.mark != slot.Mark {
		return nil, pool.ErrForeignDatabase
	}
	return d, nil
}

func (o outside) Close(_ context.Context, login pool.Login, name string) error {
	return o.in("Close", login, func(s *server) error {
		if d := s.databases[name]; d != nil {
			d.login = false
		}
		return nil
	})
}

func (o outside) GrantCopier(_ context.Context, login pool.Login, slot pool.MarkedSlot, password string, _ time.Time) error {
	return o.in("GrantCopier", login, func(s *server) error {
		d, err := s.there(slot)
		switch {
		case err != nil:
			return err
		case d == nil:
			return pool.ErrNoDatabase
		case d.login:
			return pool.ErrDatabaseOpen
		}
		d.copier = password
		return nil
	})
}

func (o outside) Size(_ context.Context, login pool.Login, slot pool.MarkedSlot) (size int64, err error) {
	err = o.in("Size", login, func(s *server) error {
		d, err := s.there(slot)
		if err == nil && d == nil {
			err = pool.ErrNoDatabase
		}
		if err == nil {
			size = int64(len(d.rows)) << 20
		}
		return err
	})
	return size, err
}

func (o outside) PrepareStandIn(_ context.Context, login pool.Login, standIn pool.MarkedSlot, _ int, password string, _ time.Time) error {
	return o.in("PrepareStandIn", login, func(s *server) error {
		if _, err := s.there(standIn); err != nil {
			return err
		}
		s.databases[standIn.Name] = &database{mark: standIn.Mark, filler: password}
		return nil
	})
}

func (o outside) Swap(_ context.Context, login pool.Login, slot, standIn, kept pool.MarkedSlot) error {
	return o.swap("Swap", login, slot, standIn, kept)
}

func (o outside) HandOver(_ context.Context, login pool.Login, _, standIn pool.MarkedSlot) error {
	return o.in("HandOver", login, func(s *server) error {
		_, err := s.there(standIn)
		return err
	})
}

func (o outside) LetIn(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.in("LetIn", login, func(s *server) error { return s.open(slot) })
}

func (o outside) SwapBack(_ context.Context, login pool.Login, slot, standIn, kept pool.MarkedSlot) error {
	return o.swap("SwapBack", login, slot, kept, standIn)
}

// swap shuts a slot, exchanges its database, and opens it again. Whoever is killed between leaves it shut.
func (o outside) swap(operation string, login pool.Login, slot, in, out pool.MarkedSlot) error {
	if err := o.in(operation, login, func(s *server) error { return s.shut(slot, in) }); err != nil {
		return err
	}
	if err := o.in(operation+" exchange", login, func(s *server) error { return s.swap(slot, in, out) }); err != nil && !errors.Is(err, pool.ErrNoDatabase) {
		return err
	} else if err != nil {
		return errors.Join(err, o.in(operation+" open", login, func(s *server) error { return s.open(slot) }))
	}
	return o.in(operation+" open", login, func(s *server) error { return s.open(slot) })
}

// shut lets nobody into a slot's database, if there is one to exchange it for.
func (s *server) shut(slot, in pool.MarkedSlot) error {
	next, err := s.there(in)
	if err != nil || next == nil {
		return err
	}
	if d, err := s.there(slot); err != nil || d == nil {
		return err
	} else if !d.shut {
		d.shut, d.may, d.login = true, d.login, false
	}
	return nil
}

// open lets those in again who may be in a slot's database.
func (s *server) open(slot pool.MarkedSlot) error {
	d, err := s.there(slot)
	if err == nil && d != nil && d.shut {
		d.shut, d.login = false, d.may
	}
	return err
}

// swap puts one database into a slot's place and keeps what was there as another; again, it finds that done.
func (s *server) swap(slot, in, out pool.MarkedSlot) error {
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
	next.mark, next.shut, next.may, next.login, next.filler, next.copier = slot.Mark, present.shut, present.may, present.login, "", ""
	present.mark, present.shut, present.login = out.Mark, false, false
	s.databases[slot.Name], s.databases[out.Name] = next, present
	delete(s.databases, in.Name)
	return nil
}

func (o outside) Drop(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.in("Drop", login, func(s *server) error {
		if _, err := s.there(slot); err != nil {
			return err
		}
		delete(s.databases, slot.Name)
		return nil
	})
}

func (o outside) restored() *rdsinstances.Restored {
	r, err := rdsinstances.NewRestored(rdsinstances.RestoredConfig{Client: o.w.rds, Stage: "prod", Group: "sg-restored", Key: "key"})
	o.w.must(err)
	return r
}

func (o outside) Restorable(ctx context.Context, source string) (r pool.Restorable, err error) {
	err = o.call("Restorable", func() (err error) { r, err = o.restored().Restorable(ctx, source); return err })
	return r, err
}

func (o outside) Restore(ctx context.Context, order pool.InstanceOrder) error {
	return o.call("Restore", func() error { return o.restored().Restore(ctx, order) })
}

func (o outside) Look(ctx context.Context, name string) (i pool.RestoredInstance, err error) {
	err = o.call("Look", func() (err error) { i, err = o.restored().Look(ctx, name); return err })
	return i, err
}

func (o outside) List(ctx context.Context) (all []pool.RestoredInstance, err error) {
	err = o.call("List", func() (err error) { all, err = o.restored().List(ctx); return err })
	return all, err
}

func (o outside) ManageMaster(ctx context.Context, name, mark string) error {
	return o.call("ManageMaster", func() error { return o.restored().ManageMaster(ctx, name, mark) })
}

func (o outside) Delete(ctx context.Context, name, mark string) error {
	return o.call("Delete", func() error { return o.restored().Delete(ctx, name, mark) })
}

func (o outside) gateways() *gateway.Gateways {
	return &gateway.Gateways{Client: o.w.gateways, Region: "eu-west-1"}
}

func (o outside) NotifyWhenUploaded(ctx context.Context, share pool.ShareRef) (id string, err error) {
	err = o.call("NotifyWhenUploaded", func() (err error) { id, err = o.gateways().NotifyWhenUploaded(ctx, share); return err })
	return id, err
}

func (o outside) RefreshCache(ctx context.Context, share pool.ShareRef) (id string, err error) {
	err = o.call("RefreshCache", func() (err error) { id, err = o.gateways().RefreshCache(ctx, share); return err })
	return id, err
}

func (o outside) TagsOf(ctx context.Context, share pool.ShareRef) (tags map[string]string, err error) {
	err = o.call("TagsOf", func() (err error) { tags, err = o.gateways().TagsOf(ctx, share); return err })
	return tags, err
}

func (o outside) runner() *ecs.Runner {
	return &ecs.Runner{
		API: o.w.cluster, Cluster: taskstest.Cluster, Definition: taskstest.Family, Container: taskstest.Container,
		Subnets: []string{"subnet-0a1b2c3d"}, Groups: []string{"sg-0a1b2c3d"},
	}
}

func (o outside) Run(ctx context.Context, order pool.TaskOrder) (arn string, err error) {
	err = o.call("Run", func() (err error) { arn, err = o.runner().Run(ctx, order); return err })
	return arn, err
}

func (o outside) Describe(ctx context.Context, arn string) (task pool.TaskStatus, err error) {
	err = o.call("Describe", func() (err error) { task, err = o.runner().Describe(ctx, arn); return err })
	return task, err
}

func (o outside) Stop(ctx context.Context, arn, why string) error {
	return o.call("Stop", func() error { return o.runner().Stop(ctx, arn, why) })
}
