package decommission

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"headroom/events"
	s3tags "headroom/internal/adapter/buckets"
	ec2 "headroom/internal/adapter/firewall"
	"headroom/internal/adapter/gateway"
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

func (o outside) Load(context.Context) (pool.Policies, error) {
	var all pool.Policies
	for _, k := range pool.Kinds {
		all = append(all, pool.Policy{Kind: k, Tier: tier, SlotsPerHost: 10, Ceiling: 9, MaxOrders: 1, Placement: pool.Pack})
	}
	return all, nil
}

func (o outside) Document(ctx context.Context) (pool.Document, error) {
	ps, err := o.Load(ctx)
	return pool.Document{Pools: ps, Terms: pool.DefaultTerms}, err
}

func (o outside) Terms(context.Context) (pool.Terms, error) { return o.w.terms, nil }

func (o outside) vault() *secrets.Vault {
	return secrets.New(secrets.Config{
		Client: o.w.secrets, Stage: "dev", Prefix: "headroom/dev/tenant/", CopierPrefix: "headroom/dev/copier/", KeyID: "key", Random: rand.Reader,
		Sleep:  func(context.Context, time.Duration) error { return nil },
		Jitter: func() float64 { return 0.5 },
	})
}

// destroys tells the world of a call that destroys something, before it is made.
func (o outside) destroys(what, name string) {
	if o.w.inspect != nil {
		o.w.inspect(what, name)
	}
}

func (o outside) Master(ctx context.Context, arn string) (username, password string, err error) {
	err = o.call("Master", func() (err error) { username, password, err = o.vault().Master(ctx, arn); return err })
	return username, password, err
}

func (o outside) Copier(ctx context.Context, name string, fill func(string) events.Credentials) (c events.Credentials, arn string, err error) {
	err = o.call("Copier", func() (err error) { c, arn, err = o.vault().Copier(ctx, name, fill); return err })
	return c, arn, err
}

func (o outside) DeleteCopier(ctx context.Context, name string) error {
	return o.call("DeleteCopier", func() error { return o.vault().DeleteCopier(ctx, name) })
}

func (o outside) DeleteTenant(ctx context.Context, tenantID, mark string) error {
	return o.call("DeleteTenant", func() error {
		o.destroys("unhanded", tenantID+" "+mark)
		return o.vault().DeleteTenant(ctx, tenantID, mark)
	})
}

func (o outside) DeleteSecret(ctx context.Context, arn string) error {
	return o.call("DeleteSecret", func() error {
		o.destroys("secret", arn)
		return o.vault().DeleteSecret(ctx, arn)
	})
}

func (o outside) Delete(ctx context.Context, bucket string, versions []pool.ObjectVersion) (kept []pool.ObjectRefusal, err error) {
	err = o.call("Delete", func() (err error) {
		if bucket != reports { // which has nothing of a tenant's but names
			o.destroys("objects", bucket)
		}
		kept, err = o.w.store().Delete(ctx, bucket, versions)
		return err
	})
	return kept, err
}

var errNoSlot = errors.New("there is no such slot")

// in does something to a slot's database.
func (o outside) in(operation string, login pool.Login, slot pool.MarkedSlot, do func(*server, *database) error) error {
	return o.call(operation, func() error {
		s := o.w.servers[login.Host]
		if s == nil || login.Password != s.password {
			return fmt.Errorf("log in: %w", pool.ErrLogin)
		}
		d := s.databases[slot.Name]
		if d != nil && slot.Mark != "" && d.mark != slot.Mark {
			return errors.New("the database bears another mark")
		}
		return do(s, d)
	})
}

func (o outside) Close(_ context.Context, login pool.Login, name string) error {
	return o.in("Close", login, pool.MarkedSlot{Name: name}, func(_ *server, d *database) error {
		if d != nil {
			d.login = false
		}
		return nil
	})
}

