package sim

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// disposal stands for S3 and RDS where hosts are retired: buckets are as they were marked, and hold nothing; instances are as
// they were ordered, and leave nothing.
type disposal struct{ w *world }

// MarkOf says how a bucket was marked.
func (d disposal) MarkOf(_ context.Context, bucket string) (string, error) {
	mark, there := d.w.marked[bucket]
	if !there {
		return "", fmt.Errorf("look at bucket %s: %w", bucket, pool.ErrNotFound)
	}
	return mark, nil
}

// Found looks into a bucket: there is nothing.
func (disposal) Found(context.Context, string) (string, error) { return "", nil }

// Delete deletes a bucket.
func (d disposal) Delete(_ context.Context, bucket string) error {
	delete(d.w.marked, bucket)
	return nil
}

// Look looks at an instance: it is its stack's.
func (d disposal) Look(_ context.Context, name string) (pool.InstanceLook, error) {
	s, err := d.w.stacks.find(name)
	if err != nil {
		return pool.InstanceLook{}, err
	}
	return pool.InstanceLook{Name: name, Status: "available", Mark: s.order.Tags["headroom:order"]}, nil
}

// Unprotect is asked for by nobody: see Look.
func (disposal) Unprotect(context.Context, string) error { return nil }

// Snapshots lists what is left of an instance: nothing.
func (disposal) Snapshots(context.Context, string) ([]pool.Snapshot, error) { return nil, nil }

// Date is asked for by nobody: see Snapshots.
func (disposal) Date(context.Context, pool.Snapshot, time.Time) error { return nil }

// DeleteSnapshot is asked for by nobody: see Snapshots.
func (disposal) DeleteSnapshot(context.Context, pool.Snapshot, time.Time) error { return nil }

// Bears says whose a gateway is: ours.
func (outside) Bears(context.Context, string, string) (bool, error) { return true, nil }

// SharesOf lists the shares of a gateway that is retired: they go at once.
func (outside) SharesOf(context.Context, string) ([]string, error) { return nil, nil }

// ShareStatus says how a share is: gone.
func (outside) ShareStatus(_ context.Context, share pool.ShareRef) (string, error) {
	return "", fmt.Errorf("look at share %s: %w", share.ID, pool.ErrNotFound)
}

// DeleteShare deletes a share.
func (outside) DeleteShare(context.Context, pool.ShareRef) error { return nil }

// DeleteGateway takes a gateway out of the account.
func (outside) DeleteGateway(context.Context, string) error { return nil }

// Strange looks what a database server holds beyond its slots: nothing.
func (outside) Strange(context.Context, pool.Login, []pool.MarkedSlot, []string) ([]string, error) {
	return nil, nil
}

// Found lists the databases of a server that bear a mark: no slot is taken back here, so nobody asks.
func (outside) Found(context.Context, pool.Login) ([]pool.FoundDatabase, error) { return nil, nil }

// FindVolumes lists the disks that a machine left: none.
func (outside) FindVolumes(context.Context, map[string]string) ([]pool.Volume, error) {
	return nil, nil
}

// DeleteVolume deletes a disk.
func (outside) DeleteVolume(context.Context, string) error { return nil }
