package instances

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// The tags by which an instance that was restored is known: of which stage it is, and for what.
const (
	StageTag       = "headroom:stage"
	RestorationTag = "headroom:restoration"
)

// secretReady are the states of a master user's secret in which it has the password.
var secretReady = []string{"active", "rotating"}

type restoring interface {
	client
	DescribeDBInstanceAutomatedBackups(ctx context.Context, in *rds.DescribeDBInstanceAutomatedBackupsInput, opts ...func(*rds.Options)) (*rds.DescribeDBInstanceAutomatedBackupsOutput, error)
	RestoreDBInstanceToPointInTime(ctx context.Context, in *rds.RestoreDBInstanceToPointInTimeInput, opts ...func(*rds.Options)) (*rds.RestoreDBInstanceToPointInTimeOutput, error)
	ModifyDBInstance(ctx context.Context, in *rds.ModifyDBInstanceInput, opts ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error)
	DeleteDBInstance(ctx context.Context, in *rds.DeleteDBInstanceInput, opts ...func(*rds.Options)) (*rds.DeleteDBInstanceOutput, error)
}

// RestoredConfig is what a Restored is built from. All of it is required.
type RestoredConfig struct {
	Client restoring
	Stage  string // whose instances are restored, and no others
	Group  string // ID of the security group that restored instances get, instead of the source's
	Key    string // ARN of the KMS key of their master users' secrets
}

// Restored makes temporary instances of what others were at a time. One holds the data of all tenants of its source: so
// none has the source's neighbourhood, backups of its own, or anything that would keep it from going away.
type Restored struct{ RestoredConfig }

// NewRestored validates the configuration.
func NewRestored(c RestoredConfig) (*Restored, error) {
	if c.Client == nil || c.Stage == "" || c.Group == "" || c.Key == "" {
		return nil, errors.New("restored instances: all of the configuration is required")
	}
	return &Restored{c}, nil
}

// Backups looks at the backups of instances, and no more.
type Backups struct {
	Client rds.DescribeDBInstanceAutomatedBackupsAPIClient
}

// Restorable is Backups.Restorable.
func (r *Restored) Restorable(ctx context.Context, source string) (pool.Restorable, error) {
	return Backups{r.Client}.Restorable(ctx, source)
}

// Restorable is the range of times that an instance can be restored to now. pool.ErrNotFound when there is no such
// instance, or it has no backups; pool.ErrRestoreRange when it has not been backed up yet.
func (b Backups) Restorable(ctx context.Context, source string) (pool.Restorable, error) {
	out, err := b.Client.DescribeDBInstanceAutomatedBackups(ctx, &rds.DescribeDBInstanceAutomatedBackupsInput{DBInstanceIdentifier: &source})
	if err != nil && !awsclient.IsNotFound(err) {
		return pool.Restorable{}, fmt.Errorf("look at the backups of instance %s: %w", source, err)
	}
	if err != nil || len(out.DBInstanceAutomatedBackups) == 0 {
		return pool.Restorable{}, fmt.Errorf("look at the backups of instance %s: %w", source, pool.ErrNotFound)
	}
	// An instance that had its name before may have left some.
	for _, backup := range out.DBInstanceAutomatedBackups {
		if w := backup.RestoreWindow; aws.ToString(backup.Status) == "active" && w != nil && w.EarliestTime != nil && w.LatestTime != nil {
			return pool.Restorable{Earliest: w.EarliestTime.UTC(), Latest: w.LatestTime.UTC()}, nil
		}
	}
	return pool.Restorable{}, fmt.Errorf("look at the backups of instance %s: %w: there are none yet", source, pool.ErrRestoreRange)
}

// Restore asks for a temporary instance, which is there some time later: Look for it. Asked again, no other is made.
// pool.ErrRestoreRange when the source can't go back to that time, pool.ErrNotFound when there is no source,
// pool.ErrInstanceQuota and pool.ErrNoCapacity when there is no room for it, pool.ErrInTransit when the source, or what
// bears the name, is not in a state for it; pool.ErrForeignInstance when something of another mark bears the name.
func (r *Restored) Restore(ctx context.Context, o pool.InstanceOrder) error {
	source, err := describe(ctx, r.Client, o.Source)
	if err != nil {
		return fmt.Errorf("restore instance %s: %w", o.Source, err)
	}
	tags := maps.Clone(o.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[StageTag], tags[RestorationTag] = r.Stage, o.Mark
	in := &rds.RestoreDBInstanceToPointInTimeInput{
		SourceDBInstanceIdentifier: &o.Source, TargetDBInstanceIdentifier: &o.Name, RestoreTime: aws.Time(o.At.UTC()),
		VpcSecurityGroupIds: []string{r.Group}, DBSubnetGroupName: subnetGroup(source), DBParameterGroupName: parameterGroup(source),
		PubliclyAccessible: aws.Bool(false), MultiAZ: aws.Bool(false), DeletionProtection: aws.Bool(false),
		AutoMinorVersionUpgrade: aws.Bool(false), CopyTagsToSnapshot: aws.Bool(false), BackupRetentionPeriod: aws.Int32(0),
		Tags: tagList(tags),
	}
	// Commit point: there is an instance, whose name and mark were recorded before.
	_, err = r.Client.RestoreDBInstanceToPointInTime(ctx, in)
	switch {
	case err == nil:
		return nil
	case awsclient.IsAlreadyExists(err):
		err = r.mine(ctx, o)
	case awsclient.IsOutOfRange(err):
		err = fmt.Errorf("%w: %w", pool.ErrRestoreRange, err)
	case awsclient.IsInstanceQuota(err):
		err = fmt.Errorf("%w: %w", pool.ErrInstanceQuota, err)
	case awsclient.IsNotFound(err):
		err = fmt.Errorf("%w: %w", pool.ErrNotFound, err)
	default:
		err = passing(err)
	}
	if err != nil {
		return fmt.Errorf("restore instance %s as %s: %w", o.Source, o.Name, err)
	}
	return nil
}

// mine returns nil when what bears an order's name is what was ordered.
func (r *Restored) mine(ctx context.Context, o pool.InstanceOrder) error {
	there, err := r.Look(ctx, o.Name)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return fmt.Errorf("%w: it is seen by its name only", pool.ErrInTransit)
	case err != nil:
		return err
	case there.Mark != o.Mark:
		return pool.ErrForeignInstance
	case there.Status == deleting:
		return fmt.Errorf("%w: it is being deleted", pool.ErrInTransit)
	}
	return nil
}