func (o outside) Closed(_ context.Context, login pool.Login, name string) error {
	return o.in("Closed", login, pool.MarkedSlot{Name: name}, func(_ *server, d *database) error {
		if d != nil && d.login {
			return pool.ErrDatabaseOpen
		}
		return nil
	})
}

func (o outside) Reopen(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.in("Reopen", login, slot, func(_ *server, d *database) error {
		if d == nil {
			return errNoSlot
		}
		d.login = true
		return nil
	})
}

func (o outside) GrantCopier(_ context.Context, login pool.Login, slot pool.MarkedSlot, password string, _ time.Time) error {
	return o.in("GrantCopier", login, slot, func(_ *server, d *database) error {
		switch {
		case d == nil:
			return errNoSlot
		case d.login:
			return pool.ErrDatabaseOpen
		}
		d.copier = password
		return nil
	})
}

func (o outside) RevokeCopier(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.in("RevokeCopier", login, slot, func(_ *server, d *database) error {
		if d != nil {
			d.copier = ""
		}
		return nil
	})
}

func (o outside) Drop(_ context.Context, login pool.Login, slot pool.MarkedSlot) error {
	return o.in("Drop", login, slot, func(s *server, _ *database) error {
		o.destroys("database", slot.Name)
		delete(s.databases, slot.Name)
		return nil
	})
}

func (o outside) MakeSlot(_ context.Context, login pool.Login, name, mark string, _ int) error {
	return o.in("MakeSlot", login, pool.MarkedSlot{Name: name, Mark: mark}, func(s *server, d *database) error {
		if d == nil {
			s.databases[name] = &database{mark: mark}
		}
		return nil
	})
}

func (o outside) Prove(_ context.Context, login pool.Login, former string, slot pool.MarkedSlot, _ time.Time) (found []string, err error) {
	err = o.in("Prove", login, slot, func(s *server, d *database) error {
		switch {
		case d == nil:
			return errNoSlot
		case s.databases[former] != nil:
			found = append(found, "the former database is there")
		}
		found = append(append(found, d.rows...), o.w.dirty...)
		return nil
	})
	return found, err
}

func (o outside) gateways() *gateway.Gateways {
	return &gateway.Gateways{Client: o.w.gateways, Region: "eu-west-1"}
}

func (o outside) SetClients(ctx context.Context, share pool.ShareRef, clients []string) error {
	return o.call("SetClients", func() error {
		if err := o.w.answers(share); err != nil {
			return err
		}
		return o.gateways().SetClients(ctx, share, clients)
	})
}

func (o outside) Serves(ctx context.Context, share pool.ShareRef, clients []string) (serves bool, err error) {
	err = o.call("Serves", func() (err error) {
		if err := o.w.answers(share); err != nil {
			return err
		}
		serves, err = o.gateways().Serves(ctx, share, clients)
		return err
	})
	return serves, err
}

func (o outside) NotifyWhenUploaded(ctx context.Context, share pool.ShareRef) (id string, err error) {
	err = o.call("NotifyWhenUploaded", func() (err error) { id, err = o.gateways().NotifyWhenUploaded(ctx, share); return err })
	return id, err
}

func (o outside) ShareStatus(ctx context.Context, share pool.ShareRef) (status string, err error) {
	err = o.call("ShareStatus", func() (err error) {
		if err := o.w.answers(share); err != nil {
			return err
		}
		status, err = o.gateways().ShareStatus(ctx, share)
		return err
	})
	return status, err
}

func (o outside) DeleteShare(ctx context.Context, share pool.ShareRef) error {
	return o.call("DeleteShare", func() error {
		o.destroys("share", share.ID)
		return o.gateways().DeleteShare(ctx, share)
	})
}

func (o outside) CreateShare(ctx context.Context, s pool.ShareSpec) (id string, err error) {
	err = o.call("CreateShare", func() (err error) { id, err = o.gateways().CreateShare(ctx, s); return err })
	return id, err
}

func (o outside) StartReport(ctx context.Context, s pool.ReportSpec) (arn string, err error) {
	err = o.call("StartReport", func() (err error) { arn, err = o.gateways().StartReport(ctx, s); return err })
	return arn, err
}

