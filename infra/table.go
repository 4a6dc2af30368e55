package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// The table's indexes, both of keys only: what they name is read again before it is relied on.
const (
	indexDue     = "due"     // what has a deadline, by deadline
	indexReserve = "reserve" // hosts with slots not yet set out, by slots used
)

// Ledger is the table that holds all state.
type Ledger struct {
	Table awsdynamodb.Table
	key   awskms.Key
}

// NewLedger makes the table. It outlives the stack, can't be deleted by accident, and can be put
// back to any second of the last 35 days.
func NewLedger(scope constructs.Construct, id string, key awskms.Key) Ledger {
	table := awsdynamodb.NewTable(scope, jsii.String(id), &awsdynamodb.TableProps{
		PartitionKey:        attribute("pk", awsdynamodb.AttributeType_STRING),
		SortKey:             attribute("sk", awsdynamodb.AttributeType_STRING),
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:          awsdynamodb.TableEncryption_CUSTOMER_MANAGED,
		EncryptionKey:       key,
		TimeToLiveAttribute: jsii.String("expires"), // of what is remembered for a while only: that a message was refused
		DeletionProtection:  jsii.Bool(true),
		RemovalPolicy:       awscdk.RemovalPolicy_RETAIN,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
	})
	index := func(name, partition, sort string) {
		table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
			IndexName:      jsii.String(name),
			PartitionKey:   attribute(partition, awsdynamodb.AttributeType_STRING),
			SortKey:        attribute(sort, awsdynamodb.AttributeType_NUMBER),
			ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
		})
	}
	index(indexDue, "due", "dueAt")
	index(indexReserve, "reserve", "used")
	fixLogicalID(table, "Table")
	return Ledger{Table: table, key: key}
}

func attribute(name string, kind awsdynamodb.AttributeType) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: jsii.String(name), Type: kind}
}

// Grants let a function do the given operations on items (a transaction needs those of its items)
// and query the given indexes.
func (l Ledger) Grants(operations []string, indexes ...string) []Grant {
	actions := make([]string, len(operations))
	for i, o := range operations {
		actions[i] = "dynamodb:" + o
	}
	grants := []Grant{
		{Actions: actions, Resources: []*string{l.Table.TableArn()}},
		useKey(l.key, "dynamodb", "kms:Decrypt"), // DynamoDB unwraps the table's key for each principal
	}
	if len(indexes) == 0 {
		return grants
	}
	query := Grant{Actions: []string{"dynamodb:Query"}}
	for _, name := range indexes {
		query.Resources = append(query.Resources, jsii.String(*l.Table.TableArn()+"/index/"+name))
	}
	return append(grants, query)
}

// onMoney lets a function do the given operations on the items that say what is spent, and what money is held for, alone.
func (l Ledger) onMoney(operations ...string) Grant { return l.onItems("MONEY", operations...) }

// onItems lets somebody do the given operations on the items of one partition key alone ("Using IAM policy conditions for
// fine-grained access control" in the DynamoDB Developer Guide).
func (l Ledger) onItems(partition string, operations ...string) Grant {
	g := Grant{Resources: []*string{l.Table.TableArn()}, When: Conditions{
		"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": []string{partition}}, "Null": {"dynamodb:LeadingKeys": "false"},
	}}
	for _, o := range operations {
		g.Actions = append(g.Actions, "dynamodb:"+o)
	}
	return g
}
