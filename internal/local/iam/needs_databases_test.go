package iam_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
)

func TestWhatCallsAboutDatabasesNeed(t *testing.T) {
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":" + region + ":" + account + ":" + resource
	}
	host, back, backups := arn("rds", "db:host"), arn("rds", "db:back"), arn("rds", "auto-backup:ab-1")
	const restore = "rds:RestoreDBInstanceToPointInTime "
	groups := []string{restore + arn("rds", "pg:default.postgres17"), restore + arn("rds", "og:default:postgres-17"), restore + arn("rds", "subgrp:default")}
	secret := arn("secretsmanager", "secret:rds!db-00000000-0000-4000-8000-000000000000-AbCdEf")
	type params = map[string]any
	for name, tt := range map[string]struct {
		operation string
		params    params
		want      []string
	}{
		"all instances": {"DescribeDBInstances", nil, []string{"rds:DescribeDBInstances " + arn("rds", "db:*")}},
		"one":           {"DescribeDBInstances", params{"DBInstanceIdentifier": host}, []string{"rds:DescribeDBInstances " + host}},
		"restore": {
			"RestoreDBInstanceToPointInTime",
			params{"SourceDBInstanceIdentifier": "Host", "TargetDBInstanceIdentifier": "Back"},
			append([]string{restore + host, "kms:DescribeKey " + key, "kms:CreateGrant " + key, restore + back}, groups...),
		},
		"restore what is gone": {
			"RestoreDBInstanceToPointInTime",
			params{"SourceDbiResourceId": "db-1", "TargetDBInstanceIdentifier": "back", "DBParameterGroupName": "p", "DBSubnetGroupName": "s", "Tags": []any{map[string]any{"Key": "a", "Value": "b"}}},
			[]string{
				restore + backups, "kms:DescribeKey " + key, "kms:CreateGrant " + key, restore + back, restore + arn("rds", "pg:p"),
				restore + arn("rds", "og:default:postgres-17"), restore + arn("rds", "subgrp:s"), "rds:AddTagsToResource " + back,
			},
		},
		"modify": {"ModifyDBInstance", params{"DBInstanceIdentifier": "host", "DBParameterGroupName": "p"}, []string{"rds:ModifyDBInstance " + host, "rds:ModifyDBInstance " + arn("rds", "pg:p")}},
		"a managed secret": {
			"ModifyDBInstance",
			params{"DBInstanceIdentifier": "host", "ManageMasterUserPassword": "true", "MasterUserSecretKmsKeyId": key},
			[]string{
				"rds:ModifyDBInstance " + host, "secretsmanager:CreateSecret " + secret, "secretsmanager:TagResource " + secret,
				"kms:DescribeKey " + key, "kms:Decrypt " + key, "kms:GenerateDataKey " + key, "kms:CreateGrant " + key,
			},
		},
		"rotate":           {"ModifyDBInstance", params{"DBInstanceIdentifier": "host", "RotateMasterUserPassword": "true"}, []string{"rds:ModifyDBInstance " + host, "secretsmanager:RotateSecret " + secret}},
		"delete":           {"DeleteDBInstance", params{"DBInstanceIdentifier": "host", "SkipFinalSnapshot": "true"}, []string{"rds:DeleteDBInstance " + host}},
		"delete and keep":  {"DeleteDBInstance", params{"DBInstanceIdentifier": "host", "FinalDBSnapshotIdentifier": "s"}, []string{"rds:DeleteDBInstance " + host, "rds:CreateDBSnapshot " + host, "rds:CreateDBSnapshot " + arn("rds", "snapshot:s")}},
		"stop":             {"StopDBInstance", params{"DBInstanceIdentifier": "host"}, []string{"rds:StopDBInstance " + host}},
		"start":            {"StartDBInstance", params{"DBInstanceIdentifier": "host"}, []string{"rds:StartDBInstance " + host}},
		"all backups":      {"DescribeDBInstanceAutomatedBackups", nil, []string{"rds:DescribeDBInstanceAutomatedBackups " + arn("rds", "auto-backup:*")}},
		"an instance's":    {"DescribeDBInstanceAutomatedBackups", params{"DBInstanceIdentifier": "host"}, []string{"rds:DescribeDBInstanceAutomatedBackups " + host}},
		"delete backups":   {"DeleteDBInstanceAutomatedBackup", params{"DbiResourceId": "db-1"}, []string{"rds:DeleteDBInstanceAutomatedBackup " + backups}},
		"events":           {"DescribeEvents", params{"SourceIdentifier": "host"}, []string{"rds:DescribeEvents *"}},
		"a snapshot":       {"DescribeDBSnapshots", params{"DBSnapshotIdentifier": "s"}, []string{"rds:DescribeDBSnapshots " + arn("rds", "snapshot:s")}},
		"snapshots of one": {"DescribeDBSnapshots", params{"DBInstanceIdentifier": "host"}, []string{"rds:DescribeDBSnapshots " + host}},
	} {
		t.Run(name, func(t *testing.T) {
			s := databases(t, `{"Effect":"Allow","Action":"none:None","Resource":"*"}`)
			got := needed(t, s, endpoint.Call{Service: "rds", Operation: tt.operation, Params: tt.params})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// databases is a store that knows an instance, encrypted and with backups.
func databases(t *testing.T, statements string) *iam.Store {
	t.Helper()
	s := storeWith(t, statements)
	host := "arn:aws:rds:" + region + ":" + account + ":db:host"
	backups := "arn:aws:rds:" + region + ":" + account + ":auto-backup:ab-1"
	s.DatabasesFrom(func(named string) (iam.Database, bool) {
		return iam.Database{
			ARN: host, BackupARN: backups, ParameterGroup: "default.postgres17", OptionGroup: "default:postgres-17",
			Class: "db.t4g.micro", Engine: "postgres", Storage: 20, Encrypts: true, Tags: map[string]string{"headroom:tier": "standard"},
		}, named == "host" || named == "db-1" || named == backups
	})
	s.KeysFrom(func(arn string) string {
		if arn == host || arn == backups {
			return key
		}
		return ""
	})
	return s
}

func TestCallsAboutDatabasesMayBeBoundToConditions(t *testing.T) {
	for name, tt := range map[string]struct {
		condition string
		operation string
		params    map[string]any
		allowed   bool
	}{
		"the instance's tag":   {`{"StringEquals":{"rds:db-tag/headroom:tier":"standard"}}`, "DeleteDBInstance", map[string]any{"DBInstanceIdentifier": "host"}, true},
		"another tag":          {`{"StringEquals":{"rds:db-tag/headroom:tier":"gold"}}`, "DeleteDBInstance", map[string]any{"DBInstanceIdentifier": "host"}, false},
		"its class":            {`{"StringEquals":{"rds:DatabaseClass":"db.t4g.micro"}}`, "RebootDBInstance", map[string]any{"DBInstanceIdentifier": "host"}, true},
		"another class":        {`{"StringEquals":{"rds:DatabaseClass":"db.r8g.large"}}`, "RebootDBInstance", map[string]any{"DBInstanceIdentifier": "host"}, false},
		"a managed password":   {`{"Bool":{"rds:ManageMasterUserPassword":"true"}}`, "ModifyDBInstance", map[string]any{"DBInstanceIdentifier": "host"}, false},
		"the tags of the call": {`{"StringEquals":{"aws:RequestTag/for":"acme"}}`, "RestoreDBInstanceToPointInTime", map[string]any{"SourceDbiResourceId": "db-1", "TargetDBInstanceIdentifier": "back", "Tags": []any{map[string]any{"Key": "for", "Value": "acme"}}}, true},
		"RDS's word for them":  {`{"StringEquals":{"rds:req-tag/for":"acme"}}`, "RestoreDBInstanceToPointInTime", map[string]any{"SourceDbiResourceId": "db-1", "TargetDBInstanceIdentifier": "back", "Tags": []any{map[string]any{"Key": "for", "Value": "other"}}}, false},
		"seen by the world":    {`{"Bool":{"rds:PubliclyAccessible":"false"}}`, "RestoreDBInstanceToPointInTime", map[string]any{"SourceDbiResourceId": "db-1", "TargetDBInstanceIdentifier": "back", "PubliclyAccessible": "true"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := databases(t, `{"Effect":"Allow","Action":"rds:*","Resource":"*","Condition":`+tt.condition+`},{"Effect":"Allow","Action":"kms:*","Resource":"*"}`)
			err := s.Authorize(t.Context(), endpoint.Call{Principal: session, Service: "rds", Operation: tt.operation, Params: tt.params})
			if (err == nil) != tt.allowed {
				t.Errorf("%v", err)
			}
		})
	}
}
