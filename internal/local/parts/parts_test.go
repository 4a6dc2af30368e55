package parts_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/local/clock"
	"headroom/internal/local/parts"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
)

var static = credentials.NewStaticCredentialsProvider("AKIAOWNER", "secret", "")

func options(t *testing.T) parts.Options {
	return parts.Options{Modules: "../../../node_modules", Dir: t.TempDir(), Account: account, Region: region}
}

func queues(t *testing.T, o parts.Options) *sqs.Client {
	t.Helper()
	part, err := parts.Fauxqs(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = part.Close() })
	return sqs.New(sqs.Options{BaseEndpoint: aws.String(part.URL.String()), Region: region, Credentials: static})
}

func createQueue(t *testing.T, client *sqs.Client, name string, attributes map[string]string) (url, arn string) {
	t.Helper()
	created, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: created.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *created.QueueUrl, got.Attributes["QueueArn"]
}

func receive(t *testing.T, client *sqs.Client, url string, wait int32) []types.Message {
	t.Helper()
	got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, WaitTimeSeconds: wait, MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Messages
}

func send(t *testing.T, client *sqs.Client, url, body string, delay int32) {
	t.Helper()
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, DelaySeconds: delay}); err != nil {
		t.Fatal(err)
	}
}

func TestDynoxideAnswers(t *testing.T) {
	part, err := parts.Dynoxide(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	client := dynamodb.New(dynamodb.Options{BaseEndpoint: aws.String(part.URL.String()), Region: region, Credentials: static})
	if _, err := client.ListTables(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := part.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := client.ListTables(ctx, nil, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }); err == nil {
		t.Fatal("it still answers after Close")
	}
}

func TestAStartThatIsCancelledSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, start := range map[string]func(context.Context, parts.Options) (*parts.Part, error){"dynoxide": parts.Dynoxide, "fauxqs": parts.Fauxqs} {
		if _, err := start(ctx, options(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestQueuesBelongToTheAccount(t *testing.T) {
	url, arn := createQueue(t, queues(t, options(t)), "jobs", nil)
	if want := "arn:aws:sqs:" + region + ":" + account + ":jobs"; arn != want {
		t.Errorf("ARN %s, want %s", arn, want)
	}
	if !strings.HasPrefix(url, "http://127.0.0.1:") || !strings.HasSuffix(url, "/"+account+"/jobs") {
		t.Errorf("URL %s", url)
	}
}

func TestQueueHidesRetriesAndDeadLettersAMessage(t *testing.T) {
	client := queues(t, options(t))
	deadURL, deadARN := createQueue(t, client, "dead", nil)
	redrive, _ := json.Marshal(map[string]string{"deadLetterTargetArn": deadARN, "maxReceiveCount": "2"})
	url, _ := createQueue(t, client, "jobs", map[string]string{"VisibilityTimeout": "1", "RedrivePolicy": string(redrive)})
	send(t, client, url, "work", 0)

	for try := range 2 {
		if got := receive(t, client, url, 5); len(got) != 1 {
			t.Fatalf("try %d: %d messages", try, len(got))
		}
		if got := receive(t, client, url, 0); len(got) != 0 {
			t.Fatalf("try %d: the message can be seen while it is in flight", try)
		}
	}
	if got := receive(t, client, url, 2); len(got) != 0 {
		t.Fatalf("received a third time: %v", got)
	}
	if got := receive(t, client, deadURL, 1); len(got) != 1 || *got[0].Body != "work" {
		t.Fatalf("dead letters: %v", got)
	}
}

func TestDelaysAreByTheCloudsClock(t *testing.T) {
	o := options(t)
	o.Clock = clock.New(20)
	client := queues(t, o)
	url, _ := createQueue(t, client, "jobs", nil)
	start := time.Now()
	send(t, client, url, "later", 10)
	if got := receive(t, client, url, 0); len(got) != 0 {
		t.Fatal("a delayed message came at once")
	}
	if got := receive(t, client, url, 5); len(got) != 1 {
		t.Fatal("the delayed message did not come")
	}
	if took := time.Since(start); took < 400*time.Millisecond || took > 3*time.Second {
		t.Errorf("ten seconds at speed 20 took %v", took)
	}
}

func TestVisibilityAndTimesAreByTheCloudsClock(t *testing.T) {
	o := options(t)
	o.Clock = clock.New(20)
	time.Sleep(100 * time.Millisecond) // by then the clock is two seconds ahead
	client := queues(t, o)
	url, _ := createQueue(t, client, "jobs", map[string]string{"VisibilityTimeout": "20"})
	before := o.Clock.Now()
	send(t, client, url, "work", 0)
	after := o.Clock.Now()
	got := receive(t, client, url, 1)
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	ms, err := strconv.ParseInt(got[0].Attributes["SentTimestamp"], 10, 64)
	if sent := time.UnixMilli(ms); err != nil || sent.Before(before.Add(-time.Second)) || sent.After(after.Add(time.Second)) {
		t.Errorf("sent at %v (%v), want between %v and %v", sent, err, before, after)
	}
	if got := receive(t, client, url, 0); len(got) != 0 {
		t.Fatal("it can be seen while it is in flight")
	}
	start := time.Now()
	if got := receive(t, client, url, 10); len(got) != 1 {
		t.Fatal("it did not come back")
	}
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("twenty seconds at speed 20 took %v", took)
	}
}

func TestPartThatCannotStartSaysWhereItsOutputIs(t *testing.T) {
	o := options(t)
	o.Modules = t.TempDir()
	_, err := parts.Fauxqs(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "fauxqs.log") {
		t.Fatalf("error %v", err)
	}
}
