package instancestest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"headroom/internal/adapter/instances"
	"headroom/internal/pool"
)

// API is what is used of RDS.
type API interface {
	DescribeDBInstances(ctx context.Context, in *rds.DescribeDBInstancesInput, opts ...func(*rds.Options)) (*rds.DescribeDBInstancesOutput, error)
	DescribeDBInstanceAutomatedBackups(ctx context.Context, in *rds.DescribeDBInstanceAutomatedBackupsInput, opts ...func(*rds.Options)) (*rds.DescribeDBInstanceAutomatedBackupsOutput, error)
	RestoreDBInstanceToPointInTime(ctx context.Context, in *rds.RestoreDBInstanceToPointInTimeInput, opts ...func(*rds.Options)) (*rds.RestoreDBInstanceToPointInTimeOutput, error)
	ModifyDBInstance(ctx context.Context, in *rds.ModifyDBInstanceInput, opts ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error)
	DeleteDBInstance(ctx context.Context, in *rds.DeleteDBInstanceInput, opts ...func(*rds.Options)) (*rds.DeleteDBInstanceOutput, error)
	DescribeDBSnapshots(ctx context.Context, in *rds.DescribeDBSnapshotsInput, opts ...func(*rds.Options)) (*rds.DescribeDBSnapshotsOutput, error)
	AddTagsToResource(ctx context.Context, in *rds.AddTagsToResourceInput, opts ...func(*rds.Options)) (*rds.AddTagsToResourceOutput, error)
	DeleteDBSnapshot(ctx context.Context, in *rds.DeleteDBSnapshotInput, opts ...func(*rds.Options)) (*rds.DeleteDBSnapshotOutput, error)
}

// World is an RDS with an instance that can be restored, and two more that can be made. It is used up by one Suite.
type World struct {
	Client API
	Source string // an instance that can be restored to some time, whose subnet and parameter group have its name
	Bare   string // one without backups
	// Pause is between two looks at what takes its time.
	Pause time.Duration
}

const (
	stage, group, key = "dev", "sg-0123456789abcdef0", "arn:aws:kms:eu-west-1:123456789012:key/k"
	mark              = "acme.restore-1/k3v9x2m7qa"
	name              = "headroom-dev-restore-acme-1"
	patience          = 2 * time.Minute
)

