package faults

import (
	"context"
	"fmt"
	"slices"
	"time"

	s3tags "headroom/internal/adapter/buckets"
	"headroom/internal/adapter/instances"
	"headroom/internal/pool"
)

// empties is S3, as far as buckets of retired hosts are given up.
type empties struct {
	w    *world
	next *s3tags.Disposal
}

// MarkOf reads a bucket's mark.
func (e empties) MarkOf(ctx context.Context, arn string) (string, error) {
	return answered(e.w, "MarkOf", func() (string, error) { return e.next.MarkOf(ctx, arn) })
}

// Found looks what is in a bucket.
func (e empties) Found(ctx context.Context, arn string) (string, error) {
	return answered(e.w, "Found", func() (string, error) {
		e.fill(arn)
		return e.next.Found(ctx, arn)
	})
}

// fill has the bucket that bears the tags hold what lies in the one that holds the objects.
func (e empties) fill(arn string) {
	name := pool.BucketName(arn)
	what := ""
	if page, err := e.w.cloud.store.Versions(context.Background(), name, "", pool.ObjectCursor{}); len(must(e.w, page, err).Versions) > 0 {
		what = "version"
	}
	if slices.Contains(e.w.cloud.tags.Names(), name) {
		e.w.cloud.tags.Hold(name, what)
	}
}

// Delete deletes a bucket, which must be nobody's and hold nothing of anybody's.
func (e empties) Delete(ctx context.Context, arn string) error {
	return e.w.changed("DeleteBucket", func() error {
		for _, key := range e.w.cloud.lies(arn) {
			e.w.found("nothing is destroyed too early", "bucket %s has %s", arn, key)
		}
		for at, owner := range e.w.account().owners {
			h := e.w.account().Hosts[at.host]
			if slot := h.Slot(at.index); slot != nil && slot.Bucket == arn {
				e.w.found("nothing is destroyed that somebody has", "bucket %s is %s's", arn, owner)
			}
		}
		e.fill(arn)
		return e.next.Delete(ctx, arn)
	})
}

// disposal is RDS, as far as instances of retired hosts are given up, and what is left of them.
type disposal struct {
	w    *world
	next *instances.Disposal
}

// Look looks at an instance.
func (d disposal) Look(ctx context.Context, name string) (pool.InstanceLook, error) {
	return answered(d.w, "LookAtInstance", func() (pool.InstanceLook, error) { return d.next.Look(ctx, name) })
}

// Unprotect lifts an instance's protection, which it bears for as long as somebody may have need of it.
func (d disposal) Unprotect(ctx context.Context, name string) error {
	return d.w.changed("Unprotect", func() error {
		d.w.mayRetire(name)
		return d.next.Unprotect(ctx, name)
	})
}

// Snapshots lists the snapshots of an instance.
func (d disposal) Snapshots(ctx context.Context, name string) ([]pool.Snapshot, error) {
	return answered(d.w, "Snapshots", func() ([]pool.Snapshot, error) { return d.next.Snapshots(ctx, name) })
}

// Date gives a snapshot its date of deletion.
func (d disposal) Date(ctx context.Context, s pool.Snapshot, until time.Time) error {
	return d.w.changed("Date", func() error { return d.next.Date(ctx, s, until) })
}

// DeleteSnapshot deletes a snapshot whose date is over.
func (d disposal) DeleteSnapshot(ctx context.Context, s pool.Snapshot, now time.Time) error {
	return d.w.changed("DeleteSnapshot", func() error {
		if d.w.now.Add(clocksApart).Before(s.Until) {
			d.w.found("nothing is destroyed too early", "snapshot %s is to be kept until %s", s.Name, s.Until)
		}
		return d.next.DeleteSnapshot(ctx, s, now)
	})
}

// retired is what a host leaves behind whose stack is deleted; false: it can't be.
func (c *cloud) retired(h *host) bool {
	if h.kind == pool.Database {
		return c.rds.Dispose(h.name, "final-"+h.name+"-"+h.mark, c.w.now)
	}
	if machine := h.outputs["MachineId"]; machine != "" {
		c.ec2.Terminate(machine)
	}
	return true
}

// mayRetire holds what takes something of a host away to that it is retiring, and that nobody has anything of it.
func (w *world) mayRetire(name string) {
	h := w.cloud.stacks.live[name]
	if h == nil {
		return
	}
	a := w.account()
	if state := a.Hosts[h.id].State; state != pool.HostRetiring {
		w.found("only what retires is taken down", "%s is %s", name, state)
	}
	for at, owner := range a.owners {
		if at.host == h.id {
			w.found("nothing is destroyed that somebody has", "%s is retired, and slot %d of it is %s's", name, at.index, owner)
		}
	}
}

// Bears says whether a gateway bears the mark of an order.
func (g gateways) Bears(ctx context.Context, arn, mark string) (bool, error) {
	return answered(g.w, "Bears", func() (bool, error) { return g.next.Bears(ctx, arn, mark) })
}

// SharesOf lists the shares of a gateway.
func (g gateways) SharesOf(ctx context.Context, arn string) ([]string, error) {
	return answered(g.w, "SharesOf", func() ([]string, error) { return g.next.SharesOf(ctx, arn) })
}

// DeleteGateway takes a gateway out of the account, which must have no shares: they would go with what they have not uploaded.
func (g gateways) DeleteGateway(ctx context.Context, arn string) error {
	return g.w.changed("DeleteGateway", func() error {
		for _, found := range g.w.cloud.gateways.Gateways() {
			if found.ARN == arn {
				g.w.mayRetire(prefix + found.Name)
			}
		}
		forced := g.w.cloud.gateways.Forced()
		err := g.next.DeleteGateway(ctx, arn)
		if n := g.w.cloud.gateways.Forced(); n > forced {
			g.w.found("no share goes by force", "gateway %s is deleted with %d", arn, n-forced)
		}
		return err
	})
}

// Strange looks what an instance holds beyond its slots, and what is in those.
func (d *databases) Strange(_ context.Context, login pool.Login, slots []pool.MarkedSlot, outOfUse []string) (found []string, err error) {
	err = d.in("Strange", login, func(s *server) error {
		known := map[string]string{}
		for _, slot := range slots {
			known[slot.Name] = slot.Mark
		}
		for name, db := range s.databases {
			mark, ours := known[name]
			switch {
			case slices.Contains(outOfUse, name):
			case !ours:
				found = append(found, fmt.Sprintf("database %s is none of its slots'", name))
			case db.mark != mark:
				found = append(found, fmt.Sprintf("database %s bears the mark %s", name, db.mark))
			case db.login:
				found = append(found, fmt.Sprintf("database %s lets somebody in", name))
			case len(db.rows) > 0:
				found = append(found, fmt.Sprintf("database %s has %d rows", name, len(db.rows)))
			}
		}
		slices.Sort(found)
		return nil
	})
	return found, err
}

// DeleteVolume deletes a disk: one of a host that is retired. Nobody gives his word for another here.
func (m machines) DeleteVolume(ctx context.Context, volume string) error {
	return m.w.changed("DeleteVolume", func() error {
		for id, h := range m.w.ledger.Books().Hosts {
			if h.State == pool.HostRetiring {
				continue
			}
			volumes, err := m.next.FindVolumes(ctx, map[string]string{"headroom:host": string(id)})
			if slices.ContainsFunc(must(m.w, volumes, err), func(v pool.Volume) bool { return v.ID == volume }) {
				m.w.found("no disk is deleted without a person's word", "disk %s of %s is, which is %s", volume, id, h.State)
			}
		}
		return m.next.DeleteVolume(ctx, volume)
	})
}
