package endpoint_test

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/parts"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
)

// newRouter serves a router and returns its URL.
func newRouter(t *testing.T, c endpoint.Config) (*endpoint.Router, string) {
	t.Helper()
	c.Account, c.Region, c.Log = account, region, slog.New(slog.DiscardHandler)
	router := endpoint.New(c)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return router, server.URL
}

// config is what an SDK's client calls the endpoint with.
func config(url, accessKeyID string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, "secret", ""),
	}
}

func partOptions(t *testing.T) parts.Options {
	modules, err := filepath.Abs("../../../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	return parts.Options{Modules: modules, Dir: t.TempDir(), Account: account, Region: region}
}

func withQueues(t *testing.T, router *endpoint.Router) {
	t.Helper()
	fauxqs, err := parts.Fauxqs(t.Context(), partOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fauxqs.Close() })
	for _, name := range []string{"sqs", "sns"} {
		router.Proxy(name, fauxqs.URL)
	}
}

func errorCode(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

func TestDynamoDBGoesThrough(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	dynoxide, err := parts.Dynoxide(t.Context(), partOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dynoxide.Close() })
	router.Proxy("dynamodb", dynoxide.URL)
	var seen []string
	router.After(func(call endpoint.Call, status int) error {
		seen = append(seen, call.Operation+" "+http.StatusText(status))
		return nil
	})
	client := dynamodb.NewFromConfig(config(url, "owner"))
	ctx := t.Context()
	if _, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            aws.String("table"),
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
		BillingMode:          dynamodbtypes.BillingModePayPerRequest,
	}); err != nil {
		t.Fatal(err)
	}
	item := map[string]dynamodbtypes.AttributeValue{"pk": &dynamodbtypes.AttributeValueMemberS{Value: "a"}}
	put := &dynamodb.PutItemInput{TableName: aws.String("table"), Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	if _, err := client.PutItem(ctx, put); err != nil {
		t.Fatal(err)
	}
	_, err = client.PutItem(ctx, put)
	var failed *dynamodbtypes.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		t.Fatalf("second put: %v", err)
	}
	want := "CreateTable OK,PutItem OK,PutItem Bad Request"
	if got := strings.Join(seen, ","); got != want {
		t.Errorf("calls seen: %s, want %s", got, want)
	}
}

func TestQueuesAreUsableByTheirURLs(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	withQueues(t, router)
	ctx := t.Context()
	client := sqs.NewFromConfig(config(url, "owner"))
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	if want := url + "/" + account + "/q"; aws.ToString(made.QueueUrl) != want {
		t.Errorf("queue URL %s, want %s", aws.ToString(made.QueueUrl), want)
	}
	// Whoever calls the endpoint by another name sees, and may use, URLs with that name.
	other := sqs.NewFromConfig(config(strings.Replace(url, "127.0.0.1", "localhost", 1), "owner"))
	found, err := other.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(aws.ToString(found.QueueUrl), "http://localhost:") {
		t.Errorf("queue URL by another name: %s", aws.ToString(found.QueueUrl))
	}
	for _, sender := range []*string{made.QueueUrl, found.QueueUrl} {
		if _, err := other.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: sender, MessageBody: aws.String("hello")}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
	if err != nil || len(got.Messages) != 2 {
		t.Fatalf("received %d messages: %v", len(got.Messages), err)
	}
	attributes, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"},
	})
	if err != nil || attributes.Attributes["QueueArn"] != "arn:aws:sqs:"+region+":"+account+":q" {
		t.Errorf("attributes %v: %v", attributes, err)
	}
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(url + "/" + account + "/none"), MessageBody: aws.String("x")})
	var missing *sqstypes.QueueDoesNotExist
	if !errors.As(err, &missing) {
		t.Errorf("send to no queue: %v", err)
	}
}

func TestTopicsReachQueues(t *testing.T) {
	router, url := newRouter(t, endpoint.Config{})
	withQueues(t, router)
	ctx := t.Context()
	queues, topics := sqs.NewFromConfig(config(url, "owner")), sns.NewFromConfig(config(url, "owner"))
	queue, err := queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")})
	if err != nil {
		t.Fatal(err)
	}
	topic, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sns:" + region + ":" + account + ":t"; aws.ToString(topic.TopicArn) != want {
		t.Errorf("topic %s, want %s", aws.ToString(topic.TopicArn), want)
	}
	if _, err := topics.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:" + region + ":" + account + ":q"),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := topics.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("news")}); err != nil {
		t.Fatal(err)
	}
	got, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 1})
	if err != nil || len(got.Messages) != 1 || !strings.Contains(aws.ToString(got.Messages[0].Body), "news") {
		t.Errorf("received %v: %v", got.Messages, err)
	}
}
