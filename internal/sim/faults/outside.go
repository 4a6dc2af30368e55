package faults

import (
	"context"
	"fmt"
	"io"
	"strings"

	"headroom/events"
	s3tags "headroom/internal/adapter/buckets"
	ec2 "headroom/internal/adapter/firewall"
	"headroom/internal/adapter/gateway"
	ec2machines "headroom/internal/adapter/machines"
	"headroom/internal/adapter/secrets"
	"headroom/internal/pool"
)

// gateways is Storage Gateway, each call of which is one of a process.
type gateways struct {
	w    *world
	next *gateway.Gateways
}

// reaches says why Storage Gateway does not reach a gateway.
func (g gateways) reaches(arn string) error {
	at, known := g.w.cloud.seats[arn]
	if h := g.w.cloud.stacks.live[at.host]; known && h != nil {
		if g.w.cloud.last = h.name; g.w.cloud.isDown(h.name) || h.outputs["MachineId"] != at.machine {
			return fmt.Errorf("ask gateway %s: %w", arn, pool.ErrUnreachable)
		}
	}
	return nil
}

// asks makes a call that a gateway has to answer.
func (g gateways) asks(operation, arn string, do func() error) error {
	return g.w.call(operation, func() error {
		if err := g.reaches(arn); err != nil {
			return err
		}
		return do()
	})
}

// tells is asks for a call that changes something.
func (g gateways) tells(operation, arn string, do func() error) error {
	return g.asks(operation, arn, func() error {
		g.w.wrote = true
		return do()
	})
}

// Find looks for a gateway.
func (g gateways) Find(ctx context.Context, name, mark string) (string, error) {
	return answered(g.w, "Find", func() (string, error) { return g.next.Find(ctx, name, mark) })
}

// Activate activates a gateway.
func (g gateways) Activate(ctx context.Context, key, name string, tags map[string]string) (string, error) {
	return answered(g.w, "Activate", func() (string, error) {
		arn, err := g.next.Activate(ctx, key, name, tags)
		if h := g.w.cloud.stacks.live[g.w.cloud.appliances.whose[key]]; err == nil && h != nil {
			g.w.cloud.reseat(arn, h)
		}
		return arn, err
	})
}

// Running asks whether a gateway runs.
func (g gateways) Running(ctx context.Context, arn string) error {
	return g.asks("Running", arn, func() error { return g.next.Running(ctx, arn) })
}

// AddCache gives a gateway its disk.
func (g gateways) AddCache(ctx context.Context, arn string) error {
	return g.asks("AddCache", arn, func() error { return g.next.AddCache(ctx, arn) })
}

// CreateShare creates a share.
func (g gateways) CreateShare(ctx context.Context, s pool.ShareSpec) (id string, err error) {
	err = g.tells("CreateShare", s.Gateway, func() (err error) {
		if r := g.w.cloud.roles[s.Role]; r == nil || r.denied || r.bucket != s.Bucket {
			g.w.found("a share is made by a role that reaches its bucket", "%s of %s by %s: %+v", s.Bucket, s.Gateway, s.Role, r)
		}
		id, err = g.next.CreateShare(ctx, s)
		g.w.cloud.oneWriter()
		return err
	})
	return id, err
}

// Shares says how shares are.
func (g gateways) Shares(ctx context.Context, arn string, ids []string) (status map[string]string, err error) {
	err = g.asks("Shares", arn, func() (err error) { status, err = g.next.Shares(ctx, arn, ids); return err })
	return status, err
}

// Tag tags a share.
func (g gateways) Tag(ctx context.Context, share pool.ShareRef, tags map[string]string) error {
	return g.w.changed("Tag", func() error { return g.next.Tag(ctx, share, tags) })
}