func (o outside) Report(ctx context.Context, arn string) (r pool.CacheReport, err error) {
	err = o.call("Report", func() (err error) { r, err = o.gateways().Report(ctx, arn); return err })
	return r, err
}

func (o outside) DeleteReport(ctx context.Context, arn string) error {
	return o.call("DeleteReport", func() error { return o.gateways().DeleteReport(ctx, arn) })
}

func (o outside) FilesIn(report io.Reader) (pool.FailingFiles, error) {
	return o.gateways().FilesIn(report)
}

func (o outside) Tag(ctx context.Context, ref pool.ObjectRef, tags map[string]string) error {
	return o.call("Tag", func() error { return o.w.store().Tag(ctx, ref, tags) })
}

func (o outside) TagsOf(ctx context.Context, share pool.ShareRef) (tags map[string]string, err error) {
	err = o.call("TagsOf", func() (err error) { tags, err = o.gateways().TagsOf(ctx, share); return err })
	return tags, err
}

func (o outside) Admit(ctx context.Context, group, address, description string) error {
	return o.call("Admit", func() error { return (&ec2.Groups{Client: o.w.groups}).Admit(ctx, group, address, description) })
}

func (o outside) Evict(ctx context.Context, group, address string) error {
	return o.call("Evict", func() error { return (&ec2.Groups{Client: o.w.groups}).Evict(ctx, group, address) })
}

func (o outside) Mark(ctx context.Context, bucket, mark string) error {
	return o.call("Mark", func() error { return (&s3tags.Buckets{Client: o.w.tags}).Mark(ctx, bucket, mark) })
}

func (o outside) MarkOf(ctx context.Context, bucket string) (mark string, err error) {
	err = o.call("MarkOf", func() (err error) { mark, err = (&s3tags.Buckets{Client: o.w.tags}).MarkOf(ctx, bucket); return err })
	return mark, err
}

func (o outside) Current(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (page pool.ObjectPage, err error) {
	err = o.call("Current", func() (err error) { page, err = o.w.store().Current(ctx, bucket, prefix, from); return err })
	return page, err
}

func (o outside) Versions(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (page pool.ObjectPage, err error) {
	err = o.call("Versions", func() (err error) { page, err = o.w.store().Versions(ctx, bucket, prefix, from); return err })
	return page, err
}

func (o outside) Uploads(ctx context.Context, bucket, prefix string, from pool.UploadCursor) (page pool.UploadPage, err error) {
	err = o.call("Uploads", func() (err error) { page, err = o.w.store().Uploads(ctx, bucket, prefix, from); return err })
	return page, err
}

func (o outside) AbortUpload(ctx context.Context, bucket string, u pool.OpenUpload) error {
	return o.call("AbortUpload", func() error {
		o.destroys("upload", bucket)
		return o.w.store().AbortUpload(ctx, bucket, u)
	})
}

func (o outside) Open(ctx context.Context, ref pool.ObjectRef, size int64) (content io.ReadCloser, stored pool.StoredObject, err error) {
	err = o.call("Open", func() (err error) { content, stored, err = o.w.store().Open(ctx, ref, size); return err })
	return content, stored, err
}

func (o outside) ReadAll(ctx context.Context, ref pool.ObjectRef, most int64) (content []byte, stored pool.StoredObject, err error) {
	err = o.call("ReadAll", func() (err error) { content, stored, err = o.w.store().ReadAll(ctx, ref, most); return err })
	return content, stored, err
}

func (o outside) Put(ctx context.Context, spec pool.ObjectSpec, content []byte) (stored pool.StoredObject, err error) {
	err = o.call("Put", func() (err error) { stored, err = o.w.store().Put(ctx, spec, content); return err })
	return stored, err
}

func (o outside) Retain(ctx context.Context, ref pool.ObjectRef, until time.Time) error {
	return o.call("Retain", func() error { return o.w.store().Retain(ctx, ref, until) })
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
