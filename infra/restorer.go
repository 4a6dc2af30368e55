package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/events"
)

// The task that brings back what a tenant had: the archivist's image, with roles that reach no archive.
const (
	restorerName   = "restorer" // how its family ends
	restorerMemory = "4096"     // MiB: what passes is not held
	restorerDisk   = 21         // GiB, the least that can be said: nothing is kept on it
	// cameBack and cameBackAgain are how the keys begin of files that were brought back (pool.CameBack): by a tenant's first
	// restoration, and by a later one, whose number follows.
	cameBack, cameBackAgain = "restored-????????T??????Z/*", "restored-????????T??????Z-*/*"
)

// newRestorer makes what runs the jobs of restorations in the archivist's cluster, which report to a queue. A job reads
// the versions of one share and writes beside its present files; or it copies one database by roles that reach one
// database each, whose secrets live as long as an attempt. It reaches no archive, deletes nothing, and runs none of
// RDS's or Storage Gateway's calls.
func (c *controlPlane) newRestorer(a Archivist, reports Queue) Archivist {
	shares := bucketPattern(c.Stage.Name)
	scope := constructs.NewConstruct(c.stack, jsii.String("Restorer"))
	r := newTasks(scope, a.Cluster, a.Image, taskProps{
		Name: restorerName, Logs: newTaskLogs(scope, c.Stage, restorerName), Memory: restorerMemory, Disk: restorerDisk,
		ArchivistProps: ArchivistProps{
			Stage:       c.Stage,
			Environment: map[string]*string{"REPORT_QUEUE_URL": reports.QueueUrl()},
			TaskGrants:  []Grant{sendTo(reports.Queue)},
			JobGrants: []Grant{
				// To list a bucket is to be told, too, that an object is not there.
				{Actions: []string{"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"}, Resources: jsiiStrings(shares)},
				{Actions: []string{"s3:GetObjectVersion"}, Resources: jsiiStrings(shares + "/*")},
				// Whose bucket, and into which folder, the session of each job says.
				{Actions: []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}, Resources: jsiiStrings(shares+"/"+cameBack, shares+"/"+cameBackAgain)},
				useKey(c.keys.Hosts, "s3", "kms:Decrypt", "kms:GenerateDataKey"),
				{Actions: []string{"secretsmanager:GetSecretValue"}, Resources: []*string{arn("secretsmanager", "secret:"+c.copierSecrets()+"*")}},
				useKey(c.keys.Secrets, "secretsmanager", "kms:Decrypt"),
			},
		},
	})
	suppress(r.JobRole, "AwsSolutions-IAM5",
		"Shares' buckets and the secrets of roles that copy are made while it runs, so their names are not known here: prefixes limit it to this stage's.")
	return r
}

// addRestorerRule sends to a queue that a task of the restorer has ended.
func (c *controlPlane) addRestorerRule(r Archivist, to Queue, undelivered awssqs.Queue) {
	NewRule(c.stack, "RestorerStopped", RuleProps{
		Description:      "Headroom: a task that restores has ended",
		Source:           "aws.ecs",
		DetailTypes:      []string{events.TypeTaskStateChange},
		ResourcePrefixes: []*string{arn("ecs", "task/headroom-"+c.Stage.Name+"/")},
		Detail: map[string]any{
			"clusterArn": []*string{r.Cluster.AttrArn()},
			"lastStatus": jsii.Strings(events.TaskStopped),
			"group":      jsii.Strings("family:" + taskFamily(c.Stage, restorerName)),
		},
		To:          to,
		Undelivered: undelivered,
	})
}