// SetClients sets the clients of a share.
func (g gateways) SetClients(ctx context.Context, share pool.ShareRef, clients []string) error {
	return g.tells("SetClients", share.Gateway, func() error {
		g.w.trace("the clients of %s are to be %v", share.ID, clients)
		return g.next.SetClients(ctx, share, clients)
	})
}

// Serves looks whether a share serves these clients.
func (g gateways) Serves(ctx context.Context, share pool.ShareRef, clients []string) (serves bool, err error) {
	err = g.asks("Serves", share.Gateway, func() (err error) { serves, err = g.next.Serves(ctx, share, clients); return err })
	return serves, err
}

// firewall is EC2's security groups.
type firewall struct {
	w    *world
	next *ec2.Groups
}

// Admit lets an address in.
func (f firewall) Admit(ctx context.Context, group, address, description string) error {
	return f.w.changed("Admit", func() error { return f.next.Admit(ctx, group, address, description) })
}

// Evict puts an address out.
func (f firewall) Evict(ctx context.Context, group, address string) error {
	return f.w.changed("Evict", func() error { return f.next.Evict(ctx, group, address) })
}

// machines is EC2's machines and their disks.
type machines struct {
	w    *world
	next *ec2machines.Machines
}

// Attachment says where a disk is.
func (m machines) Attachment(ctx context.Context, volume string) (pool.Attachment, error) {
	return answered(m.w, "Attachment", func() (pool.Attachment, error) { return m.next.Attachment(ctx, volume) })
}

// Attach attaches a disk.
func (m machines) Attach(ctx context.Context, volume, machine, device string) error {
	return m.w.changed("Attach", func() error { return m.next.Attach(ctx, volume, machine, device) })
}

// appliances give activation keys once they have booted, and are down for good for that once one was used.
type appliances struct {
	c     *cloud
	late  int
	boots map[string]int
	keys  map[string]string // the last that each gave
	whose map[string]string // of which host a key is
	given int
}

// Key asks an appliance for its activation key.
func (a *appliances) Key(_ context.Context, at string) (string, error) {
	return answered(a.c.w, "Key", func() (string, error) {
		last, asked := a.keys[at]
		if h := a.c.stacks.answersAt(at); h != nil && h.outputs["MachineId"] == "" {
			return "", fmt.Errorf("ask the appliance at %s: %w", at, pool.ErrBooting)
		}
		if a.boots[at]++; a.boots[at] <= a.late || asked && !a.c.gateways.Keys[last] {
			return "", fmt.Errorf("ask the appliance at %s: %w", at, pool.ErrBooting)
		}
		a.given++
		key := fmt.Sprintf("KEY-%08d", a.given)
		delete(a.c.gateways.Keys, last)
		a.keys[at], a.c.gateways.Keys[key] = key, true
		if h := a.c.stacks.answersAt(at); h != nil {
			a.whose[key] = h.name
		}
		return key, nil
	})
}

// buckets is S3's tags.
type buckets struct {
	w    *world
	next *s3tags.Buckets
}

// Mark marks a bucket.
func (b buckets) Mark(ctx context.Context, bucket, mark string) error {
	return b.w.changed("Mark", func() error { return b.next.Mark(ctx, bucket, mark) })
}

// MarkOf reads a bucket's mark.
func (b buckets) MarkOf(ctx context.Context, bucket string) (string, error) {
	return answered(b.w, "MarkOf", func() (string, error) { return b.next.MarkOf(ctx, bucket) })
}

// vault is Secrets Manager.
type vault struct {
	w    *world
	next *secrets.Vault
}

// Tenant stores a tenant's credentials.
func (v vault) Tenant(ctx context.Context, id, mark string, fill func(string) events.Credentials) (c events.Credentials, arn string, err error) {
	err = v.w.changed("Secret", func() (err error) {
		c, arn, err = v.next.Tenant(ctx, id, mark, fill)
		if err == nil {
			v.w.town.knows(pool.TenantID(id), c.Password)
		}
		return err
	})
	if err != nil {
		return events.Credentials{}, "", err
	}
	return c, arn, nil
}

