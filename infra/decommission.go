package main

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"headroom/events"
	"headroom/internal/pool"
)

const (
	decommissionTimeout = 60 // seconds: a batch of deletions, or a database that is dropped, takes some
	decommissionBatch   = 10 // messages that an invocation handles at once

	// How the keys of an archive's objects end, all of which begin with "<departure>/".
	departureKeys   = "*.*/*" // all of a departure's: its ID has a dot, which no folder of the audit's copies has
	manifestKeys    = "*.manifest.jsonl"
	certificateKeys = "*/certificate.json"
)

// newArchivist makes what archives. Which tenant's data a task reads is in its job, by which it bounds its session of the
// jobs' role. That role may read every share of the stage, through nothing but S3, and copiers' secrets, which each live
// as long as an attempt.
func (c *controlPlane) newArchivist() Archivist {
	shares := bucketPattern(c.Stage.Name)
	a := NewArchivist(c.stack, "Archivist", ArchivistProps{
		Stage: c.Stage, CodeDir: c.CodeDir,
		Environment: map[string]*string{
			"REPORT_QUEUE_URL": c.decommissionSteps.QueueUrl(),
			"ARCHIVE_KEY_ARN":  c.keys.Archives.KeyArn(),
		},
		TaskGrants: []Grant{sendTo(c.decommissionSteps.Queue)},
		JobGrants: []Grant{
			// To list a bucket is to be told, too, that an object is not there.
			{Actions: []string{"s3:ListBucket", "s3:ListBucketVersions"}, Resources: jsiiStrings(shares)},
			{Actions: []string{"s3:GetObjectVersion"}, Resources: jsiiStrings(shares + "/*")},
			useKey(c.keys.Hosts, "s3", "kms:Decrypt"),
			{Actions: []string{"s3:ListBucket", "s3:ListBucketMultipartUploads"}, Resources: []*string{c.archives.Bucket.AttrArn()}},
			{
				Actions:   []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"},
				Resources: c.archives.objects(departureKeys),
			},
			{
				// What it writes is an attempt: that it is an archive, another says.
				Actions:   []string{"s3:PutObjectTagging"},
				Resources: c.archives.objects(departureKeys),
				When:      Conditions{"StringEquals": {"s3:RequestObjectTag/" + archiveTag: jsii.String(archiveTry)}},
			},
			useKey(c.keys.Archives, "s3", "kms:Decrypt", "kms:GenerateDataKey"),
			{Actions: []string{"secretsmanager:GetSecretValue"}, Resources: []*string{arn("secretsmanager", "secret:"+c.copierSecrets()+"*")}},
			useKey(c.keys.Secrets, "secretsmanager", "kms:Decrypt"),
		},
	})
	suppress(a.JobRole, "AwsSolutions-IAM5",
		"Shares' buckets and copiers' secrets are made while it runs, so their names are not known here: prefixes limit it to this stage's.")
	return a
}

// copierSecrets is how the names of copiers' secrets begin: of roles that reach one database, for one attempt.
func (c *controlPlane) copierSecrets() string { return "headroom/" + c.Stage.Name + "/copier/" }

