package rds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/parts"
	"headroom/internal/local/weakjson"
)

// modifyRequest is the input of ModifyDBInstance, as far as it makes a difference here.
type modifyRequest struct {
	DBInstanceIdentifier     string         `json:"DBInstanceIdentifier"`
	NewDBInstanceIdentifier  string         `json:"NewDBInstanceIdentifier"`
	AllocatedStorage         weakjson.Int   `json:"AllocatedStorage"`
	ApplyImmediately         weakjson.Bool  `json:"ApplyImmediately"`
	BackupRetentionPeriod    days           `json:"BackupRetentionPeriod"`
	DBInstanceClass          string         `json:"DBInstanceClass"`
	DBParameterGroupName     string         `json:"DBParameterGroupName"`
	DeletionProtection       *weakjson.Bool `json:"DeletionProtection"`
	ManageMasterUserPassword *weakjson.Bool `json:"ManageMasterUserPassword"`
	MasterUserPassword       string         `json:"MasterUserPassword"`
	MasterUserSecretKmsKeyID string         `json:"MasterUserSecretKmsKeyId"`
	MultiAZ                  *weakjson.Bool `json:"MultiAZ"`
	RotateMasterUserPassword weakjson.Bool  `json:"RotateMasterUserPassword"`
	PubliclyAccessible       *weakjson.Bool `json:"PubliclyAccessible"`
	VpcSecurityGroupIDs      weakjson.Texts `json:"VpcSecurityGroupIds"`
}

// changes are what an instance is to become in a maintenance window, or with the next call that says
// ApplyImmediately, which takes all that are waiting (user guide, "Schedule modifications setting"). There are no
// windows here. group says that a parameter group waits for a reboot.
type changes struct {
	identifier, class string
	retention         days
	storage           weakjson.Int
	standby           standby
	group             bool
}

// standby is what becomes of an instance's standby in another zone.
type standby int

const (
	keptStandby standby = iota // as it is
	madeStandby
	goneStandby
)

func (c changes) shown() map[string]any {
	shown := map[string]any{}
	if c.identifier != "" {
		shown["DBInstanceIdentifier"] = c.identifier
	}
	if c.class != "" {
		shown["DBInstanceClass"] = c.class
	}
	if c.retention.given {
		shown["BackupRetentionPeriod"] = c.retention.n
	}
	if c.storage > 0 {
		shown["AllocatedStorage"] = int(c.storage)
	}
	if c.standby != keptStandby {
		shown["MultiAZ"] = c.standby == madeStandby
	}
	return shown
}

// password is what becomes of a master user's password.
type password struct {
	managed, rotated bool
	given            string
	keyID            string
}

// modify answers ModifyDBInstance: what takes its time is done after the answer, and for a moment the instance still
// looks as if nobody had asked.
func (r *RDS) modify(_ context.Context, call endpoint.Call) (any, error) {
	var input modifyRequest
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i, err := r.find(input.DBInstanceIdentifier)
	if err != nil {
		return nil, err
	}
	if err := r.checkModify(i, input); err != nil {
		return nil, err
	}
	if input.DeletionProtection != nil {
		i.properties.DeletionProtection = *input.DeletionProtection
	}
	if input.PubliclyAccessible != nil {
		i.properties.PubliclyAccessible = *input.PubliclyAccessible
	}
	if len(input.VpcSecurityGroupIDs) > 0 {
		i.properties.VPCSecurityGroups = slices.Clone(input.VpcSecurityGroupIDs)
	}
	if group := strings.ToLower(input.DBParameterGroupName); group != "" && group != i.parameterGroup() {
		i.properties.DBParameterGroupName, i.pending.group = group, true
	}
	i.put(input)
	due := changes{}
	if input.ApplyImmediately {
		group := i.pending.group
		due, i.pending = i.pending, changes{group: group}
	}
	secret := input.password(i)
	if (due != changes{group: due.group}) || secret != nil {
		r.work.Go(func() { r.apply(i, due, secret) })
	}
	return map[string]any{"DBInstance": r.shown(i)}, nil
}

