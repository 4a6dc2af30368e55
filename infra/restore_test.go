package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Who has tenants go back in time makes and deletes temporary instances, and those alone; it reads no files, and nothing of a
// database but as its master.
func TestWhoRestoresMayDoThisAndNoMore(t *testing.T) {
	const (
		hosts, restored = "headroom-STAGE-database-*", "rds:::db:headroom-STAGE-restore-*"
		making          = " if Bool rds:PubliclyAccessible false and Null aws:RequestTag/headroom:restoration false and StringEquals aws:RequestTag/headroom:stage STAGE"
		marked          = " if Null aws:ResourceTag/headroom:restoration false and StringEquals aws:ResourceTag/headroom:stage STAGE"
		ours            = " if StringEquals aws:ResourceTag/headroom:stage STAGE"
		masters         = "secretsmanager:::secret:rds!db-*"
	)
	want := map[string][]string{
		"rds:RestoreDBInstanceToPointInTime": {
			"rds:::db:" + hosts + making, restored + making, "rds:::og:default:*" + making, "rds:::pg:" + hosts + making, "rds:::subgrp:" + hosts + making,
		},
		"rds:AddTagsToResource":                  {restored},
		"rds:DeleteDBInstance":                   {restored + marked},
		"rds:ModifyDBInstance":                   {restored + marked},
		"rds:DescribeDBInstances":                {"rds:::db:*"},
		"rds:DescribeDBInstanceAutomatedBackups": {"rds:::db:" + hosts},
		"storagegateway:NotifyWhenUploaded":      {"storagegateway:::share/*" + ours},
		"storagegateway:RefreshCache":            {"storagegateway:::share/*" + ours},
		"storagegateway:ListTagsForResource":     {"storagegateway:::share/*"},
		"ecs:RunTask":                            {"<RestorerTask>" + inTheCluster},
		"ecs:StopTask":                           {"ecs:::task/headroom-STAGE/*" + inTheCluster},
		"ecs:DescribeTasks":                      {"ecs:::task/headroom-STAGE/*" + inTheCluster},
		"ecs:TagResource":                        {"ecs:::task/headroom-STAGE/* if StringEquals ecs:CreateAction RunTask"},
		"secretsmanager:DeleteSecret":            {copierSecrets},
		"secretsmanager:CreateSecret":            {copierSecrets, masters},
		"secretsmanager:TagResource":             {copierSecrets, "secretsmanager:::secret:headroom/STAGE/tenant/*", masters}, // which database a secret is for
		"sqs:SendMessage":                        {"<DecommissionStepsQueue>", "<RestoreDeadLetters>", "<RestoreStepsQueue>"},
		"secretsmanager:PutSecretValue":          {"secretsmanager:::secret:headroom/STAGE/tenant/*"},
		"cloudwatch:GetMetricData":               {"*"},
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		got := map[string][]string{}
		for action, grants := range a.may("RestoresRole") {
			service, _, _ := strings.Cut(action, ":")
			if _, listed := want[action]; listed || slices.Contains([]string{"s3", "ecs", "rds", "storagegateway", "cloudwatch"}, service) {
				got[action] = grants
			}
		}
		for _, grants := range want {
			slices.Sort(grants)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A temporary instance holds what all tenants of a host had: its group lets nobody in but those who copy one of them, and
// nothing out.
func TestTemporaryInstancesAreReachedByFunctionsAndTasksAlone(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		id := referred(a.variablesOf("restore")["INSTANCE_GROUP"])
		group := a.control.Resources[id]
		if rules := group.Properties["SecurityGroupIngress"]; rules != nil {
			t.Errorf("it is reached by %v", rules)
		}
		if out := fmt.Sprint(group.Properties["SecurityGroupEgress"]); !strings.Contains(out, "255.255.255.255/32") || len(list(group.Properties["SecurityGroupEgress"])) != 1 {
			t.Errorf("it reaches %s", out)
		}
		var from []string
		for _, rule := range a.control.of("AWS::EC2::SecurityGroupIngress") {
			if referred(rule.Properties["GroupId"]) == id {
				from = append(from, fmt.Sprintf("%s %v", hashed.ReplaceAllString("<"+referred(rule.Properties["SourceSecurityGroupId"])+">", "$1"), rule.Properties["FromPort"]))
			}
		}
		slices.Sort(from)
		if want := []string{"<NetworkArchivist> 5432", "<NetworkFunctions> 5432"}; !slices.Equal(from, want) {
			t.Errorf("it is reached from %q, want %q", from, want)
		}
	})
}
