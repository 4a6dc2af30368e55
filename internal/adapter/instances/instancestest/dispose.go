package instancestest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// snapshot is one of an instance.
type snapshot struct {
	name, instance string
	tags           map[string]string
	made           time.Time
	creating       int // looks that show it as being made
}

// Tag gives an instance tags, as its stack does.
func (r *RDS) Tag(name string, tags map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.instances[name]; i.tags == nil {
		i.tags = map[string]string{}
	}
	maps.Copy(r.instances[name].tags, tags)
}

// Dispose ends an instance as CloudFormation does that deletes its stack: with a last snapshot of a name, which gets the
// instance's tags, or with none. It returns false for one that is protected.
func (r *RDS) Dispose(name, final string, at time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.instances[name]
	if i == nil || i.protected {
		return i == nil
	}
	if final != "" {
		r.snapshot(final, name, i.tags, at)
	}
	delete(r.instances, name)
	r.log = append(r.log, "delete "+name)
	return true
}

// Snap makes a snapshot of an instance, as a person would.
func (r *RDS) Snap(name, instance string, tags map[string]string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.snapshot(name, instance, tags, at)
}

func (r *RDS) snapshot(name, instance string, tags map[string]string, at time.Time) {
	if r.snapshots == nil {
		r.snapshots = map[string]*snapshot{}
	}
	r.snapshots[name] = &snapshot{name: name, instance: instance, tags: maps.Clone(tags), made: at, creating: r.Late}
}

// Snapshots are the names of all snapshots, sorted.
func (r *RDS) Snapshots() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.snapshots))
}

// Protected reports whether an instance is protected from deletion.
func (r *RDS) Protected(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.instances[name]
	return i != nil && i.protected
}

const snapshotARN = "arn:aws:rds:eu-west-1:123456789012:snapshot:"

// DescribeDBSnapshots is RDS's.
func (r *RDS) DescribeDBSnapshots(_ context.Context, in *rds.DescribeDBSnapshotsInput, _ ...func(*rds.Options)) (*rds.DescribeDBSnapshotsOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &rds.DescribeDBSnapshotsOutput{}
	for _, name := range slices.Sorted(maps.Keys(r.snapshots)) {
		s := r.snapshots[name]
		if in.DBInstanceIdentifier != nil && s.instance != *in.DBInstanceIdentifier {
			continue
		}
		status := "available"
		if s.creating > 0 {
			s.creating--
			status = "creating"
		}
		shown := types.DBSnapshot{
			DBSnapshotIdentifier: aws.String(s.name), DBInstanceIdentifier: aws.String(s.instance), Status: &status, SnapshotType: aws.String("manual"),
			DBSnapshotArn: aws.String(snapshotARN + s.name), SnapshotCreateTime: aws.Time(s.made),
		}
		for _, key := range slices.Sorted(maps.Keys(s.tags)) {
			shown.TagList = append(shown.TagList, types.Tag{Key: aws.String(key), Value: aws.String(s.tags[key])})
		}
		out.DBSnapshots = append(out.DBSnapshots, shown)
	}
	return out, nil
}

// AddTagsToResource is RDS's, of snapshots.
func (r *RDS) AddTagsToResource(_ context.Context, in *rds.AddTagsToResourceInput, _ ...func(*rds.Options)) (*rds.AddTagsToResourceOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, ok := strings.CutPrefix(aws.ToString(in.ResourceName), snapshotARN)
	s := r.snapshots[name]
	if !ok || s == nil {
		return nil, fault("DBSnapshotNotFound", "DBSnapshot %s not found.", name)
	}
	if s.tags == nil {
		s.tags = map[string]string{}
	}
	for _, tag := range in.Tags {
		s.tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return &rds.AddTagsToResourceOutput{}, nil
}

// DeleteDBSnapshot is RDS's.
func (r *RDS) DeleteDBSnapshot(_ context.Context, in *rds.DeleteDBSnapshotInput, _ ...func(*rds.Options)) (*rds.DeleteDBSnapshotOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.snapshots[aws.ToString(in.DBSnapshotIdentifier)]
	switch {
	case s == nil:
		return nil, fault("DBSnapshotNotFound", "DBSnapshot %s not found.", aws.ToString(in.DBSnapshotIdentifier))
	case s.creating > 0:
		return nil, fault("InvalidDBSnapshotState", "Cannot delete the snapshot because it is not currently in the available state.")
	}
	delete(r.snapshots, s.name)
	r.log = append(r.log, "delete snapshot "+s.name)
	return &rds.DeleteDBSnapshotOutput{}, nil
}
