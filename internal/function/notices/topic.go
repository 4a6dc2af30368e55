// Package notices wires SNS, by which functions tell a person.
package notices

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"headroom/internal/adapter/notify"
)

// Topic makes the notifier of an SNS topic.
func Topic(cfg aws.Config, arn string) *notify.Topic {
	return &notify.Topic{Client: sns.NewFromConfig(cfg), ARN: arn}
}