// put adds what a request wants to what is waiting. A retention period that only gets longer or shorter does not wait.
func (i *instance) put(in modifyRequest) {
	if in.NewDBInstanceIdentifier != "" && strings.ToLower(in.NewDBInstanceIdentifier) != i.identifier {
		i.pending.identifier = strings.ToLower(in.NewDBInstanceIdentifier)
	}
	if in.DBInstanceClass != "" && in.DBInstanceClass != i.properties.DBInstanceClass {
		i.pending.class = in.DBInstanceClass
	}
	if in.AllocatedStorage > i.properties.AllocatedStorage {
		i.pending.storage = in.AllocatedStorage
	}
	if in.MultiAZ != nil && *in.MultiAZ != i.properties.MultiAZ {
		i.pending.standby = goneStandby
		if *in.MultiAZ {
			i.pending.standby = madeStandby
		}
	}
	switch before, after := i.properties.BackupRetentionPeriod.days(), in.BackupRetentionPeriod; {
	case !after.given || after.n == before:
	case (after.n == 0) != (before == 0):
		i.pending.retention = after
	default:
		i.properties.BackupRetentionPeriod = after
	}
}

// password is what a request makes of the master user's password; nil: nothing.
func (in modifyRequest) password(i *instance) *password {
	keyID := in.MasterUserSecretKmsKeyID
	if keyID == "" {
		keyID = i.properties.MasterUserSecret.KmsKeyID
	}
	switch {
	case bool(in.RotateMasterUserPassword):
		return &password{managed: true, rotated: true, keyID: keyID}
	case in.ManageMasterUserPassword != nil && bool(*in.ManageMasterUserPassword) && i.secretARN == "":
		return &password{managed: true, keyID: keyID}
	case in.MasterUserPassword != "":
		return &password{given: in.MasterUserPassword}
	}
	return nil
}

// checkModify refuses what can't be; the caller holds the lock.
func (r *RDS) checkModify(i *instance, in modifyRequest) error {
	manage := in.ManageMasterUserPassword
	switch {
	case !i.is(available, storageFull):
		return notIn(available)
	case in.MasterUserPassword != "" && (manage != nil && bool(*manage) || manage == nil && i.secretARN != ""):
		return refused("InvalidParameterCombination", "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled.")
	case manage != nil && !bool(*manage) && i.secretARN != "" && in.MasterUserPassword == "":
		return refused("InvalidParameterCombination", "You must specify MasterUserPassword when ManageMasterUserPassword is set to false.")
	case bool(in.RotateMasterUserPassword) && i.secretARN == "":
		return refused("InvalidParameterCombination", "RotateMasterUserPassword can only be specified for an instance with ManageMasterUserPassword enabled.")
	case bool(in.RotateMasterUserPassword) && !bool(in.ApplyImmediately):
		return refused("InvalidParameterCombination", "RotateMasterUserPassword requires ApplyImmediately.")
	case in.AllocatedStorage > 0 && in.AllocatedStorage < i.properties.AllocatedStorage:
		return refused("InvalidParameterCombination", "Requested storage size (%d) cannot be less than current storage size", in.AllocatedStorage)
	}
	if name := strings.ToLower(in.NewDBInstanceIdentifier); name != "" && name != i.identifier {
		if err := checkIdentifier("NewDBInstanceIdentifier", name); err != nil {
			return err
		}
		if r.instances[name] != nil {
			return refused("DBInstanceAlreadyExists", "DB instance already exists")
		}
	}
	if err := r.knowsGroup(strings.ToLower(in.DBParameterGroupName)); err != nil {
		return err
	}
	return in.BackupRetentionPeriod.check()
}

// apply makes an instance what it is to become, one change after the other.
func (r *RDS) apply(i *instance, due changes, secret *password) {
	i.changing.Lock()
	defer i.changing.Unlock()
	steps := []struct {
		status string
		due    bool
		do     func() error
	}{
		{resetting, secret != nil, func() error { return r.setPassword(r.life, i, *secret) }},
		{modifying, due.class != "" || due.storage > 0 || due.standby != keptStandby, func() error { return r.resize(i, due) }},
		{modifying, due.retention.given, func() error { return r.retain(i, due.retention) }},
		{renaming, due.identifier != "", func() error { return r.rename(i, due.identifier) }},
	}
	for _, step := range steps {
		if !step.due {
			continue
		}
		if !r.become(i, step.status) {
			return
		}
		err := step.do()
		r.mu.Lock()
		if i.status == step.status {
			i.status = i.atRest()
		}
		r.mu.Unlock()
		if err != nil {
			r.cfg.Log.Error("database could not be modified", "instance", r.name(i), "error", err)
		}
	}
}

