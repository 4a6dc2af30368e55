package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Notifications are the topics by which operators hear of what needs them.
type Notifications struct {
	Topic awssns.Topic // tickets: alarms that can wait, and what the functions tell
	Pages awssns.Topic // alarms that can't wait
	key   awskms.Key
}

// NewNotifications makes the topics, to which this account's alarms may write.
func NewNotifications(scope constructs.Construct, id string, key awskms.Key) Notifications {
	cloudwatch := &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)}
	ofThisAccount := &map[string]any{"StringEquals": map[string]*string{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}}
	newTopic := func(id string) awssns.Topic {
		topic := awssns.NewTopic(scope, jsii.String(id), &awssns.TopicProps{MasterKey: key, EnforceSSL: jsii.Bool(true)})
		topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Principals: cloudwatch,
			Actions:    jsii.Strings("sns:Publish"),
			Resources:  &[]*string{topic.TopicArn()},
			Conditions: ofThisAccount,
		}))
		return topic
	}
	topic, pages := newTopic(id), newTopic("Pages")
	key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: cloudwatch,
		Actions:    jsii.Strings("kms:Decrypt", "kms:GenerateDataKey"),
		Resources:  everything(), // in a key's policy this is the key itself
		Conditions: ofThisAccount,
	}), nil)
	return Notifications{Topic: topic, Pages: pages, key: key}
}

// Grants let a function notify the operators.
func (n Notifications) Grants() []Grant {
	return []Grant{
		{Actions: []string{"sns:Publish"}, Resources: []*string{n.Topic.TopicArn()}},
		useKey(n.key, "sns", "kms:Decrypt", "kms:GenerateDataKey"),
	}
}
