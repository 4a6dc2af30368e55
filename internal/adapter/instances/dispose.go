package instances

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

const (
	// orderTag bears the mark of the order that an instance was made for. RDS copies an instance's tags to its snapshots.
	orderTag = "headroom:order"
	// DeleteAfterTag bears the time after which a snapshot is deleted, in RFC 3339.
	DeleteAfterTag = "headroom:delete-after"
	// manual is the type of snapshots that are no automated backups.
	manual = "manual"
)

type disposing interface {
	client
	ModifyDBInstance(ctx context.Context, in *rds.ModifyDBInstanceInput, opts ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error)
	DescribeDBSnapshots(ctx context.Context, in *rds.DescribeDBSnapshotsInput, opts ...func(*rds.Options)) (*rds.DescribeDBSnapshotsOutput, error)
	AddTagsToResource(ctx context.Context, in *rds.AddTagsToResourceInput, opts ...func(*rds.Options)) (*rds.AddTagsToResourceOutput, error)
	DeleteDBSnapshot(ctx context.Context, in *rds.DeleteDBSnapshotInput, opts ...func(*rds.Options)) (*rds.DeleteDBSnapshotOutput, error)
}

// Disposal is RDS, as far as instances are given up, and what is left of them.
type Disposal struct{ Client disposing }

// Look looks at the instance of a host; pool.ErrNotFound when there is none of the name.
func (d *Disposal) Look(ctx context.Context, name string) (pool.InstanceLook, error) {
	found, err := describe(ctx, d.Client, name)
	if err != nil {
		return pool.InstanceLook{}, fmt.Errorf("look at instance %s: %w", name, err)
	}
	return pool.InstanceLook{
		Name: aws.ToString(found.DBInstanceIdentifier), Status: aws.ToString(found.DBInstanceStatus), Mark: tagOf(found.TagList, orderTag),
		Protected: aws.ToBool(found.DeletionProtection), Retention: int(aws.ToInt32(found.BackupRetentionPeriod)),
	}, nil
}

// Unprotect lifts an instance's protection from deletion, which may be seen some looks later. pool.ErrInTransit while RDS is
// at work on it.
func (d *Disposal) Unprotect(ctx context.Context, name string) error {
	_, err := d.Client.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: &name, DeletionProtection: aws.Bool(false), ApplyImmediately: aws.Bool(true),
	})
	if err = passing(err); err != nil {
		return fmt.Errorf("lift the protection of instance %s: %w", name, err)
	}
	return nil
}

// Snapshots lists the snapshots of an instance, and of earlier ones of its name, that are no automated backups, by their
// names: pool.Snapshot.Ours tells which is a host's last one.
func (d *Disposal) Snapshots(ctx context.Context, name string) ([]pool.Snapshot, error) {
	var all []pool.Snapshot
	var marker *string
	for range pagesMost {
		out, err := d.Client.DescribeDBSnapshots(ctx, &rds.DescribeDBSnapshotsInput{
			DBInstanceIdentifier: &name, SnapshotType: aws.String(manual), MaxRecords: aws.Int32(pageSize), Marker: marker,
		})
		if err != nil {
			return nil, fmt.Errorf("list the snapshots of instance %s: %w", name, err)
		}
		for _, s := range out.DBSnapshots {
			all = append(all, snapshotOf(s))
		}
		if marker = out.Marker; aws.ToString(marker) == "" {
			slices.SortFunc(all, func(a, b pool.Snapshot) int { return strings.Compare(a.Name, b.Name) })
			return all, nil
		}
	}
	return nil, fmt.Errorf("list the snapshots of instance %s: there is no end to them after %d pages", name, pagesMost)
}

func snapshotOf(s types.DBSnapshot) pool.Snapshot {
	until, err := time.Parse(time.RFC3339, tagOf(s.TagList, DeleteAfterTag))
	if err != nil {
		until = time.Time{} // it has no date, or one that nobody can read
	}
	return pool.Snapshot{
		Name: aws.ToString(s.DBSnapshotIdentifier), ARN: aws.ToString(s.DBSnapshotArn), Status: aws.ToString(s.Status),
		Made: aws.ToTime(s.SnapshotCreateTime), Mark: tagOf(s.TagList, orderTag), Until: until,
	}
}

// Date gives a snapshot the time after which it is deleted.
func (d *Disposal) Date(ctx context.Context, s pool.Snapshot, until time.Time) error {
	_, err := d.Client.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
		ResourceName: &s.ARN, Tags: []types.Tag{{Key: aws.String(DeleteAfterTag), Value: aws.String(until.UTC().Format(time.RFC3339))}},
	})
	if err != nil {
		return fmt.Errorf("give snapshot %s its date of deletion: %w", s.Name, err)
	}
	return nil
}

// errUndated means that a snapshot does not say itself when it is to be deleted.
var errUndated = errors.New("it bears no date of deletion that is over")

// DeleteSnapshot deletes a snapshot whose own date of deletion is over. One that is gone is no error; pool.ErrInTransit while
// it is made.
func (d *Disposal) DeleteSnapshot(ctx context.Context, s pool.Snapshot, now time.Time) error {
	if s.Until.IsZero() || now.Before(s.Until) {
		return fmt.Errorf("delete snapshot %s: %w", s.Name, errUndated)
	}
	_, err := d.Client.DeleteDBSnapshot(ctx, &rds.DeleteDBSnapshotInput{DBSnapshotIdentifier: &s.Name})
	if err = passing(err); err != nil && !awsclient.IsNotFound(err) {
		return fmt.Errorf("delete snapshot %s: %w", s.Name, err)
	}
	return nil
}

func tagOf(tags []types.Tag, key string) string {
	for _, tag := range tags {
		if aws.ToString(tag.Key) == key {
			return aws.ToString(tag.Value)
		}
	}
	return ""
}