func (w World) restored(t *testing.T) *instances.Restored {
	t.Helper()
	r, err := instances.NewRestored(instances.RestoredConfig{Client: w.Client, Stage: stage, Group: group, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// await looks at an instance until it is as wanted.
func (w World) await(t *testing.T, r *instances.Restored, name, what string, is func(pool.RestoredInstance, error) bool) pool.RestoredInstance {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(w.Pause) {
		found, err := r.Look(t.Context(), name)
		if is(found, err) {
			return found
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not %s: %+v, %v", name, what, found, err)
		}
	}
}

func available(i pool.RestoredInstance, err error) bool { return err == nil && i.Available() }

// Suite is what each RDS does for who restores instances: the cases follow each other.
func Suite(t *testing.T, w World) {
	ctx, r := t.Context(), w.restored(t)
	expect := func(what string, got, want error) {
		t.Helper()
		if !errors.Is(got, want) || want == nil && got != nil {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	window, err := r.Restorable(ctx, w.Source)
	if err != nil || !window.Earliest.Before(window.Latest) {
		t.Fatalf("the source goes back to %+v, %v", window, err)
	}
	_, err = r.Restorable(ctx, "nobody")
	expect("the range of an instance that is not there", err, pool.ErrNotFound)
	_, err = r.Restorable(ctx, w.Bare)
	expect("the range of an instance without backups", err, pool.ErrNotFound)

	at := window.Earliest.Add(window.Latest.Sub(window.Earliest) / 2).Truncate(time.Millisecond)
	order := pool.InstanceOrder{Name: name, Source: w.Source, At: at, Mark: mark, Tags: map[string]string{"headroom:tenant": "acme"}}
	changed := func(change func(*pool.InstanceOrder)) pool.InstanceOrder { o := order; change(&o); return o }
	for what, refused := range map[string]struct {
		order pool.InstanceOrder
		want  error
	}{
		"before the earliest time": {changed(func(o *pool.InstanceOrder) { o.At = window.Earliest.Add(-time.Hour) }), pool.ErrRestoreRange},
		"after the latest time":    {changed(func(o *pool.InstanceOrder) { o.At = time.Now().Add(1000 * time.Hour) }), pool.ErrRestoreRange},
		"without backups":          {changed(func(o *pool.InstanceOrder) { o.Source = w.Bare }), pool.ErrRestoreRange},
		"of no instance":           {changed(func(o *pool.InstanceOrder) { o.Source = "nobody" }), pool.ErrNotFound},
		"in another's place":       {changed(func(o *pool.InstanceOrder) { o.Name = w.Bare }), pool.ErrForeignInstance},
	} {
		expect("a restore "+what, r.Restore(ctx, refused.order), refused.want)
	}
	if err := r.Restore(ctx, changed(func(o *pool.InstanceOrder) { o.Name = "-none-" })); err == nil || errors.Is(err, pool.ErrRestoreRange) {
		t.Errorf("a restore under no name: %v", err)
	}

	expect("a restore", r.Restore(ctx, order), nil)
	expect("a deletion while it is made", r.Delete(ctx, name, mark), pool.ErrInTransit)
	expect("a password while it is made", r.ManageMaster(ctx, name, mark), pool.ErrInTransit)
	expect("the same again", r.Restore(ctx, order), nil)
	expect("the same of another mark", r.Restore(ctx, changed(func(o *pool.InstanceOrder) { o.Mark = "other" })), pool.ErrForeignInstance)
	made := w.await(t, r, name, "available", available)
	if made.Mark != mark || made.Tags["headroom:tenant"] != "acme" || made.MasterSecret != "" || made.Port == 0 || made.Made.IsZero() {
		t.Errorf("it is made as %+v", made)
	}
	w.private(t)
	expect("a restore that is there", r.Restore(ctx, order), nil)

	expect("another's password", r.ManageMaster(ctx, name, "other"), pool.ErrForeignInstance)
	expect("a password of nobody's", r.ManageMaster(ctx, "nobody", mark), pool.ErrNotFound)
	expect("its password", r.ManageMaster(ctx, name, mark), nil)
	managed := w.await(t, r, name, "available with its password", func(i pool.RestoredInstance, err error) bool { return available(i, err) && i.MasterSecret != "" })
	expect("its password again", r.ManageMaster(ctx, name, mark), nil)
	if again := w.await(t, r, name, "available", available); again.MasterSecret != managed.MasterSecret {
		t.Errorf("its secret is another: %s, was %s", again.MasterSecret, managed.MasterSecret)
	}
	if all, err := r.List(ctx); err != nil || len(all) != 1 || all[0].Name != name || all[0].Mark != mark {
		t.Errorf("listed are %+v, %v", all, err)
	}

	expect("a deletion of the source", r.Delete(ctx, w.Source, mark), pool.ErrForeignInstance)
	expect("a deletion of another's", r.Delete(ctx, name, "other"), pool.ErrForeignInstance)
	expect("a deletion of what bears no mark", r.Delete(ctx, w.Source, ""), pool.ErrForeignInstance)
	expect("a deletion", r.Delete(ctx, name, mark), nil)
	expect("a deletion again", r.Delete(ctx, name, mark), nil)
	if err := r.Restore(ctx, order); err != nil && !errors.Is(err, pool.ErrInTransit) {
		t.Errorf("a restore of what is being deleted: %v", err)
	}
	if left, err := r.Look(ctx, name); err == nil && left.Status != "deleting" {
		// It was gone already, and was made again.
		w.await(t, r, name, "available", available)
		expect("a deletion of it", r.Delete(ctx, name, mark), nil)
	}
	w.await(t, r, name, "gone", func(_ pool.RestoredInstance, err error) bool { return errors.Is(err, pool.ErrNotFound) })
	expect("a deletion of what is gone", r.Delete(ctx, name, mark), nil)
	if all, err := r.List(ctx); err != nil || len(all) != 0 {
		t.Errorf("left are %+v, %v", all, err)
	}
	if status, err := (&instances.Instances{Client: w.Client}).Status(ctx, w.Source); err != nil || status != "available" {
		t.Errorf("the source is %s, %v", status, err)
	}
	w.unprotected(t)
}

// unprotected lifts the protection of an instance from deletion.
func (w World) unprotected(t *testing.T) {
	t.Helper()
	d := &instances.Disposal{Client: w.Client}
	look, err := d.Look(t.Context(), w.Bare)
	if err != nil || !look.Protected {
		t.Fatalf("%s is %+v, %v", w.Bare, look, err)
	}
	if err := d.Unprotect(t.Context(), w.Bare); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); look.Protected; time.Sleep(w.Pause) {
		if look, err = d.Look(t.Context(), w.Bare); err != nil || time.Now().After(end) {
			t.Fatalf("%s is %+v, %v", w.Bare, look, err)
		}
	}
	if _, err := d.Look(t.Context(), "nobody"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("a look at nobody: %v", err)
	}
	if all, err := d.Snapshots(t.Context(), w.Bare); err != nil || len(all) != 0 {
		t.Errorf("its snapshots are %v, %v", all, err)
	}
	none := pool.Snapshot{Name: "nobody", ARN: "arn:aws:rds:eu-west-1:123456789012:snapshot:nobody", Until: time.Unix(1, 0)}
	if err := d.Date(t.Context(), none, time.Now()); err == nil {
		t.Error("a snapshot that is not there got a date")
	}
	if err := d.DeleteSnapshot(t.Context(), none, time.Now()); err != nil {
		t.Errorf("the deletion of a snapshot that is not there: %v", err)
	}
}

// private looks whether a restored instance is where nobody finds it, and bound to go.
func (w World) private(t *testing.T) {
	t.Helper()
	out, err := w.Client.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	i := out.DBInstances[0]
	if aws.ToBool(i.PubliclyAccessible) || aws.ToBool(i.DeletionProtection) || aws.ToInt32(i.BackupRetentionPeriod) != 0 || aws.ToBool(i.MultiAZ) ||
		len(i.VpcSecurityGroups) != 1 || aws.ToString(i.VpcSecurityGroups[0].VpcSecurityGroupId) != group ||
		aws.ToString(i.DBSubnetGroup.DBSubnetGroupName) != w.Source || aws.ToString(i.DBParameterGroups[0].DBParameterGroupName) != w.Source {
		t.Errorf("it is %+v", i)
	}
}
