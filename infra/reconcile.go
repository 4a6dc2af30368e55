package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

const (
	// reconcileTimeout is what a look at everything may take, in seconds: some calls a host, and one a bucket.
	reconcileTimeout = 300
	// reconcileEvery is how many seconds lie between two looks.
	reconcileEvery = 900
	// sightings is the key of what it remembers (internal/ledger/dynamo).
	sightings = "SIGHTINGS"
)

// newReconcile makes the function that holds AWS against the ledger. It reads, remembers what it found, and tells people:
// there is nothing that it could change or delete. Beside that it puts the account's quotas on record.
func (c *controlPlane) newReconcile() awslambda.Function {
	remember := Grant{
		Actions: []string{"dynamodb:PutItem"}, Resources: []*string{c.ledger.Table.TableArn()},
		When: Conditions{"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": jsii.Strings(sightings, quotasItem)}, "Null": {"dynamodb:LeadingKeys": jsii.String("false")}},
	}
	f := c.newFunction("Reconciles", FunctionProps{
		Name: "reconcile", Queues: []Queue{c.reconciles}, Batch: 1, Concurrency: 2, MemoryMiB: 256, TimeoutSeconds: reconcileTimeout,
		Grants:     slices.Concat(c.ledger.Grants([]string{"BatchGetItem", "GetItem", "Query"}, indexDue), c.notifications.Grants(), []Grant{remember}),
		MoreGrants: append(c.lookAtInventory(), readQuotas()),
		Environment: map[string]*string{
			"TABLE_NAME":          c.ledger.Table.TableName(),
			"BUS_NAME":            c.bus.EventBusName(),
			"NOTIFY_TOPIC_ARN":    c.notifications.Topic.TopicArn(),
			"RUNBOOKS_URL":        c.runbooks,
			"DATABASES_PROTECTED": jsii.String(c.databasesProtected()),
			"QUOTAS":              jsonOf(hostQuotas(c.Stage)),
		},
	})
	suppress(f.Role(), "AwsSolutions-IAM5",
		"It looks for what bears the stage's marks and nobody knows: what is listed can be listed as a whole only; gateways and shares are told apart by their tags. Quotas and counts are the account's.")
	return f
}
