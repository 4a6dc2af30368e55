package stackcomplete

import (
	"context"
	"time"

	bucketsadapter "headroom/internal/adapter/buckets"
	instancesadapter "headroom/internal/adapter/instances"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// outsideBuckets makes each call to S3 about buckets that are given up one killtest.Call.
type outsideBuckets struct {
	next *bucketsadapter.Disposal
	call killtest.Call
}

func (o outsideBuckets) MarkOf(ctx context.Context, arn string) (mark string, err error) {
	err = o.call("MarkOf", func() (err error) { mark, err = o.next.MarkOf(ctx, arn); return err })
	return mark, err
}

func (o outsideBuckets) Found(ctx context.Context, arn string) (found string, err error) {
	err = o.call("Found", func() (err error) { found, err = o.next.Found(ctx, arn); return err })
	return found, err
}

func (o outsideBuckets) Delete(ctx context.Context, arn string) error {
	return o.call("DeleteBucket", func() error { return o.next.Delete(ctx, arn) })
}

// outsideRDS makes each call to RDS one killtest.Call.
type outsideRDS struct {
	next *instancesadapter.Disposal
	call killtest.Call
}

func (o outsideRDS) Look(ctx context.Context, name string) (look pool.InstanceLook, err error) {
	err = o.call("Look", func() (err error) { look, err = o.next.Look(ctx, name); return err })
	return look, err
}

func (o outsideRDS) Unprotect(ctx context.Context, name string) error {
	return o.call("Unprotect", func() error { return o.next.Unprotect(ctx, name) })
}

func (o outsideRDS) Snapshots(ctx context.Context, name string) (all []pool.Snapshot, err error) {
	err = o.call("Snapshots", func() (err error) { all, err = o.next.Snapshots(ctx, name); return err })
	return all, err
}

func (o outsideRDS) Date(ctx context.Context, s pool.Snapshot, until time.Time) error {
	return o.call("Date", func() error { return o.next.Date(ctx, s, until) })
}

func (o outsideRDS) DeleteSnapshot(ctx context.Context, s pool.Snapshot, now time.Time) error {
	return o.call("DeleteSnapshot", func() error { return o.next.DeleteSnapshot(ctx, s, now) })
}

func (o outsideMachines) FindVolumes(ctx context.Context, tags map[string]string) (found []pool.Volume, err error) {
	err = o.call("FindVolumes", func() (err error) { found, err = o.next.FindVolumes(ctx, tags); return err })
	return found, err
}

func (o outsideMachines) DeleteVolume(ctx context.Context, volume string) error {
	return o.call("DeleteVolume", func() error { return o.next.DeleteVolume(ctx, volume) })
}

func (o outside) Strange(_ context.Context, l pool.Login, slots []pool.MarkedSlot, _ []string) (found []string, err error) {
	err = o.call("Strange", func() error {
		if l.Password != "secret" {
			return pool.ErrLogin
		}
		found = o.w.strange
		if len(slots) == 0 {
			found = append(found, "no slots were asked for")
		}
		return nil
	})
	return found, err
}
