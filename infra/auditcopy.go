package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
)

const (
	// auditCopyTimeout is what a round may take, in seconds: some requests a day that is looked at, and two a line.
	auditCopyTimeout = 300
	// auditCopies is the key of all that the function writes in the table (internal/ledger/dynamo).
	auditCopies = "AUDITCOPIES"
)

// newAuditCopy makes the function that copies the audit to where nobody can change or delete it. Of the table it reads
// the audit's lines alone; of the bucket of archives it reaches one folder, where it can add objects and lock them.
func (c *controlPlane) newAuditCopy() awslambda.Function {
	table, copies := []*string{c.ledger.Table.TableArn()}, c.archives.objects(pool.AuditCopyFolder+"*")
	f := c.newFunction("AuditCopies", FunctionProps{
		Name: "auditcopy", Queues: []Queue{c.auditCopies}, Batch: 1, Concurrency: 2, MemoryMiB: 256, TimeoutSeconds: auditCopyTimeout,
		Grants: []Grant{
			{Actions: []string{"dynamodb:Query"}, Resources: table, When: Conditions{
				"ForAllValues:StringLike": {"dynamodb:LeadingKeys": []string{"AUDIT#*"}}, "Null": {"dynamodb:LeadingKeys": "false"},
			}},
			c.ledger.onItems(auditCopies, "GetItem", "PutItem"),
			useKey(c.ledger.key, "dynamodb", "kms:Decrypt"),
			c.listAuditCopies(),
			{Actions: []string{"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}, Resources: copies},
			{
				Actions: []string{"s3:PutObjectRetention"}, Resources: copies,
				When: Conditions{"StringEquals": {"s3:object-lock-mode": jsii.String("GOVERNANCE")}},
			},
			useKey(c.keys.Archives, "s3", "kms:Decrypt", "kms:GenerateDataKey"),
		},
		Environment: map[string]*string{
			"TABLE_NAME":      c.ledger.Table.TableName(),
			"ARCHIVE_BUCKET":  c.archives.Bucket.Ref(),
			"ARCHIVE_KEY_ARN": c.keys.Archives.KeyArn(),
		},
	})
	suppress(f.Role(), "AwsSolutions-IAM5", "It adds objects whose keys have a line's checksum, in one folder of the bucket.")
	return f
}

// listAuditCopies lets somebody see which lines of the audit are copied, and no other key of the bucket.
func (c *controlPlane) listAuditCopies() Grant {
	return Grant{
		Actions: []string{"s3:ListBucketVersions"}, Resources: []*string{c.archives.Bucket.AttrArn()},
		When: Conditions{"StringLike": {"s3:prefix": pool.AuditCopyFolder + "*"}},
	}
}
