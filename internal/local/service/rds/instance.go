package rds

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/postgresql"
)

// States of an instance, as DescribeDBInstances has them (user guide, "Viewing Amazon RDS DB instance status").
const (
	creating    = "creating"
	available   = "available"
	backingUp   = "backing-up"
	modifying   = "modifying"
	renaming    = "renaming"
	resetting   = "resetting-master-credentials"
	rebooting   = "rebooting"
	stopping    = "stopping"
	stopped     = "stopped"
	starting    = "starting"
	storageFull = "storage-full"
	failed      = "failed"
	unrestored  = "incompatible-restore"
	deleting    = "deleting"
)

// instance is one DB instance.
type instance struct {
	identifier, owner string // owner: the stack and logical id that made it; empty: the API did
	properties        instanceProperties
	tags              map[string]string
	status            string
	secretARN         string
	resourceID        string
	server            *postgresql.Server
	archive           *postgresql.Archive // nil: it is not backed up
	archiveARN        string
	backedUp          time.Time // by Clock, when a base backup was last made, or not found worth it
	runs              int       // how often its server was started
	down              bool      // it is kept from running
	parked            bool      // it does not run on purpose
	full              bool      // its storage
	strained          bool      // its processor is busy all the time
	measured          measured
	created           time.Time
	ready             chan struct{} // closed when it is available or has failed
	err               error

	changing sync.Mutex // one change of it at a time
	pending  changes    // that wait for a maintenance window, which never comes
}

// name is an instance's identifier, which may change; for who does not hold the lock.
func (r *RDS) name(i *instance) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return i.identifier
}

// config is what an instance's server is made with, or run again with; the caller holds the lock.
func (r *RDS) config(i *instance) postgresql.Config {
	parameters := map[string]string{}
	for name, value := range r.parameters[i.properties.DBParameterGroupName] {
		parameters[name] = value
	}
	if i.full {
		parameters["default_transaction_read_only"] = "on"
	}
	return postgresql.Config{
		Name: i.identifier, LogDir: r.cfg.LogDir, Authority: r.cfg.Authority, Parameters: parameters,
		Master: i.properties.MasterUsername, Password: i.properties.MasterUserPassword, Database: i.properties.DBName,
		Port: r.ports[i.identifier], Archive: i.archive,
	}
}

// find finds an instance by its identifier or its ARN; the caller holds the lock.
func (r *RDS) find(named string) (*instance, error) {
	identifier := identifierOf(named)
	if i := r.instances[identifier]; i != nil {
		return i, nil
	}
	return nil, notFound(identifier)
}

func identifierOf(named string) string {
	if at := strings.LastIndex(named, ":db:"); at >= 0 {
		named = named[at+len(":db:"):]
	}
	return strings.ToLower(named)
}

func notFound(identifier string) error {
	return &endpoint.Error{Code: "DBInstanceNotFound", Message: fmt.Sprintf("DBInstance %s not found.", identifier), Status: 404}
}

