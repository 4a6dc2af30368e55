package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"headroom/events"
	"headroom/internal/pool"
)

const (
	restoreTimeout = 60 // seconds: two databases that change places take some
	// restoredInstances is how the identifiers of temporary instances go on after the stage's prefix
	// (internal/handler/restore).
	restoredInstances = "restore-"
	// restorationTag is on each of them (internal/adapter/instances).
	restorationTag = "headroom:restoration"
)

// newRestore makes the function that has tenants go back in time, or move. It makes temporary instances of the stage's database
// hosts, in a group that nobody but it and its tasks reach, and deletes those alone; it reads no tenant's files or rows. The
// slots that tenants moved away from are cleared by who clears those of tenants that left.
func (c *controlPlane) newRestore(r Archivist) awslambda.Function {
	// Who moves a tenant takes a slot from its host and the shelf, and has the tenant's record and secret say where it is then.
	grants := c.ledger.Grants([]string{"BatchGetItem", "GetItem", "PutItem", "UpdateItem"})
	grants = append(grants, c.notifications.Grants()...)
	grants = append(grants,
		c.ledger.onMoney("DeleteItem"),
		sendTo(c.restoreSteps.Queue, c.restores.DeadLetters, c.decommissionSteps.Queue),
		c.publish(),
		c.readPolicy(),
		c.readMasterSecrets(),
		c.readRestoredMasters(),
		useKey(c.keys.Hosts, "secretsmanager", "kms:Decrypt"),
		Grant{
			Actions: []string{
				"secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:GetSecretValue", "secretsmanager:TagResource",
			},
			Resources: []*string{arn("secretsmanager", "secret:"+c.copierSecrets()+"*")},
		},
		Grant{
			Actions:   []string{"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:TagResource"},
			Resources: []*string{arn("secretsmanager", "secret:headroom/"+c.Stage.Name+"/tenant/*")},
		},
		useKey(c.keys.Secrets, "secretsmanager", "kms:Decrypt", "kms:GenerateDataKey"),
		Grant{
			Actions:   []string{"storagegateway:NotifyWhenUploaded", "storagegateway:RefreshCache"},
			Resources: []*string{arn("storagegateway", "share/*")},
			When:      ofStage(c.Stage, stageOfResource),
		},
		// Of shares that are gone, no tags are known.
		Grant{Actions: []string{"storagegateway:ListTagsForResource"}, Resources: []*string{arn("storagegateway", "share/*")}},
		// CloudWatch knows no resources of metrics.
		Grant{Actions: []string{"cloudwatch:GetMetricData"}, Resources: *everything()},
	)
	f := c.newFunction("Restores", FunctionProps{
		Name: "restore", Queues: []Queue{c.restores, c.restoreSteps}, Batch: 1, Concurrency: 2,
		MemoryMiB: 256, TimeoutSeconds: restoreTimeout, Network: c.network, Grants: grants,
		MoreGrants: append(c.restoreInstances(), c.runTasks(r)...),
		Environment: map[string]*string{
			"TABLE_NAME":       c.ledger.Table.TableName(),
			"BUS_NAME":         c.bus.EventBusName(),
			"POLICY_PARAMETER": c.policy.ParameterName(),
			"RUNBOOKS_URL":     c.runbooks,
			"DATABASE_SLOTS":   jsii.String(fmt.Sprint(c.Stage.databaseSlots())),
			// Its own messages, and what tasks report, have a queue that nobody else has access to.
			"RESTORE_STEPS_QUEUE_URL": c.restoreSteps.QueueUrl(),
			"RESTORE_DLQ_URL":         c.restores.DeadLetters.QueueUrl(),
			// It has the slots cleared that tenants moved away from.
			"DECOMMISSION_STEPS_QUEUE_URL": c.decommissionSteps.QueueUrl(),
			"NOTIFY_TOPIC_ARN":             c.notifications.Topic.TopicArn(),
			"COPIER_PREFIX":                jsii.String(c.copierSecrets()),
			"SECRET_KEY_ID":                c.keys.Secrets.KeyArn(),
			"MASTER_KEY_ARN":               c.keys.Hosts.KeyArn(),
			"INSTANCE_GROUP":               c.network.Restored.SecurityGroupId(),
			"ARCHIVIST_CLUSTER":            r.Cluster.AttrArn(),
			"RESTORER_TASK":                r.Task.Ref(),
			"ARCHIVIST_CONTAINER":          jsii.String(archivistName),
			"ARCHIVIST_SUBNETS":            awscdk.Fn_Join(jsii.String(","), c.network.subnetIDs()),
			"ARCHIVIST_GROUP":              c.network.Archivist.SecurityGroupId(),
			"ARCHIVES_AT_ONCE":             c.archivesAtOnce.ValueAsString(),
			"RESTORE_DAYS":                 jsii.String(fmt.Sprint(c.Stage.RestoreDays)),
		},
	})
	suppress(f.Role(), "AwsSolutions-IAM5",
		"Shares, temporary instances, tasks, copiers' secrets, and RDS's, are made while it runs: prefixes and tags limit what is done to them to this "+
			"stage's. CloudWatch's metrics, and the Describe calls that connect the function to the VPC, know no resources.")
	return f
}

