package rds

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/weakjson"
)

// restoreRequest is the input of RestoreDBInstanceToPointInTime, as far as it makes a difference here.
type restoreRequest struct {
	SourceDBInstanceIdentifier string         `json:"SourceDBInstanceIdentifier"`
	SourceDbiResourceID        string         `json:"SourceDbiResourceId"`
	SourceBackupsARN           string         `json:"SourceDBInstanceAutomatedBackupsArn"`
	TargetDBInstanceIdentifier string         `json:"TargetDBInstanceIdentifier"`
	RestoreTime                *time.Time     `json:"RestoreTime"`
	UseLatestRestorableTime    weakjson.Bool  `json:"UseLatestRestorableTime"`
	AllocatedStorage           weakjson.Int   `json:"AllocatedStorage"`
	AvailabilityZone           string         `json:"AvailabilityZone"`
	BackupRetentionPeriod      days           `json:"BackupRetentionPeriod"`
	DBInstanceClass            string         `json:"DBInstanceClass"`
	DBName                     string         `json:"DBName"`
	DBParameterGroupName       string         `json:"DBParameterGroupName"`
	DBSubnetGroupName          string         `json:"DBSubnetGroupName"`
	DeletionProtection         weakjson.Bool  `json:"DeletionProtection"`
	Engine                     string         `json:"Engine"`
	ManageMasterUserPassword   weakjson.Bool  `json:"ManageMasterUserPassword"`
	MultiAZ                    weakjson.Bool  `json:"MultiAZ"`
	PubliclyAccessible         weakjson.Bool  `json:"PubliclyAccessible"`
	Tags                       []weakjson.Tag `json:"Tags"`
	VpcSecurityGroupIDs        weakjson.Texts `json:"VpcSecurityGroupIds"`
}

// check refuses what no source could make good.
func (in restoreRequest) check() error {
	sources := 0
	for _, source := range []string{in.SourceDBInstanceIdentifier, in.SourceDbiResourceID, in.SourceBackupsARN} {
		if source != "" {
			sources++
		}
	}
	switch {
	case sources != 1:
		return refused("InvalidParameterCombination", "You must specify exactly one of SourceDBInstanceIdentifier, SourceDbiResourceId, or SourceDBInstanceAutomatedBackupsArn.")
	case in.RestoreTime != nil && bool(in.UseLatestRestorableTime):
		return refused("InvalidParameterCombination", "RestoreTime can't be specified if UseLatestRestorableTime is true.")
	case in.RestoreTime == nil && !bool(in.UseLatestRestorableTime):
		return refused("InvalidParameterCombination", "You must specify either RestoreTime or UseLatestRestorableTime.")
	case bool(in.MultiAZ) && in.AvailabilityZone != "":
		return refused("InvalidParameterCombination", "Requesting a specific availability zone is not valid for Multi-AZ instances.")
	case in.Engine != "" && in.Engine != "postgres":
		return refused("InvalidParameterCombination", "The engine %s is not compatible with that of the source.", in.Engine)
	case in.DBName != "":
		return refused("InvalidParameterCombination", "DBName can't be specified for the engine postgres.")
	case bool(in.ManageMasterUserPassword): // for Oracle only, as the API's reference says; in which words is not known
		return refused("InvalidParameterCombination", "ManageMasterUserPassword isn't supported for the engine postgres when you restore a DB instance.")
	}
	if err := checkIdentifier("TargetDBInstanceIdentifier", in.TargetDBInstanceIdentifier); err != nil {
		return err
	}
	return in.BackupRetentionPeriod.check()
}