func refused(code, format string, args ...any) error {
	return &endpoint.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// notIn is the refusal of what an instance's state forbids.
func notIn(state string) error {
	return refused("InvalidDBInstanceState", "Database instance is not in %s state.", state)
}

// add notes a new instance, if there is room and no other of its name; the caller holds the lock.
func (r *RDS) add(i *instance) error {
	if r.instances[i.identifier] != nil {
		return refused("DBInstanceAlreadyExists", "DB instance already exists")
	}
	if err := r.room(i.properties.AvailabilityZone); err != nil {
		return err
	}
	if group := i.properties.DBSubnetGroupName; group != "" && !r.subnets[group] {
		return &endpoint.Error{Code: "DBSubnetGroupNotFoundFault", Message: fmt.Sprintf("DB subnet group '%s' does not exist.", group), Status: 404}
	}
	if err := r.knowsGroup(i.properties.DBParameterGroupName); err != nil {
		return err
	}
	if err := r.underQuota("DBInstances", "InstanceQuotaExceeded", "DB Instance quota exceeded"); err != nil {
		return err
	}
	i.status, i.created, i.ready = creating, r.cfg.Clock.Now(), make(chan struct{})
	r.instances[i.identifier] = i
	return nil
}

// knowsGroup refuses a parameter group that does not exist; the caller holds the lock.
func (r *RDS) knowsGroup(name string) error {
	if name == "" || r.parameters[name] != nil || strings.HasPrefix(name, "default.") {
		return nil
	}
	return &endpoint.Error{Code: "DBParameterGroupNotFound", Message: fmt.Sprintf("DBParameterGroup not found: %s", name), Status: 404}
}

// describe answers DescribeDBInstances.
func (r *RDS) describe(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		DBInstanceIdentifier string `json:"DBInstanceIdentifier"`
		filters
		page
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []any{}
	for _, identifier := range sortedKeys(r.instances) {
		i := r.instances[identifier]
		if input.DBInstanceIdentifier != "" && identifier != identifierOf(input.DBInstanceIdentifier) {
			continue
		}
		matches, err := input.match(map[string]string{"db-instance-id": identifier, "dbi-resource-id": i.resourceID, "engine": i.properties.Engine})
		if err != nil {
			return nil, err
		}
		if matches {
			list = append(list, r.shown(i))
		}
	}
	if input.DBInstanceIdentifier != "" && len(list) == 0 {
		return nil, notFound(identifierOf(input.DBInstanceIdentifier))
	}
	return input.cut("DBInstances", "DBInstance", list)
}

// shown is an instance as DescribeDBInstances answers it; the caller holds the lock.
func (r *RDS) shown(i *instance) map[string]any {
	p := i.properties
	shown := map[string]any{
		"DBInstanceIdentifier": i.identifier, "DBInstanceStatus": i.status, "DBInstanceArn": r.arn(i.identifier),
		"DbiResourceId": i.resourceID, "Engine": p.Engine, "EngineVersion": string(p.EngineVersion),
		"DBInstanceClass": p.DBInstanceClass, "MasterUsername": p.MasterUsername,
		"AllocatedStorage": int(p.AllocatedStorage), "StorageEncrypted": bool(p.StorageEncrypted),
		"DeletionProtection": bool(p.DeletionProtection), "MultiAZ": bool(p.MultiAZ),
		"BackupRetentionPeriod": p.BackupRetentionPeriod.days(), "PubliclyAccessible": bool(p.PubliclyAccessible),
		"InstanceCreateTime": i.created, "CACertificateIdentifier": "rds-ca-local", "TagList": endpoint.List{Element: "Tag", Items: tagList(i.tags)},
		"DBParameterGroups": endpoint.List{Element: "DBParameterGroup", Items: []any{map[string]any{
			"DBParameterGroupName": i.parameterGroup(), "ParameterApplyStatus": i.applied(),
		}}},
		"PendingModifiedValues": i.pending.shown(),
	}
	if r.cfg.Authority != nil { // servers' certificates end with that of the authority
		shown["CertificateDetails"] = map[string]any{"CAIdentifier": "rds-ca-local", "ValidTill": r.cfg.Authority.Until()}
	}
	groups := []any{}
	for _, group := range i.securityGroups() {
		groups = append(groups, map[string]any{"VpcSecurityGroupId": group, "Status": "active"})
	}
	shown["VpcSecurityGroups"] = endpoint.List{Element: "VpcSecurityGroupMembership", Items: groups}
	shown["DBSubnetGroup"] = map[string]any{"DBSubnetGroupName": orDefault(p.DBSubnetGroupName), "SubnetGroupStatus": "Complete"}
	for name, value := range map[string]string{"DBName": p.DBName, "KmsKeyId": p.KmsKeyID, "AvailabilityZone": p.AvailabilityZone} {
		if value != "" {
			shown[name] = value
		}
	}
	if _, latest, ok := r.window(i.archive, retention(i.properties)); ok {
		shown["LatestRestorableTime"] = latest
	}
	if i.server != nil {
		shown["Endpoint"] = map[string]any{"Address": postgresql.Host, "Port": i.server.Port()}
	}
	if i.secretARN != "" {
		shown["MasterUserSecret"] = map[string]any{
			"SecretArn": i.secretARN, "SecretStatus": "active", "KmsKeyId": p.MasterUserSecret.KmsKeyID,
		}
	}
	return shown
}

// parameterGroup is the one that an instance has, which is its engine's default unless one was given.
func (i *instance) parameterGroup() string {
	if i.properties.DBParameterGroupName != "" {
		return i.properties.DBParameterGroupName
	}
	return i.properties.defaultGroup(".")
}

// securityGroups are the ones that an instance has, which is its network's default unless some were given.
func (i *instance) securityGroups() []string {
	if len(i.properties.VPCSecurityGroups) > 0 {
		return i.properties.VPCSecurityGroups
	}
	return []string{"sg-default"}
}

// applied tells whether an instance runs with the parameters of its group.
func (i *instance) applied() string {
	if i.pending.group {
		return "pending-reboot"
	}
	return "in-sync"
}

func orDefault(name string) string {
	if name == "" {
		return "default"
	}
	return name
}

func tagList(tags map[string]string) []any {
	list := []any{}
	for _, key := range sortedKeys(tags) {
		list = append(list, map[string]any{"Key": key, "Value": tags[key]})
	}
	return list
}

func (r *RDS) arn(identifier string) string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:db:%s", r.cfg.Region, r.cfg.Account, identifier)
}

// is reports whether an instance is in one of some states.
func (i *instance) is(states ...string) bool { return slices.Contains(states, i.status) }
