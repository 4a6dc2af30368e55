package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	// maxReceives is how often a message is tried. Fewer than five would lose messages that were
	// only throttled (AWS's advice for queues that drive functions).
	maxReceives = 5
	// visibilityFactor is how many timeouts of its function a message stays hidden: AWS's advice,
	// which leaves room for the function's own throttling.
	visibilityFactor = 6
)

// Queue is a queue and the queue of what it could not deliver.
type Queue struct {
	awssqs.Queue
	DeadLetters awssqs.Queue
}

// QueueProps says who reads a queue and who hears of what could not be read.
type QueueProps struct {
	Stage           Stage
	Name            string  // in alarms, such as "signup"
	ConsumerTimeout float64 // seconds that the function behind it may take
	Operators       *Operators
}

// NewQueue makes a queue, encrypted by keys of SQS (no message holds a secret, and EventBridge can
// write to it without a key policy), reached by TLS only, with its dead-letter queue and alarm.
func NewQueue(scope constructs.Construct, id string, p QueueProps) Queue {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	dead := newDeadLetters(scope, "DeadLetters", p)
	queue := awssqs.NewQueue(scope, jsii.String("Queue"), &awssqs.QueueProps{
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(visibilityFactor * p.ConsumerTimeout)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: dead, MaxReceiveCount: jsii.Number(maxReceives)},
	})
	return Queue{Queue: queue, DeadLetters: dead}
}

// newDeadLetters makes a queue that keeps what could not be delivered as long as SQS can, and an
// alarm that rings when anything is in it.
func newDeadLetters(scope constructs.Construct, id string, p QueueProps) awssqs.Queue {
	dead := awssqs.NewQueue(scope, jsii.String(id), &awssqs.QueueProps{
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
	})
	suppress(dead, "AwsSolutions-SQS3", "It is itself the dead-letter queue.")
	p.Operators.call(scope, id+"Alarm", Ticket, p.Name+"-dead-letters", "dead-letters", atZero(AlarmProps{
		Description: "Messages of queue " + p.Name + " could not be handled.",
		Namespace:   "AWS/SQS",
		Metric:      "ApproximateNumberOfMessagesVisible",
		Statistic:   "Maximum",
		Dimensions:  map[string]*string{"QueueName": dead.QueueName()},
	}))
	return dead
}

// sendTo lets a role send messages to queues, and no more.
func sendTo(queues ...awssqs.Queue) Grant {
	g := Grant{Actions: []string{"sqs:SendMessage"}}
	for _, q := range queues {
		g.Resources = append(g.Resources, q.QueueArn())
	}
	return g
}

// acceptFrom lets an AWS service send messages to a queue on behalf of one resource.
func acceptFrom(queue awssqs.Queue, service string, source *string) {
	queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String(service), nil)},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{queue.QueueArn()},
		Conditions: &map[string]any{"ArnEquals": map[string]*string{"aws:SourceArn": source}},
	}))
}