func (c *controlPlane) newDecommission(a Archivist) awslambda.Function {
	tenantSecrets := "headroom/" + c.Stage.Name + "/tenant/"
	// It takes tenants off the waiting list, and frees addresses on the condition that their tenant is as it was.
	grants := c.ledger.Grants([]string{"BatchGetItem", "ConditionCheckItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"})
	grants = append(grants, c.notifications.Grants()...)
	grants = append(grants,
		sendTo(c.decommissionSteps.Queue, c.decommissions.DeadLetters, c.poolChecks.Queue, c.restoreSteps.Queue),
		c.publish(),
		c.readPolicy(),
		c.readMasterSecrets(),
		useKey(c.keys.Hosts, "secretsmanager", "kms:Decrypt"),
		Grant{
			Actions:   []string{"secretsmanager:CreateSecret", "secretsmanager:GetSecretValue", "secretsmanager:TagResource"},
			Resources: []*string{arn("secretsmanager", "secret:"+c.copierSecrets()+"*")},
		},
		Grant{
			Actions: []string{"secretsmanager:DeleteSecret"},
			Resources: []*string{
				arn("secretsmanager", "secret:"+tenantSecrets+"*"), arn("secretsmanager", "secret:"+c.copierSecrets()+"*"),
			},
		},
		useKey(c.keys.Secrets, "secretsmanager", "kms:Decrypt", "kms:GenerateDataKey"),
		Grant{
			Actions:   []string{"ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"},
			Resources: []*string{arn("ec2", "security-group/*")},
			When: Conditions{
				"StringEquals": {stageOfResource: jsii.String(c.Stage.Name)},
				"StringLike":   {"aws:ResourceTag/headroom:host": jsii.String(string(pool.Share) + "-*")},
			},
		},
	)
	grants = append(grants, c.remakeShares()...)
	f := c.newFunction("Departures", FunctionProps{
		Name: "decommission", Queues: []Queue{c.decommissions, c.decommissionSteps}, Batch: decommissionBatch, Concurrency: 2,
		MemoryMiB: 512, TimeoutSeconds: decommissionTimeout, Network: c.network, Grants: grants,
		MoreGrants: slices.Concat(c.emptyShares(), c.reportFailing(), c.lockArchives(), c.runTasks(a)),
		Environment: map[string]*string{
			"TABLE_NAME":       c.ledger.Table.TableName(),
			"BUS_NAME":         c.bus.EventBusName(),
			"POLICY_PARAMETER": c.policy.ParameterName(),
			"DATABASE_SLOTS":   jsii.String(fmt.Sprint(c.Stage.databaseSlots())),
			// Its own messages, and what tasks report, have a queue that nobody else has access to.
			"DECOMMISSION_STEPS_QUEUE_URL": c.decommissionSteps.QueueUrl(),
			"DECOMMISSION_DLQ_URL":         c.decommissions.DeadLetters.QueueUrl(),
			"POOLCHECK_QUEUE_URL":          c.poolChecks.QueueUrl(),
			"RESTORE_STEPS_QUEUE_URL":      c.restoreSteps.QueueUrl(),
			"NOTIFY_TOPIC_ARN":             c.notifications.Topic.TopicArn(),
			"RUNBOOKS_URL":                 c.runbooks,
			"SECRET_PREFIX":                jsii.String(tenantSecrets),
			"COPIER_PREFIX":                jsii.String(c.copierSecrets()),
			"SECRET_KEY_ID":                c.keys.Secrets.KeyArn(),
			"SHARE_KEY_ID":                 c.keys.Hosts.KeyArn(),
			"NOBODY_ADDRESS":               jsii.String(nobodyAddress),
			"ARCHIVE_BUCKET":               c.archives.Bucket.Ref(),
			"ARCHIVE_KEY_ARN":              c.keys.Archives.KeyArn(),
			"REPORT_BUCKET":                c.reports.Bucket.Ref(),
			"REPORT_ROLE_ARN":              c.reports.Role.AttrArn(),
			"ARCHIVIST_CLUSTER":            a.Cluster.AttrArn(),
			"ARCHIVIST_TASK":               a.Task.Ref(),
			"ARCHIVIST_CONTAINER":          jsii.String(archivistName),
			"ARCHIVIST_SUBNETS":            awscdk.Fn_Join(jsii.String(","), c.network.subnetIDs()),
			"ARCHIVIST_GROUP":              c.network.Archivist.SecurityGroupId(),
			"ARCHIVES_AT_ONCE":             c.archivesAtOnce.ValueAsString(),
			"RESTORE_DAYS":                 jsii.String(fmt.Sprint(c.Stage.RestoreDays)),
			"LOG_DAYS":                     jsii.String(fmt.Sprint(logDays[c.Stage.LogRetention])),
		},
	})
	suppress(f.Role(), "AwsSolutions-IAM5",
		"Shares, their reports, roles, buckets and groups, tasks, tenants' and copiers' secrets, and RDS's, are made while it runs: paths, prefixes and "+
			"tags limit what is done to them to this stage's. Shares that were just made are looked at before their tags may be known. "+
			"The Describe calls that connect the function to the VPC know no resources.")
	return f
}

// remakeShares lets a function take a share away and make it anew on the same gateway and bucket.
func (c *controlPlane) remakeShares() []Grant {
	gateways, shares := arn("storagegateway", "gateway/*"), arn("storagegateway", "share/*")
	return []Grant{
		{
			Actions:   []string{"storagegateway:CreateNFSFileShare"},
			Resources: []*string{gateways},
			When:      ofStage(c.Stage, stageOfResource, stageOfRequest),
		},
		{
			Actions: []string{
				"storagegateway:DeleteFileShare", "storagegateway:NotifyWhenUploaded", "storagegateway:UpdateNFSFileShare",
			},
			Resources: []*string{shares},
			When:      ofStage(c.Stage, stageOfResource),
		},
		// These look at what was made a moment ago, or is gone, of which no tags are known.
		{
			Actions:   []string{"storagegateway:DescribeNFSFileShares", "storagegateway:ListTagsForResource"},
			Resources: []*string{shares},
		},
		c.passShareRoles(),
	}
}