// become brings an instance into a state in which it is changed, a moment after it was asked for. What else is done
// with it is waited for. It reports whether the instance is still there.
func (r *RDS) become(i *instance, status string) bool {
	for {
		select {
		case <-r.life.Done():
			return false
		case <-time.After(r.cfg.Lead / 2):
		}
		r.mu.Lock()
		gone, may := i.is(deleting, failed), i.is(available, storageFull)
		if may {
			i.status = status
		}
		r.mu.Unlock()
		if gone || may {
			return may
		}
	}
}

// atRest is the state of an instance with which nothing is being done; the caller holds the lock.
func (i *instance) atRest() string {
	if i.full {
		return storageFull
	}
	return available
}

// resize gives an instance another size. One that was full, and gets more storage, is no longer.
func (r *RDS) resize(i *instance, due changes) error {
	if due.storage > 0 {
		r.emit(i, eventStorageGrows, "Applying modification to allocated storage")
	}
	if err := wait(r.life, r.cfg.Lead); err != nil {
		return err
	}
	r.mu.Lock()
	if due.class != "" {
		i.properties.DBInstanceClass = due.class
	}
	if due.standby != keptStandby {
		i.properties.MultiAZ = due.standby == madeStandby
	}
	grown := due.storage > 0
	if grown {
		i.properties.AllocatedStorage, i.full = due.storage, false
	}
	server, cfg := i.server, r.config(i)
	r.mu.Unlock()
	if !grown {
		return nil
	}
	if err := server.Configure(cfg); err != nil {
		return err
	}
	server.Reload()
	r.emit(i, eventStorageGrown, "Finished applying modification to allocated storage")
	return nil
}

// retain begins or ends an instance's backups, for which it must restart. Those that there are go when they end.
func (r *RDS) retain(i *instance, period days) error {
	before := i.archive
	archive, arn, err := r.newArchive(instanceProperties{BackupRetentionPeriod: period})
	if err != nil {
		return err
	}
	err = r.rerun(i, func() { i.properties.BackupRetentionPeriod, i.archive, i.archiveARN = period, archive, arn })
	if archive != nil {
		r.emit(i, eventBackupsOn, "Enabled automated backups")
		r.work.Go(func() { r.backUp(i) })
		return err
	}
	r.emit(i, eventBackupsOff, "Disabled automated backups")
	if before != nil {
		err = errors.Join(err, before.Close())
	}
	return err
}

// rename gives an instance another identifier, and the endpoint that goes with it. Nobody answers at the old one.
func (r *RDS) rename(i *instance, to string) error {
	r.mu.Lock()
	port := r.ports[to]
	r.mu.Unlock()
	if port == 0 {
		var err error
		if port, err = parts.FreePort(); err != nil {
			return err
		}
	}
	taken := false
	err := r.rerun(i, func() {
		if taken = r.instances[to] != nil; taken {
			return
		}
		delete(r.instances, i.identifier)
		i.identifier, r.instances[to], r.ports[to] = to, i, port
	})
	if taken {
		return fmt.Errorf("rename DB instance %s: another one has become %s meanwhile", r.name(i), to)
	}
	return err
}

// rerun stops an instance's server, changes the instance under the lock, and runs the server again. One that does
// not run is tried again, as one that died is.
func (r *RDS) rerun(i *instance, change func()) error {
	r.mu.Lock()
	i.parked = true
	i.runs++
	run, server := i.runs, i.server
	r.mu.Unlock()
	server.Stop()
	r.emit(i, eventShutdown, "DB instance shutdown")
	r.mu.Lock()
	change()
	cfg, down := r.config(i), i.down
	i.parked = false
	r.mu.Unlock()
	err := server.Configure(cfg)
	if err == nil && !down {
		err = r.start(r.life, i, run)
	}
	if err != nil || down {
		r.work.Go(func() { r.restart(i, run) })
		return err
	}
	r.emit(i, eventRestarted, "DB instance restarted")
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