// restore answers RestoreDBInstanceToPointInTime: a whole new instance with the source's data as of then, its master
// user with the password of then, and nothing of its surroundings but what is asked for. The source goes on.
func (r *RDS) restore(_ context.Context, call endpoint.Call) (any, error) {
	var input restoreRequest
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	if err := input.check(); err != nil {
		return nil, err
	}
	if err := r.program.Room(1); err != nil {
		return nil, noRoom(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	source, err := r.source(input)
	if err != nil {
		return nil, err
	}
	at, err := r.restoreTime(source, input)
	if err != nil {
		return nil, err
	}
	p := source.properties
	i := &instance{
		identifier: strings.ToLower(input.TargetDBInstanceIdentifier), resourceID: "db-" + rand.Text(), tags: weakjson.Tags(nil, input.Tags),
		properties: instanceProperties{
			DBInstanceClass: p.DBInstanceClass, DBName: p.DBName, Engine: p.Engine, EngineVersion: p.EngineVersion,
			MasterUsername: p.MasterUsername, StorageEncrypted: p.StorageEncrypted, KmsKeyID: p.KmsKeyID,
			AllocatedStorage: max(p.AllocatedStorage, input.AllocatedStorage), BackupRetentionPeriod: p.BackupRetentionPeriod,
			DBParameterGroupName: input.DBParameterGroupName, DBSubnetGroupName: input.DBSubnetGroupName, VPCSecurityGroups: input.VpcSecurityGroupIDs,
			DeletionProtection: input.DeletionProtection, MultiAZ: input.MultiAZ, PubliclyAccessible: input.PubliclyAccessible,
			AvailabilityZone: input.AvailabilityZone,
		},
	}
	if input.DBInstanceClass != "" {
		i.properties.DBInstanceClass = input.DBInstanceClass
	}
	if input.BackupRetentionPeriod.given {
		i.properties.BackupRetentionPeriod = input.BackupRetentionPeriod
	}
	if err := r.add(i); err != nil {
		return nil, err
	}
	r.work.Go(func() { r.bringBack(i, source, at) })
	return map[string]any{"DBInstance": r.shown(i)}, nil
}

// source finds what is restored from; the caller holds the lock.
func (r *RDS) source(in restoreRequest) (*retained, error) {
	if in.SourceDBInstanceIdentifier != "" {
		i, err := r.find(in.SourceDBInstanceIdentifier)
		if err != nil {
			return nil, err
		}
		return restorable(i)
	}
	for _, i := range r.instances {
		if in.SourceDbiResourceID == i.resourceID || in.SourceBackupsARN != "" && in.SourceBackupsARN == i.archiveARN {
			return restorable(i)
		}
	}
	for id, b := range r.retained {
		if in.SourceDbiResourceID == id || in.SourceBackupsARN == b.archiveARN {
			return b, nil
		}
	}
	if in.SourceBackupsARN != "" {
		return nil, errNoBackup
	}
	return nil, notFound(in.SourceDbiResourceID)
}

func restorable(i *instance) (*retained, error) {
	if i.properties.BackupRetentionPeriod.days() == 0 || i.archive == nil {
		return nil, refused("PointInTimeRestoreNotEnabled", "Point in time restore is not enabled for DB instance %s: its backup retention period is 0.", i.identifier)
	}
	return i.backups(), nil
}

// restoreTime is the time that a request means, if it can be restored to. An instance that was not backed up yet
// has none; what RDS says of that is not known.
func (r *RDS) restoreTime(source *retained, in restoreRequest) (time.Time, error) {
	earliest, latest, ok := r.window(source.archive, retention(source.properties))
	switch {
	case !ok:
		return time.Time{}, refused("InvalidDBInstanceState", "DB instance %s has no restorable time yet.", source.identifier)
	case bool(in.UseLatestRestorableTime):
		return latest, nil
	case in.RestoreTime.Before(earliest):
		return time.Time{}, refused("InvalidParameterValue", "The specified instance cannot be restored to a time earlier than %s because its backup retention period is set to %d days.",
			earliest.UTC().Format(time.RFC3339), source.properties.BackupRetentionPeriod.days())
	case in.RestoreTime.After(latest):
		return time.Time{}, refused("InvalidParameterValue", "The specified instance cannot be restored to a time later than %s.", latest.UTC().Format(time.RFC3339))
	}
	return *in.RestoreTime, nil
}

// bringBack makes a restored instance's server.
func (r *RDS) bringBack(i *instance, source *retained, at time.Time) {
	defer close(i.ready)
	err := r.bringBackServer(i, source, r.cfg.Clock.Machine(at))
	if err != nil && r.life.Err() == nil {
		r.cfg.Log.Error("database could not be restored", "instance", r.name(i), "error", err)
		r.mu.Lock()
		i.status, i.err = unrestored, err
		r.mu.Unlock()
		r.emit(i, eventFailed, fmt.Sprintf("DB instance put into %s state. RDS recommends that you initiate a point-in-time-restore", unrestored))
		return
	}
	if err == nil {
		r.open(i)
		r.emit(i, eventRestored, fmt.Sprintf("Restored from DB instance %s to %s", source.identifier, r.name(i)))
	}
}

func (r *RDS) bringBackServer(i *instance, source *retained, at time.Time) error {
	archive, arn, err := r.newArchive(i.properties)
	if err != nil {
		return err
	}
	r.mu.Lock()
	i.archive, i.archiveARN = archive, arn
	cfg := r.config(i)
	r.mu.Unlock()
	server, err := r.program.Restore(r.life, cfg, source.archive, at)
	if err != nil {
		return err
	}
	if err := r.serve(r.life, i, server); err != nil {
		return err
	}
	return wait(r.life, r.cfg.Lead)
}

// noRoom is what RDS says when there is no machine for an instance.
func noRoom(err error) error {
	if errors.As(err, new(*postgresql.NoRoomError)) {
		return refused("InsufficientDBInstanceCapacity", "%v", err)
	}
	return err
}
