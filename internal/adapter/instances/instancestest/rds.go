// Package instancestest is an in-memory RDS of instances that are restored to a time, and the cases that it and any other
// RDS have to pass. As the real one it is asynchronous: what it is asked for is done some looks later.
package instancestest

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
)

// RDS holds instances.
type RDS struct {
	// Late is how many looks at an instance each change of it takes.
	Late int
	// Quota is how many instances there may be; 0: 40, as in a new account.
	Quota int
	// Full has RDS say that it has no machine for another instance.
	Full bool

	mu        sync.Mutex
	made      int
	instances map[string]*instance
	snapshots map[string]*snapshot
	log       []string
}

// instance is one DB instance. What it is to become comes after some looks at it.
type instance struct {
	name, status, source, address, secret, key string
	at, made, earliest, latest                 time.Time
	tags                                       map[string]string
	groups                                     []string
	subnets, parameters                        string
	retained, protected                        bool
	next                                       []change
}

// change is what an instance becomes after some looks.
type change struct {
	looks int
	do    func()
}

// Add makes an instance that is available, and can be restored to times of a range.
func (r *RDS) Add(name string, earliest, latest time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(&instance{
		name: name, status: "available", tags: map[string]string{}, address: name + ".rds.internal", earliest: earliest, latest: latest, retained: true, protected: true,
		secret: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-" + name, subnets: name, parameters: name,
	})
}

// add notes an instance. The caller holds the lock.
func (r *RDS) add(i *instance) {
	if r.instances == nil {
		r.instances = map[string]*instance{}
	}
	r.made++
	i.made = time.Date(2026, 1, 1, 0, 0, r.made, 0, time.UTC)
	r.instances[i.name] = i
}

// Move moves the range of times that an instance can be restored to, as it moves by itself.
func (r *RDS) Move(name string, earliest, latest time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instances[name].earliest, r.instances[name].latest = earliest, latest
}

// Bare has an instance not be backed up.
func (r *RDS) Bare(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instances[name].retained = false
}

// Fail has an instance come to a state, as one that can't be restored comes to incompatible-restore.
func (r *RDS) Fail(name, status string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instances[name].status, r.instances[name].next = status, nil
}

// Names are the names of all instances, sorted.
func (r *RDS) Names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.instances))
}

// RestoredTo says what an instance was restored from, and to which time; zero if it was not, or there is none.
func (r *RDS) RestoredTo(name string) (source string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.instances[name]; i != nil {
		return i.source, i.at
	}
	return "", time.Time{}
}

// Log is what was done, in order, such as "restore a": each call that RDS accepted and that changed something.
func (r *RDS) Log() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}

