package resources_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/local/cloudformation"
	"headroom/internal/local/cloudformation/resources"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/local/parts"
	locals3 "headroom/internal/local/service/s3"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
)

// cloud is an engine with all the plainer resources, on the real parts.
type cloud struct {
	config    func(accessKeyID string) aws.Config
	keys      *endpoint.Keys
	policies  *iam.Store
	resources *resources.Resources
	engine    *cloudformation.Engine
}

func newCloud(t *testing.T) cloud {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	c := cloud{keys: &endpoint.Keys{}, policies: iam.New(account, region)}
	router := endpoint.New(endpoint.Config{Account: account, Region: region, Log: log, Principals: c.keys, Authorizer: c.policies})
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	modules, err := filepath.Abs("../../../../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	options := parts.Options{Modules: modules, Dir: t.TempDir(), Account: account, Region: region}
	dynoxide, err := parts.Dynoxide(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dynoxide.Close() })
	fauxqs, err := parts.Fauxqs(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fauxqs.Close() })
	router.Proxy("dynamodb", dynoxide.URL)
	for _, name := range []string{"sqs", "sns"} {
		router.Proxy(name, fauxqs.URL)
	}
	c.config = func(accessKeyID string) aws.Config {
		return aws.Config{
			Region: region, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, "secret", ""),
		}
	}
	owner := c.config("owner")
	c.engine = cloudformation.New(cloudformation.Config{
		Account: account, Region: region, Log: log, Now: time.Now, Roles: c.policies,
		Objects: cloudformation.S3Objects{Client: s3.NewFromConfig(owner)},
		Emit:    func(context.Context, string, string, []string, any) {},
	})
	t.Cleanup(c.engine.Close)
	router.Handle(c.engine.Service())
	buckets, err := locals3.New(locals3.Config{
		Account: account, Region: region, Dir: t.TempDir(), Now: time.Now,
		Allowed: func(principal, action, resource string) error {
			return c.policies.Allowed(principal, action, resource, nil)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	router.Handle(buckets.Service())
	c.resources = resources.New(resources.Config{
		Account: account, Region: region, DynamoDB: dynamodb.NewFromConfig(owner), SQS: sqs.NewFromConfig(owner),
		SNS: sns.NewFromConfig(owner), Buckets: buckets, Policies: c.policies,
	})
	c.resources.Register(c.engine)
	return c
}

// stack makes a stack and returns its outputs.
func (c cloud) stack(t *testing.T, template string) map[string]string {
	t.Helper()
	client := sdk.NewFromConfig(c.config("owner"))
	if _, err := client.CreateStack(t.Context(), &sdk.CreateStackInput{
		StackName: aws.String("s"), TemplateBody: aws.String(template),
		Capabilities: []cloudformationtypes.Capability{cloudformationtypes.CapabilityCapabilityIam},
	}); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		out, err := client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: aws.String("s")})
		if err != nil {
			t.Fatal(err)
		}
		switch s := out.Stacks[0]; s.StackStatus {
		case cloudformationtypes.StackStatusCreateComplete:
			outputs := map[string]string{}
			for _, o := range s.Outputs {
				outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
			}
			return outputs
		case cloudformationtypes.StackStatusRollbackComplete:
			t.Fatalf("stack failed: %s", aws.ToString(s.StackStatusReason))
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("stack is never complete")
	return nil
}

const template = `{"Resources":{
	"Key":{"Type":"AWS::KMS::Key","Properties":{"KeyPolicy":{"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*",
		"Principal":{"AWS":{"Fn::Sub":"arn:aws:iam::${AWS::AccountId}:root"}}}]}}},
	"DeadLetters":{"Type":"AWS::SQS::Queue","Properties":{"MessageRetentionPeriod":1209600,"SqsManagedSseEnabled":true}},
	"Queue":{"Type":"AWS::SQS::Queue","Properties":{"VisibilityTimeout":30,"KmsMasterKeyId":{"Fn::GetAtt":["Key","Arn"]},
		"RedrivePolicy":{"deadLetterTargetArn":{"Fn::GetAtt":["DeadLetters","Arn"]},"maxReceiveCount":5}}},
	"QueuePolicy":{"Type":"AWS::SQS::QueuePolicy","Properties":{"Queues":[{"Ref":"Queue"}],"PolicyDocument":{"Statement":[
		{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sqs:PurgeQueue","Resource":{"Fn::GetAtt":["Queue","Arn"]}}]}}},
	"Topic":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"news"}},
	"TopicPolicy":{"Type":"AWS::SNS::TopicPolicy","Properties":{"Topics":[{"Ref":"Topic"}],"PolicyDocument":{"Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":{"Ref":"Topic"}}]}}},
	"Subscription":{"Type":"AWS::SNS::Subscription","Properties":{"TopicArn":{"Ref":"Topic"},"Protocol":"sqs","Endpoint":{"Fn::GetAtt":["DeadLetters","Arn"]},"RawMessageDelivery":true}},
	"Bucket":{"Type":"AWS::S3::Bucket","Properties":{"Tags":[{"Key":"own","Value":"x"}],"BucketEncryption":{"ServerSideEncryptionConfiguration":[{"ServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":{"Fn::GetAtt":["Key","Arn"]}}}]}}},
	"BucketPolicy":{"Type":"AWS::S3::BucketPolicy","Properties":{"Bucket":{"Ref":"Bucket"},"PolicyDocument":{"Statement":[
		{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":{"Fn::Sub":"${Bucket.Arn}/*"}}]}}},
	"Table":{"Type":"AWS::DynamoDB::Table","DeletionPolicy":"Retain","Properties":{"BillingMode":"PAY_PER_REQUEST","DeletionProtectionEnabled":true,
		"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"due","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
		"GlobalSecondaryIndexes":[{"IndexName":"due","KeySchema":[{"AttributeName":"due","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}],
		"SSESpecification":{"SSEEnabled":true,"SSEType":"KMS","KMSMasterKeyId":{"Fn::GetAtt":["Key","Arn"]}}}},
	"Boundary":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":{"Statement":{"Effect":"Allow","Action":["sqs:*","kms:*","s3:*","dynamodb:*"],"Resource":"*"}}}},
	"Role":{"Type":"AWS::IAM::Role","Properties":{"Path":"/a/","PermissionsBoundary":{"Ref":"Boundary"},
		"AssumeRolePolicyDocument":{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}},
		"Policies":[{"PolicyName":"inline","PolicyDocument":{"Statement":{"Effect":"Allow","Action":["sqs:SendMessage","sqs:PurgeQueue"],"Resource":{"Fn::GetAtt":["Queue","Arn"]}}}}]}},
	"Policy":{"Type":"AWS::IAM::Policy","Properties":{"PolicyName":"more","Roles":[{"Ref":"Role"}],"PolicyDocument":{"Statement":[
		{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":{"Fn::GetAtt":["Key","Arn"]},"Condition":{"StringEquals":{"kms:ViaService":{"Fn::Sub":"sqs.${AWS::Region}.amazonaws.com"}}}},
		{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":{"Fn::GetAtt":["Table","Arn"]}}]}}},
	"Vpc":{"Type":"AWS::EC2::VPC","Properties":{"CidrBlock":"10.0.0.0/16"}},
	"Endpoint":{"Type":"AWS::EC2::VPCEndpoint","Properties":{"ServiceName":"com.amazonaws.eu-west-1.storagegateway","VpcId":{"Ref":"Vpc"}}},
	"Flow":{"Type":"AWS::EC2::FlowLog","Properties":{}}},
	"Outputs":{"QueueUrl":{"Value":{"Ref":"Queue"}},"DeadLettersUrl":{"Value":{"Ref":"DeadLetters"}},"RoleArn":{"Value":{"Fn::GetAtt":["Role","Arn"]}},
		"Table":{"Value":{"Ref":"Table"}},"Bucket":{"Value":{"Ref":"Bucket"}},"Vpc":{"Value":{"Ref":"Vpc"}},"Topic":{"Value":{"Ref":"Topic"}},
		"Dns":{"Value":{"Fn::Select":[1,{"Fn::Split":[":",{"Fn::Select":[0,{"Fn::GetAtt":["Endpoint","DnsEntries"]}]}]}]}}}}`

func TestResourcesOfATemplateWork(t *testing.T) {
	c := newCloud(t)
	out := c.stack(t, template)
	ctx := t.Context()

	t.Run("queues have their attributes", func(t *testing.T) {
		got, err := sqs.NewFromConfig(c.config("owner")).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: aws.String(out["QueueUrl"]), AttributeNames: []sqstypes.QueueAttributeName{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got.Attributes["VisibilityTimeout"] != "30" || !strings.Contains(got.Attributes["RedrivePolicy"], ":"+account+":s-DeadLetters-") {
			t.Errorf("attributes %v", got.Attributes)
		}
	})
	t.Run("topics reach their subscribers", func(t *testing.T) {
		if _, err := sns.NewFromConfig(c.config("owner")).Publish(ctx, &sns.PublishInput{TopicArn: aws.String(out["Topic"]), Message: aws.String("news")}); err != nil {
			t.Fatal(err)
		}
		got, err := sqs.NewFromConfig(c.config("owner")).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(out["DeadLettersUrl"]), WaitTimeSeconds: 1})
		if err != nil || len(got.Messages) != 1 || aws.ToString(got.Messages[0].Body) != "news" {
			t.Errorf("received %v: %v", got, err)
		}
	})
	t.Run("tables have their indexes", func(t *testing.T) {
		got, err := dynamodb.NewFromConfig(c.config("owner")).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(out["Table"])})
		if err != nil || len(got.Table.GlobalSecondaryIndexes) != 1 || !aws.ToBool(got.Table.DeletionProtectionEnabled) {
			t.Errorf("table %v: %v", got, err)
		}
	})
	t.Run("buckets are named in lower case", func(t *testing.T) {
		if !strings.HasPrefix(out["Bucket"], "s-bucket-") {
			t.Errorf("bucket %s", out["Bucket"])
		}
	})
	t.Run("buckets have tags, CloudFormation's among them", func(t *testing.T) {
		client := s3.NewFromConfig(c.config("owner"))
		got, err := client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String(out["Bucket"])})
		if err != nil {
			t.Fatal(err)
		}
		tags := map[string]string{}
		for _, tag := range got.TagSet {
			tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		if tags["own"] != "x" || tags["aws:cloudformation:stack-name"] != "s" || tags["aws:cloudformation:logical-id"] != "Bucket" {
			t.Errorf("tags %v", tags)
		}
		more := append(got.TagSet, s3types.Tag{Key: aws.String("more"), Value: aws.String("y")})
		if _, err := client.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{
			Bucket: aws.String(out["Bucket"]), Tagging: &s3types.Tagging{TagSet: more},
		}); err != nil {
			t.Error(err)
		}
		c.keys.Issue("tagger", out["RoleArn"])
		_, err = s3.NewFromConfig(c.config("tagger")).GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: aws.String(out["Bucket"])})
		refused(t, err, "no identity-based policy allows the s3:GetBucketTagging action")
	})
	t.Run("what is inert has ids and attributes", func(t *testing.T) {
		if !strings.HasPrefix(out["Vpc"], "vpc-") || !strings.Contains(out["Dns"], ".storagegateway.eu-west-1.vpce.") {
			t.Errorf("outputs %v", out)
		}
	})
	t.Run("roles may do what their policies say", func(t *testing.T) {
		if !strings.HasPrefix(out["RoleArn"], "arn:aws:iam::"+account+":role/a/s-Role-") {
			t.Errorf("role %s", out["RoleArn"])
		}
		c.keys.Issue("worker", out["RoleArn"])
		worker := c.config("worker")
		if _, err := sqs.NewFromConfig(worker).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(out["QueueUrl"]), MessageBody: aws.String("x")}); err != nil {
			t.Errorf("send: %v", err)
		}
		_, err := sqs.NewFromConfig(worker).PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: aws.String(out["QueueUrl"])})
		refused(t, err, "explicit deny in a resource-based policy")
		_, err = sqs.NewFromConfig(worker).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(out["DeadLettersUrl"]), MessageBody: aws.String("x")})
		refused(t, err, "no identity-based policy allows the sqs:SendMessage action")
		_, err = dynamodb.NewFromConfig(worker).ListTables(ctx, nil)
		refused(t, err, "no identity-based policy allows the dynamodb:ListTables action")
	})
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestAStackIsDeletedWithItsResources(t *testing.T) {
	c := newCloud(t)
	out := c.stack(t, `{"Resources":{
		"Queue":{"Type":"AWS::SQS::Queue"},"Topic":{"Type":"AWS::SNS::Topic"},"Bucket":{"Type":"AWS::S3::Bucket"},
		"Table":{"Type":"AWS::DynamoDB::Table","Properties":{"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}}},
		"Outputs":{"Url":{"Value":{"Ref":"Queue"}},"Table":{"Value":{"Ref":"Table"}}}}`)
	client := sdk.NewFromConfig(c.config("owner"))
	if _, err := client.DeleteStack(t.Context(), &sdk.DeleteStackInput{StackName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if _, err := client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: aws.String("s")}); err != nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := sqs.NewFromConfig(c.config("owner")).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(out["Url"]), MessageBody: aws.String("x")}); err == nil {
		t.Error("the queue is still there")
	}
	if _, err := dynamodb.NewFromConfig(c.config("owner")).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(out["Table"])}); err == nil {
		t.Error("the table is still there")
	}
}