// Master reads a master user's password.
func (v vault) Master(ctx context.Context, arn string) (username, password string, err error) {
	err = v.w.call("Master", func() (err error) {
		if strings.Contains(arn, "rds!db-headroom-sim-restore-") {
			username, password = "master", temporaryPassword
			return nil
		}
		username, password, err = v.next.Master(ctx, arn)
		return err
	})
	return username, password, err
}

// Copier makes the credentials of a copier.
func (v vault) Copier(ctx context.Context, name string, fill func(string) events.Credentials) (c events.Credentials, arn string, err error) {
	err = v.w.call("Copier", func() (err error) { c, arn, err = v.next.Copier(ctx, name, fill); return err })
	return c, arn, err
}

// DeleteCopier deletes them.
func (v vault) DeleteCopier(ctx context.Context, name string) error {
	return v.w.call("DeleteCopier", func() error { return v.next.DeleteCopier(ctx, name) })
}

// DeleteTenant deletes the secret of a signup that was not handed over.
func (v vault) DeleteTenant(ctx context.Context, id, mark string) error {
	return v.w.changed("DeleteTenant", func() error {
		if p := v.w.town.people[pool.TenantID(id)]; p != nil && p.wrote[life(p.id, mark)] {
			v.w.found("nothing is destroyed too early", "the secret of %s, which was handed over", life(p.id, mark))
		}
		return v.next.DeleteTenant(ctx, id, mark)
	})
}

// DeleteSecret deletes a tenant's secret.
func (v vault) DeleteSecret(ctx context.Context, arn string) error {
	return v.w.changed("DeleteSecret", func() error {
		v.w.mayForget(arn)
		return v.next.DeleteSecret(ctx, arn)
	})
}

// NotifyWhenUploaded has a gateway tell when all is uploaded.
func (g gateways) NotifyWhenUploaded(ctx context.Context, share pool.ShareRef) (id string, err error) {
	err = g.asks("NotifyWhenUploaded", share.Gateway, func() (err error) {
		id, err = g.next.NotifyWhenUploaded(ctx, share)
		g.w.cloud.stir()
		return err
	})
	return id, err
}

// ShareStatus says how a share is.
func (g gateways) ShareStatus(ctx context.Context, share pool.ShareRef) (status string, err error) {
	err = g.asks("ShareStatus", share.Gateway, func() (err error) { status, err = g.next.ShareStatus(ctx, share); return err })
	return status, err
}

// DeleteShare deletes a share. What lies in its bucket stays.
func (g gateways) DeleteShare(ctx context.Context, share pool.ShareRef) error {
	return g.tells("DeleteShare", share.Gateway, func() error { return g.next.DeleteShare(ctx, share) })
}

// TagsOf reads a share's tags.
func (g gateways) TagsOf(ctx context.Context, share pool.ShareRef) (map[string]string, error) {
	return answered(g.w, "TagsOf", func() (map[string]string, error) { return g.next.TagsOf(ctx, share) })
}

// StartReport has a gateway report which files fail to upload.
func (g gateways) StartReport(ctx context.Context, s pool.ReportSpec) (string, error) {
	return answered(g.w, "StartReport", func() (string, error) { return g.next.StartReport(ctx, s) })
}

// Report says how far a report is.
func (g gateways) Report(ctx context.Context, arn string) (pool.CacheReport, error) {
	return answered(g.w, "Report", func() (pool.CacheReport, error) { return g.next.Report(ctx, arn) })
}

// DeleteReport deletes one.
func (g gateways) DeleteReport(ctx context.Context, arn string) error {
	return g.w.call("DeleteReport", func() error { return g.next.DeleteReport(ctx, arn) })
}

// FilesIn reads one.
func (g gateways) FilesIn(report io.Reader) (pool.FailingFiles, error) { return g.next.FilesIn(report) }