// restoredARN is the ARN of any temporary instance of the stage.
func (c *controlPlane) restoredARN() *string {
	return arn("rds", "db:"+c.stackPrefix()+restoredInstances+"*")
}

// readRestoredMasters lets a function read the master passwords of temporary instances.
func (c *controlPlane) readRestoredMasters() Grant {
	return Grant{
		Actions:   []string{"secretsmanager:GetSecretValue"},
		Resources: []*string{arn("secretsmanager", "secret:rds!db-*")},
		When:      Conditions{"StringLike": {"aws:ResourceTag/aws:rds:primaryDBInstanceArn": c.restoredARN()}},
	}
}

// restoreInstances lets a function make temporary instances of the stage's database hosts, in none but their own groups,
// and change and delete those that bear the mark of a restoration. RDS makes the master's secret, and takes a grant on the
// key of the storage, in the caller's name.
func (c *controlPlane) restoreInstances() []Grant {
	hosts := c.stackPrefix() + string(pool.Database) + "-*"
	marked := Conditions{"StringEquals": {"aws:ResourceTag/headroom:stage": jsii.String(c.Stage.Name)}, "Null": {"aws:ResourceTag/" + restorationTag: jsii.String("false")}}
	return []Grant{
		{
			Actions: []string{"rds:RestoreDBInstanceToPointInTime"},
			Resources: []*string{
				arn("rds", "db:"+hosts), c.restoredARN(), arn("rds", "pg:"+hosts), arn("rds", "subgrp:"+hosts), arn("rds", "og:default:*"),
			},
			When: Conditions{
				"Bool":         {"rds:PubliclyAccessible": jsii.String("false")},
				"StringEquals": {"aws:RequestTag/headroom:stage": jsii.String(c.Stage.Name)},
				"Null":         {"aws:RequestTag/" + restorationTag: jsii.String("false")},
			},
		},
		{Actions: []string{"rds:AddTagsToResource"}, Resources: []*string{c.restoredARN()}},
		{Actions: []string{"rds:DeleteDBInstance", "rds:ModifyDBInstance"}, Resources: []*string{c.restoredARN()}, When: marked},
		{Actions: []string{"rds:DescribeDBInstances"}, Resources: []*string{arn("rds", "db:*")}}, // one that was left has any name
		{Actions: []string{"rds:DescribeDBInstanceAutomatedBackups"}, Resources: []*string{arn("rds", "db:"+hosts)}},
		{Actions: []string{"secretsmanager:CreateSecret", "secretsmanager:TagResource"}, Resources: []*string{arn("secretsmanager", "secret:rds!db-*")}},
		useKey(c.keys.Hosts, "rds", "kms:DescribeKey"),
		useKey(c.keys.Hosts, "secretsmanager", "kms:GenerateDataKey"),
		{
			Actions:   []string{"kms:CreateGrant"},
			Resources: []*string{c.keys.Hosts.KeyArn()},
			When:      Conditions{"StringEquals": {"kms:ViaService": []*string{through("rds"), through("secretsmanager")}}},
		},
	}
}

// addRestoreRules sends what AWS says about tasks and uploads to the function that waits for it.
func (c *controlPlane) addRestoreRules(r Archivist, undelivered awssqs.Queue) {
	c.addRestorerRule(r, c.restoreSteps, undelivered)
	NewRule(c.stack, "RestoreUploaded", RuleProps{
		Description: "Headroom: all that a share was given is in its bucket, before files are brought back",
		Source:      "aws.storagegateway",
		DetailTypes: []string{events.TypeFileUpload},
		// Shares have IDs only: of which stage one is, who waits for the event knows by the notification's.
		ResourcePrefixes: []*string{arn("storagegateway", "share/")},
		To:               c.restoreSteps,
		Undelivered:      undelivered,
	})
}