func fault(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (r *RDS) find(name *string) (*instance, error) {
	if i := r.instances[strings.ToLower(aws.ToString(name))]; i != nil {
		return i, nil
	}
	return nil, fault("DBInstanceNotFound", "DBInstance %s not found.", aws.ToString(name))
}

// later has something come about after as many looks as each change takes. The caller holds the lock.
func (r *RDS) later(i *instance, do func()) { i.next = append(i.next, change{r.Late, do}) }

// looked lets time pass for an instance. The caller holds the lock.
func (i *instance) looked() {
	for len(i.next) > 0 {
		if i.next[0].looks > 0 {
			i.next[0].looks--
			return
		}
		do := i.next[0].do
		i.next = i.next[1:]
		do()
	}
}

// DescribeDBInstances is RDS's.
func (r *RDS) DescribeDBInstances(_ context.Context, in *rds.DescribeDBInstancesInput, _ ...func(*rds.Options)) (*rds.DescribeDBInstancesOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &rds.DescribeDBInstancesOutput{}
	if in.DBInstanceIdentifier != nil {
		i, err := r.find(in.DBInstanceIdentifier)
		if err != nil {
			return nil, err
		}
		if i.looked(); r.instances[i.name] == nil {
			return nil, fault("DBInstanceNotFound", "DBInstance %s not found.", i.name)
		}
		out.DBInstances = []types.DBInstance{i.shown()}
		return out, nil
	}
	most := int(aws.ToInt32(in.MaxRecords))
	if most < 20 || most > 100 {
		return nil, fault("InvalidParameterValue", "Invalid value %d for MaxRecords. Must be between 20 and 100", most)
	}
	names := slices.Sorted(maps.Keys(r.instances))
	from, _ := strconv.Atoi(aws.ToString(in.Marker))
	for _, name := range names[min(from, len(names)):min(from+most, len(names))] {
		i := r.instances[name]
		if i.looked(); r.instances[name] != nil {
			out.DBInstances = append(out.DBInstances, i.shown())
		}
	}
	if from+most < len(names) {
		out.Marker = aws.String(strconv.Itoa(from + most))
	}
	return out, nil
}

func (i *instance) shown() types.DBInstance {
	shown := types.DBInstance{
		DBInstanceIdentifier: &i.name, DBInstanceStatus: aws.String(i.status), InstanceCreateTime: &i.made,
		DBSubnetGroup: &types.DBSubnetGroup{DBSubnetGroupName: &i.subnets}, DBParameterGroups: []types.DBParameterGroupStatus{{DBParameterGroupName: &i.parameters}},
		DeletionProtection: aws.Bool(i.protected), PubliclyAccessible: aws.Bool(false), BackupRetentionPeriod: aws.Int32(0),
	}
	if i.retained {
		shown.BackupRetentionPeriod, shown.LatestRestorableTime = aws.Int32(7), &i.latest
	}
	for _, key := range slices.Sorted(maps.Keys(i.tags)) {
		shown.TagList = append(shown.TagList, types.Tag{Key: &key, Value: aws.String(i.tags[key])})
	}
	for _, group := range i.groups {
		shown.VpcSecurityGroups = append(shown.VpcSecurityGroups, types.VpcSecurityGroupMembership{VpcSecurityGroupId: &group})
	}
	if i.address != "" {
		shown.Endpoint = &types.Endpoint{Address: aws.String(i.address), Port: aws.Int32(5432)}
	}
	if i.secret != "" {
		status := "active"
		if len(i.next) > 0 {
			status = "creating"
		}
		shown.MasterUserSecret = &types.MasterUserSecret{SecretArn: aws.String(i.secret), SecretStatus: &status, KmsKeyId: &i.key}
	}
	return shown
}

// DescribeDBInstanceAutomatedBackups is RDS's.
func (r *RDS) DescribeDBInstanceAutomatedBackups(_ context.Context, in *rds.DescribeDBInstanceAutomatedBackupsInput, _ ...func(*rds.Options)) (*rds.DescribeDBInstanceAutomatedBackupsOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &rds.DescribeDBInstanceAutomatedBackupsOutput{}
	i := r.instances[strings.ToLower(aws.ToString(in.DBInstanceIdentifier))]
	if i == nil || !i.retained {
		return nil, fault("DBInstanceAutomatedBackupNotFound", "DBInstanceAutomatedBackup not found.")
	}
	backup := types.DBInstanceAutomatedBackup{DBInstanceIdentifier: &i.name, Status: aws.String("creating")}
	if !i.latest.IsZero() {
		backup.Status, backup.RestoreWindow = aws.String("active"), &types.RestoreWindow{EarliestTime: &i.earliest, LatestTime: &i.latest}
	}
	out.DBInstanceAutomatedBackups = []types.DBInstanceAutomatedBackup{backup}
	return out, nil
}

// identifiers are what an instance may be called (CreateDBInstance's reference).
var identifiers = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9]){0,62}$`)

// RestoreDBInstanceToPointInTime is RDS's.
func (r *RDS) RestoreDBInstanceToPointInTime(_ context.Context, in *rds.RestoreDBInstanceToPointInTimeInput, _ ...func(*rds.Options)) (*rds.RestoreDBInstanceToPointInTimeOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := strings.ToLower(aws.ToString(in.TargetDBInstanceIdentifier))
	if !identifiers.MatchString(name) || len(name) > 63 {
		return nil, fault("InvalidParameterValue", "The parameter TargetDBInstanceIdentifier is not a valid identifier.")
	}
	if in.ManageMasterUserPassword != nil {
		return nil, fault("InvalidParameterCombination", "ManageMasterUserPassword isn't supported for the engine postgres when you restore a DB instance.")
	}
	source, err := r.find(in.SourceDBInstanceIdentifier)
	switch at := aws.ToTime(in.RestoreTime); {
	case err != nil:
		return nil, err
	case !source.retained:
		return nil, fault("PointInTimeRestoreNotEnabled", "Point in time restore is not enabled for DB instance %s.", source.name)
	case source.latest.IsZero():
		return nil, fault("InvalidDBInstanceState", "DB instance %s has no restorable time yet.", source.name)
	case at.Before(source.earliest):
		return nil, fault("InvalidParameterValue", "The specified instance cannot be restored to a time earlier than %s because its backup retention period is set to 7 days.", source.earliest.UTC().Format(time.RFC3339))
	case at.After(source.latest):
		return nil, fault("InvalidParameterValue", "The specified instance cannot be restored to a time later than %s.", source.latest.UTC().Format(time.RFC3339))
	case r.instances[name] != nil:
		return nil, fault("DBInstanceAlreadyExists", "DB instance already exists")
	case len(r.instances) >= r.quota():
		return nil, fault("InstanceQuotaExceeded", "DB Instance quota exceeded")
	case r.Full:
		return nil, fault("InsufficientDBInstanceCapacity", "There is no machine for it.")
	}
	i := &instance{
		name: name, status: "creating", source: source.name, at: *in.RestoreTime, tags: map[string]string{}, groups: in.VpcSecurityGroupIds,
		subnets: aws.ToString(in.DBSubnetGroupName), parameters: aws.ToString(in.DBParameterGroupName),
		retained: in.BackupRetentionPeriod == nil || *in.BackupRetentionPeriod > 0, protected: aws.ToBool(in.DeletionProtection),
	}
	for _, tag := range in.Tags {
		i.tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	r.add(i)
	r.later(i, func() { i.status, i.address = "available", name+".rds.internal" })
	r.log = append(r.log, "restore "+name)
	shown := i.shown()
	return &rds.RestoreDBInstanceToPointInTimeOutput{DBInstance: &shown}, nil
}

func (r *RDS) quota() int {
	if r.Quota > 0 {
		return r.Quota
	}
	return 40
}

// ModifyDBInstance is RDS's, as far as master users' passwords and protection from deletion go. For a moment the instance looks as if nobody had asked.
func (r *RDS) ModifyDBInstance(_ context.Context, in *rds.ModifyDBInstanceInput, _ ...func(*rds.Options)) (*rds.ModifyDBInstanceOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, err := r.find(in.DBInstanceIdentifier)
	if err != nil {
		return nil, err
	}
	if i.status != "available" {
		return nil, fault("InvalidDBInstanceState", "Database instance is not in available state.")
	}
	if aws.ToBool(in.ManageMasterUserPassword) && i.secret == "" {
		secret, key := "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-"+i.name, aws.ToString(in.MasterUserSecretKmsKeyId)
		r.later(i, func() { i.status = "resetting-master-credentials" })
		r.later(i, func() { i.secret, i.key = secret, key })
		r.later(i, func() { i.status = "available" })
		r.log = append(r.log, "manage "+i.name)
	}
	if p := in.DeletionProtection; p != nil && *p != i.protected {
		r.later(i, func() { i.protected = *p })
		r.log = append(r.log, fmt.Sprintf("protect %s %v", i.name, *p))
	}
	shown := i.shown()
	return &rds.ModifyDBInstanceOutput{DBInstance: &shown}, nil
}

// DeleteDBInstance is RDS's.
func (r *RDS) DeleteDBInstance(_ context.Context, in *rds.DeleteDBInstanceInput, _ ...func(*rds.Options)) (*rds.DeleteDBInstanceOutput, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, err := r.find(in.DBInstanceIdentifier)
	if err != nil {
		return nil, err
	}
	switch {
	case !aws.ToBool(in.SkipFinalSnapshot):
		return nil, fault("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
	case i.protected:
		return nil, fault("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion protection and try again.")
	case i.status == "deleting":
		return nil, fault("InvalidDBInstanceState", "Instance %s is already being deleted.", i.name)
	case i.status == "creating", i.status == "resetting-master-credentials":
		return nil, fault("InvalidDBInstanceState", "Database instance is not in available state.")
	}
	i.status, i.next = "deleting", nil
	r.later(i, func() { delete(r.instances, i.name) })
	r.log = append(r.log, "delete "+i.name)
	shown := i.shown()
	return &rds.DeleteDBInstanceOutput{DBInstance: &shown}, nil
}
