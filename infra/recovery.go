package main

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// recoveryTimeout is what a look into all database hosts and buckets may take, in seconds: a connection for each database that
// nobody can log in to, and two calls for each bucket that nobody reaches.
const recoveryTimeout = 600

// newRecovery makes the function that makes the ledger true again which was lost, or put back. It writes the ledger;
// of all else there is nothing that it could change.
func (c *controlPlane) newRecovery() awslambda.Function {
	f := c.newFunction("Recovers", FunctionProps{
		Name: "recovery", Queues: []Queue{c.recovers}, Batch: 1, Concurrency: 2, MemoryMiB: 512, TimeoutSeconds: recoveryTimeout, Network: c.network,
		Grants: slices.Concat(
			c.ledger.Grants([]string{"BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"}, indexDue, indexReserve),
			[]Grant{
				c.readPolicy(), c.readMasterSecrets(), useKey(c.keys.Hosts, "secretsmanager", "kms:Decrypt"),
				{Actions: []string{"s3:ListBucketMultipartUploads", "s3:ListBucketVersions"}, Resources: jsiiStrings(bucketPattern(c.Stage.Name))},
			},
		),
		MoreGrants: c.lookAtInventory(),
		Environment: map[string]*string{
			"TABLE_NAME":          c.ledger.Table.TableName(),
			"POLICY_PARAMETER":    c.policy.ParameterName(),
			"DATABASE_SLOTS":      jsii.String(fmt.Sprint(c.Stage.databaseSlots())),
			"DATABASES_PROTECTED": jsii.String(c.databasesProtected()),
		},
	})
	suppress(f.Role(), "AwsSolutions-IAM5",
		"It looks for what bears the stage's marks, whatever the ledger says: what is listed can be listed as a whole only; gateways and shares are told "+
			"apart by their tags, buckets and RDS's secrets by how they are called. The Describe calls that connect the function to the VPC know no resources.")
	return f
}
