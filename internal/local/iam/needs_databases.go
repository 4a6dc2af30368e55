package iam

import (
	"fmt"
	"maps"
	"strings"
)

// Database is what the needs of calls about an RDS instance, or about what is left of one, depend on.
type Database struct {
	ARN, BackupARN    string // BackupARN: of its automated backups; empty: there are none
	ParameterGroup    string // the default one of its engine
	OptionGroup       string // the same
	Class, Engine     string
	Name              string // of the database that it was made with
	MultiAZ, Encrypts bool
	Storage           int // GiB
	Tags              map[string]string
}

// DatabasesFrom sets the source of instances: by identifier, ARN, resource id, or the ARN of the automated backups.
func (s *Store) DatabasesFrom(source func(named string) (Database, bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.databases = source
}

func (s *Store) database(named string) (Database, bool) {
	s.mu.Lock()
	source := s.databases
	s.mu.Unlock()
	if source == nil || named == "" {
		return Database{}, false
	}
	return source(named) // asked without the lock: it has its own
}

// databaseNeeds are RDS's (Service Authorization Reference, "Amazon RDS"). Instances are named by identifier or ARN.
func (s *Store) databaseNeeds(operation string, p params) []need {
	action := "rds:" + operation
	switch operation {
	case "RestoreDBInstanceToPointInTime":
		return s.restoreNeeds(action, p)
	case "ModifyDBInstance":
		return s.modifyNeeds(action, p)
	case "DeleteDBInstance":
		needs := []need{s.databaseNeed(action, p.text("DBInstanceIdentifier"), nil)}
		if final := p.text("FinalDBSnapshotIdentifier"); final != "" { // as the handlers of AWS's own resource type need it
			for _, resource := range []string{needs[0].resource, s.arn("rds", "snapshot:"+strings.ToLower(final))} {
				needs = append(needs, need{"rds:CreateDBSnapshot", resource, needs[0].context})
			}
		}
		return needs
	case "StopDBInstance":
		needs := []need{s.databaseNeed(action, p.text("DBInstanceIdentifier"), nil)}
		if snapshot := p.text("DBSnapshotIdentifier"); snapshot != "" {
			needs = append(needs, need{action: action, resource: s.arn("rds", "snapshot:"+strings.ToLower(snapshot))})
		}
		return needs
	case "DescribeDBInstanceAutomatedBackups", "DeleteDBInstanceAutomatedBackup":
		if id := p.text("DBInstanceIdentifier"); id != "" {
			return []need{s.databaseNeed(action, id, nil)}
		}
		return []need{{action: action, resource: s.backupARN(p.text("DBInstanceAutomatedBackupsArn"), p.text("DbiResourceId"))}}
	case "DescribeDBSnapshots":
		if snapshot := p.text("DBSnapshotIdentifier"); snapshot != "" {
			return []need{{action: action, resource: s.arn("rds", "snapshot:"+strings.ToLower(snapshot))}}
		}
	case "DeleteDBSnapshot":
		name := strings.ToLower(p.text("DBSnapshotIdentifier"))
		return []need{{action: action, resource: s.arn("rds", "snapshot:"+name)}}
	case "AddTagsToResource":
		return []need{{action, p.text("ResourceName"), maps.Clone(p.tags())}}
	case "DescribeEvents":
		return []need{{action: action, resource: "*"}}
	}
	return []need{s.databaseNeed(action, p.text("DBInstanceIdentifier"), nil)}
}

// databaseNeed is a need on an instance, with what conditions know of one that is there.
func (s *Store) databaseNeed(action, named string, context Context) need {
	if at := strings.LastIndex(named, ":db:"); at >= 0 {
		named = named[at+len(":db:"):]
	}
	named = strings.ToLower(named)
	if named == "" {
		named = "*"
	}
	all := Context{}
	if db, ok := s.database(named); ok {
		all = Context{
			"rds:databaseclass": {db.Class}, "rds:databaseengine": {db.Engine}, "rds:multiaz": {fmt.Sprint(db.MultiAZ)},
			"rds:storageencrypted": {fmt.Sprint(db.Encrypts)}, "rds:storagesize": {fmt.Sprint(db.Storage)},
		}
		if db.Name != "" {
			all["rds:databasename"] = []string{db.Name}
		}
		for key, value := range db.Tags {
			all["rds:db-tag/"+strings.ToLower(key)] = []string{value}
		}
	}
	maps.Copy(all, context)
	return need{action, s.arn("rds", "db:"+named), all}
}

// backupARN is that of automated backups, which a call names by it, by the instance's resource id, or not at all.
func (s *Store) backupARN(arn, resourceID string) string {
	if arn != "" {
		return arn
	}
	if db, ok := s.database(resourceID); ok && db.BackupARN != "" {
		return db.BackupARN
	}
	return s.arn("rds", "auto-backup:*")
}

// restoreNeeds: of the source, of the instance that is made, and of the groups that it gets, which are the default
// ones unless others are given. RDS takes a grant on the key of an encrypted one in the caller's name.
func (s *Store) restoreNeeds(action string, p params) []need {
	context := p.tags()
	for key, values := range p.tags() {
		if tag, ok := strings.CutPrefix(key, "aws:requesttag/"); ok {
			context["rds:req-tag/"+tag] = values
		}
	}
	for _, name := range []string{"ManageMasterUserPassword", "PubliclyAccessible", "BackupTarget"} {
		if value := p.text(name); value != "" {
			context["rds:"+strings.ToLower(name)] = []string{value}
		}
	}
	id := p.text("SourceDBInstanceIdentifier")
	from := s.databaseNeed(action, id, context)
	if id == "" {
		from = need{action, s.backupARN(p.text("SourceDBInstanceAutomatedBackupsArn"), p.text("SourceDbiResourceId")), context}
	}
	source, _ := s.database(p.first("SourceDBInstanceIdentifier", "SourceDbiResourceId", "SourceDBInstanceAutomatedBackupsArn"))
	needs := s.withKey(from)
	needs = append(needs, s.databaseNeed(action, p.text("TargetDBInstanceIdentifier"), context))
	for _, group := range []struct{ kind, given, otherwise string }{
		{"pg", p.text("DBParameterGroupName"), source.ParameterGroup},
		{"og", p.text("OptionGroupName"), source.OptionGroup},
		{"subgrp", p.text("DBSubnetGroupName"), "default"},
	} {
		name := strings.ToLower(group.given)
		if name == "" {
			name = group.otherwise
		}
		if name == "" {
			name = "*"
		}
		needs = append(needs, need{action, s.arn("rds", group.kind+":"+name), context})
	}
	if len(p.maps("Tags")) > 0 {
		needs = append(needs, s.databaseNeed("rds:AddTagsToResource", p.text("TargetDBInstanceIdentifier"), context))
	}
	return needs
}

// modifyNeeds: a managed secret is made in the caller's name (user guide, "Password management with Amazon RDS and
// AWS Secrets Manager", its permissions).
func (s *Store) modifyNeeds(action string, p params) []need {
	context := Context{}
	manage := p.text("ManageMasterUserPassword")
	if manage != "" {
		context["rds:managemasteruserpassword"] = []string{manage}
	}
	needs := []need{s.databaseNeed(action, p.text("DBInstanceIdentifier"), context)}
	if group := p.text("DBParameterGroupName"); group != "" {
		needs = append(needs, need{action, s.arn("rds", "pg:"+strings.ToLower(group)), context})
	}
	secret := s.arn("secretsmanager", "secret:rds!db-00000000-0000-4000-8000-000000000000"+anySuffix)
	if strings.EqualFold(p.text("RotateMasterUserPassword"), "true") {
		needs = append(needs, need{action: "secretsmanager:RotateSecret", resource: secret})
	}
	if !strings.EqualFold(manage, "true") {
		return needs
	}
	needs = append(needs, need{action: "secretsmanager:CreateSecret", resource: secret}, need{action: "secretsmanager:TagResource", resource: secret})
	if key := p.text("MasterUserSecretKmsKeyId"); key != "" && !strings.Contains(key, awsKeys) {
		needs = append(needs, need{"kms:DescribeKey", s.keyARN(key), s.via("rds")})
		for _, use := range []string{"kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"} {
			needs = append(needs, need{use, s.keyARN(key), s.via("secretsmanager")})
		}
	}
	return needs
}