// emptyShares lets a function destroy what the buckets of shares hold, version by version. It reads none of it.
func (c *controlPlane) emptyShares() []Grant {
	buckets := bucketPattern(c.Stage.Name)
	return []Grant{
		{
			// Tags of a bucket are written as a whole, so they are read before.
			Actions: []string{
				"s3:GetBucketTagging", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions", "s3:PutBucketTagging",
			},
			Resources: jsiiStrings(buckets),
		},
		{Actions: []string{"s3:AbortMultipartUpload", "s3:DeleteObjectVersion"}, Resources: jsiiStrings(buckets + "/*")},
	}
}

// lockArchives lets a function read what was archived, lock it, and put a certificate beside it. It can't delete
// anything there, nor go past a lock.
func (c *controlPlane) lockArchives() []Grant {
	return []Grant{
		// To list a bucket is to be told, too, that an object is not there.
		{Actions: []string{"s3:ListBucket"}, Resources: []*string{c.archives.Bucket.AttrArn()}},
		{Actions: []string{"s3:GetObjectVersion"}, Resources: c.archives.objects(manifestKeys)},
		// Who stores it again looks what is there, and goes by that.
		{Actions: []string{"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}, Resources: c.archives.objects(certificateKeys)},
		{
			Actions:   []string{"s3:PutObjectRetention"},
			Resources: c.archives.objects(departureKeys),
			When:      Conditions{"StringEquals": {"s3:object-lock-mode": jsii.String("GOVERNANCE")}},
		},
		{
			Actions:   []string{"s3:PutObjectVersionTagging"},
			Resources: c.archives.objects(departureKeys),
			When:      Conditions{"StringEquals": {"s3:RequestObjectTag/" + archiveTag: []string{archiveDue, archiveHot}}},
		},
		useKey(c.keys.Archives, "s3", "kms:Decrypt", "kms:GenerateDataKey"),
	}
}

// runTasks lets a function run the archivist, and nothing else, in its cluster and with its roles.
func (c *controlPlane) runTasks(a Archivist) []Grant {
	inCluster := Conditions{"ArnEquals": {"ecs:cluster": a.Cluster.AttrArn()}}
	return []Grant{
		{Actions: []string{"ecs:RunTask"}, Resources: []*string{a.Task.Ref()}, When: inCluster},
		{Actions: []string{"ecs:DescribeTasks", "ecs:StopTask"}, Resources: []*string{a.tasks(c.Stage)}, When: inCluster},
		{
			Actions:   []string{"ecs:TagResource"},
			Resources: []*string{a.tasks(c.Stage)},
			When:      Conditions{"StringEquals": {"ecs:CreateAction": jsii.String("RunTask")}},
		},
		{
			Actions:   []string{"iam:PassRole"},
			Resources: []*string{a.TaskRole.RoleArn(), a.Execution.RoleArn()},
			When:      Conditions{"StringEquals": {"iam:PassedToService": jsii.String("ecs-tasks.amazonaws.com")}},
		},
	}
}

// addDepartureRules sends what AWS says about tasks and uploads to the function that waits for it.
func (c *controlPlane) addDepartureRules(a Archivist, undelivered awssqs.Queue) {
	NewRule(c.stack, "TaskStopped", RuleProps{
		Description:      "Headroom: a task that archives has ended",
		Source:           "aws.ecs",
		DetailTypes:      []string{events.TypeTaskStateChange},
		ResourcePrefixes: []*string{arn("ecs", "task/headroom-"+c.Stage.Name+"/")},
		Detail: map[string]any{
			"clusterArn": []*string{a.Cluster.AttrArn()},
			"lastStatus": jsii.Strings(events.TaskStopped),
		},
		To:          c.decommissionSteps,
		Undelivered: undelivered,
	})
	NewRule(c.stack, "ShareUploaded", RuleProps{
		Description: "Headroom: all that a share was given is in its bucket",
		Source:      "aws.storagegateway",
		DetailTypes: []string{events.TypeFileUpload},
		// Shares have IDs only: of which stage one is, who waits for the event knows by the notification's.
		ResourcePrefixes: []*string{arn("storagegateway", "share/")},
		To:               c.decommissionSteps,
		Undelivered:      undelivered,
	})
}