const deleting = "deleting"

// Look looks at an instance; pool.ErrNotFound when there is none of the name, as also of one that was ordered a moment ago.
func (r *Restored) Look(ctx context.Context, name string) (pool.RestoredInstance, error) {
	found, err := describe(ctx, r.Client, name)
	if err != nil {
		return pool.RestoredInstance{}, fmt.Errorf("look at instance %s: %w", name, err)
	}
	return r.restored(found), nil
}

// List finds all instances of the stage that bear a restoration's mark, whatever their names.
func (r *Restored) List(ctx context.Context) ([]pool.RestoredInstance, error) {
	var all []pool.RestoredInstance
	err := each(ctx, r.Client, func(found types.DBInstance) {
		if i := r.restored(found); i.Mark != "" {
			all = append(all, i)
		}
	})
	return all, err
}

// ManageMaster has RDS give an instance's master user another password, and keep it in a secret: restored, it has the one
// that the source's had then, which nobody knows any more. Look for the secret. pool.ErrInTransit when the instance is not
// available; pool.ErrForeignInstance when it does not bear the mark; pool.ErrNotFound when there is none.
func (r *Restored) ManageMaster(ctx context.Context, name, mark string) error {
	found, err := describe(ctx, r.Client, name)
	if err == nil && r.restored(found).Mark != mark {
		err = pool.ErrForeignInstance
	}
	if err == nil && found.MasterUserSecret == nil {
		_, err = r.Client.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
			DBInstanceIdentifier: &name, ManageMasterUserPassword: aws.Bool(true), MasterUserSecretKmsKeyId: &r.Key, ApplyImmediately: aws.Bool(true),
		})
		err = passing(err)
	}
	if err != nil {
		return fmt.Errorf("have RDS keep the master password of instance %s: %w", name, err)
	}
	return nil
}

// Delete asks for the end of an instance, with its backups and without a snapshot: Look until there is none. One that is
// being deleted, or is not there, is no error. pool.ErrInTransit when it is in no state for it, as while it is made;
// pool.ErrForeignInstance when it does not bear the mark, and nothing is touched.
func (r *Restored) Delete(ctx context.Context, name, mark string) error {
	found, err := r.Look(ctx, name)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("delete: %w", err)
	case mark == "" || found.Mark != mark:
		return fmt.Errorf("delete instance %s: %w", name, pool.ErrForeignInstance)
	case found.Status == deleting:
		return nil
	}
	_, err = r.Client.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{
		DBInstanceIdentifier: &name, SkipFinalSnapshot: aws.Bool(true), DeleteAutomatedBackups: aws.Bool(true),
	})
	if err = passing(err); err != nil && !awsclient.IsNotFound(err) {
		return fmt.Errorf("delete instance %s: %w", name, err)
	}
	return nil
}

// restored is an instance of the stage's; one of another has no mark.
func (r *Restored) restored(found types.DBInstance) pool.RestoredInstance {
	i := pool.RestoredInstance{
		Name: aws.ToString(found.DBInstanceIdentifier), Status: aws.ToString(found.DBInstanceStatus), Made: aws.ToTime(found.InstanceCreateTime),
		Tags: map[string]string{},
	}
	for _, tag := range found.TagList {
		i.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if i.Tags[StageTag] == r.Stage {
		i.Mark = i.Tags[RestorationTag]
	}
	if found.Endpoint != nil {
		i.Address, i.Port = aws.ToString(found.Endpoint.Address), int(aws.ToInt32(found.Endpoint.Port))
	}
	if s := found.MasterUserSecret; s != nil && slices.Contains(secretReady, strings.ToLower(aws.ToString(s.SecretStatus))) {
		i.MasterSecret = aws.ToString(s.SecretArn)
	}
	return i
}

// passing marks an error with how it may pass.
func passing(err error) error {
	switch {
	case awsclient.IsInTransit(err):
		return fmt.Errorf("%w: %w", pool.ErrInTransit, err)
	case awsclient.IsNoCapacity(err):
		return fmt.Errorf("%w: %w", pool.ErrNoCapacity, err)
	}
	return err
}

func subnetGroup(i types.DBInstance) *string {
	if i.DBSubnetGroup == nil {
		return nil
	}
	return i.DBSubnetGroup.DBSubnetGroupName
}

// parameterGroup is that of the source: without it an instance would have the engine's default, which takes connections
// without TLS.
func parameterGroup(i types.DBInstance) *string {
	if len(i.DBParameterGroups) == 0 {
		return nil
	}
	return i.DBParameterGroups[0].DBParameterGroupName
}

func tagList(tags map[string]string) []types.Tag {
	list := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: &key, Value: aws.String(tags[key])})
	}
	return list
}
