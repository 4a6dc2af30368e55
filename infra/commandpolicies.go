package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
)

// addCommandPolicies makes the policies that people need who use the command headroom: one for reading, and one to be
// attached beside it for having things done, by messages, the policy document and the stop switch. Neither reads
// a tenant's data, or a password, or writes anything else in the table.
func (c *controlPlane) addCommandPolicies(undelivered awssqs.Queue) {
	reads := newCommandPolicy(c.stack, "CommandReads", "What reading with the command headroom takes", c.commandReads(undelivered))
	changes := newCommandPolicy(c.stack, "CommandChanges", "What changing things with the command headroom takes, beside reading", c.commandChanges(undelivered))
	c.output("DatabasesProtected", jsii.String(c.databasesProtected()), "Whether database hosts are to be protected from deletion")
	c.output("ReadOnlyPolicyArn", reads.ManagedPolicyArn(), "Attach it to who may look with the command headroom")
	c.output("OperatorPolicyArn", changes.ManagedPolicyArn(), "Attach it, beside ReadOnlyPolicyArn, to who may change things with the command headroom")
}

func newCommandPolicy(scope constructs.Construct, id, description string, grants []Grant) awsiam.ManagedPolicy {
	policy := awsiam.NewManagedPolicy(scope, jsii.String(id), &awsiam.ManagedPolicyProps{
		Description: jsii.String(description), Statements: statements(grants...),
	})
	suppress(policy, "AwsSolutions-IAM5", "A stack ends in an ID; what is listed can be listed as a whole only; gateways and shares are told apart by their tags; log groups are those of the stage's functions.")
	return policy
}

// queuePairs are all queues with their dead letters.
func (c *controlPlane) queuePairs() []Queue {
	return []Queue{
		c.signups, c.signupSteps, c.poolChecks, c.hostEvents, c.alarms, c.gatewayAlarms, c.repairs, c.repairSteps, c.changes, c.changeSteps,
		c.decommissions, c.decommissionSteps, c.restores, c.restoreSteps, c.reconciles, c.auditCopies, c.recovers,
	}
}

// commandReads is what all verbs take that change nothing.
func (c *controlPlane) commandReads(undelivered awssqs.Queue) []Grant {
	var queues, dead []*string
	for _, q := range c.queuePairs() {
		queues, dead = append(queues, q.QueueArn()), append(dead, q.DeadLetters.QueueArn())
	}
	dead = append(dead, undelivered.QueueArn())
	grants := []Grant{
		{Actions: []string{"cloudformation:DescribeStacks"}, Resources: []*string{arn("cloudformation", "stack/Headroom-"+c.Stage.Name+"/*")}},
		{Actions: []string{"ssm:GetParameter", "ssm:GetParameterHistory"}, Resources: []*string{c.policy.ParameterArn()}},
		{Actions: []string{"logs:FilterLogEvents"}, Resources: []*string{
			arn("logs", "log-group:/aws/lambda/"+c.stackPrefix()+"*:*"), arn("logs", "log-group:/aws/ecs/"+c.stackPrefix()+"*:*"), // functions, and tasks
		}},
		{Actions: []string{"sqs:GetQueueAttributes"}, Resources: slices.Concat(queues, dead)},
		// Dead letters are looked at by being received, and hidden no longer than that takes.
		{Actions: []string{"sqs:ListDeadLetterSourceQueues", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"}, Resources: dead},
		c.listAuditCopies(), describeImages(),
		// To which times a database can go back.
		{Actions: []string{"rds:DescribeDBInstanceAutomatedBackups"}, Resources: []*string{arn("rds", "db:"+c.stackPrefix()+string(pool.Database)+"-*")}},
	}
	return slices.Concat(grants, c.lookAtInventory(), c.ledger.Grants([]string{"GetItem", "BatchGetItem", "Query", "Scan"}, indexDue))
}

// commandChanges is what the other verbs take beside that. Who redrives dead letters sends to the queues they came from,
// among them Headroom's own.
func (c *controlPlane) commandChanges(undelivered awssqs.Queue) []Grant {
	var queues, dead []*string
	for _, q := range c.queuePairs() {
		queues, dead = append(queues, q.QueueArn()), append(dead, q.DeadLetters.QueueArn())
	}
	return []Grant{
		{Actions: []string{"sqs:SendMessage"}, Resources: queues},
		{Actions: []string{"sqs:DeleteMessage"}, Resources: append(dead, undelivered.QueueArn())},
		{Actions: []string{"ssm:PutParameter"}, Resources: []*string{c.policy.ParameterArn()}},
		// Of the table the one item of the stop switch, so that all can be stopped also when no message is handled.
		c.ledger.onItems("STOP", "PutItem"),
	}
}
