// Package resources makes the plainer resources of a template: those of the real parts (tables,
// queues, topics), buckets, roles and policies, keys, and those that nothing here runs behind.
package resources

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local/cloudformation"
	"headroom/internal/local/iam"
	"headroom/internal/local/resource"
	locals3 "headroom/internal/local/service/s3"
)

// Config is what Resources need, all of it required. The clients call as the account's owner. The
// host of a queue's URL is the one that the SQS client calls.
type Config struct {
	Account, Region string
	DynamoDB        *dynamodb.Client
	SQS             *sqs.Client
	SNS             *sns.Client
	Buckets         *locals3.S3
	Policies        *iam.Store // takes roles, policies, and who is encrypted with which key
	MostRoles       func() int // that the account may have; nil: as many as it likes
}

// Resources makes resources.
type Resources struct {
	Config
}

// New makes a Resources.
func New(config Config) *Resources {
	return &Resources{Config: config}
}

// Register makes the engine use r for all the types that it knows.
func (r *Resources) Register(engine *cloudformation.Engine) {
	for resourceType, p := range map[string]resource.Updater{
		"AWS::SQS::Queue":         queue{r},
		"AWS::SQS::QueuePolicy":   queuePolicy{r},
		"AWS::SNS::Topic":         topic{r},
		"AWS::SNS::TopicPolicy":   topicPolicy{r},
		"AWS::SNS::Subscription":  subscription{r},
		"AWS::S3::Bucket":         bucket{r},
		"AWS::S3::BucketPolicy":   bucketPolicy{r},
		"AWS::DynamoDB::Table":    table{r},
		"AWS::IAM::Role":          role{r},
		"AWS::IAM::Policy":        policy{r},
		"AWS::IAM::ManagedPolicy": managedPolicy{r},
		"AWS::KMS::Key":           key{r},
	} {
		engine.Register(p, resourceType)
	}
	for resourceType, make := range inert {
		engine.Register(inertProvider{r, make}, resourceType)
	}
}

func (r *Resources) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, r.Region, r.Account, resource)
}

// idOf makes an identifier as EC2 and others have it.
func idOf(r resource.Resource, prefix string) string { return prefix + digits(r)[:17] }

// digits are 64 hexadecimal digits that belong to a resource, the same each time.
func digits(r resource.Resource) string {
	sum := sha256.Sum256([]byte(r.Key()))
	return hex.EncodeToString(sum[:])
}

// text reads a property that is a string.
func text(properties map[string]any, name string) string {
	s, _ := properties[name].(string)
	return s
}

// texts reads a property that is a list of strings.
func texts(properties map[string]any, name string) []string {
	list, _ := properties[name].([]any)
	var found []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			found = append(found, s)
		}
	}
	return found
}
