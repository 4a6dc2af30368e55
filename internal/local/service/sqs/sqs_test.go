package sqs_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/parts"
	localsqs "headroom/internal/local/service/sqs"
)

const account, region = "123456789012", "eu-west-1"

// world is the part with what it lacks before it, and a dead-letter queue of one queue.
type world struct {
	queues *localsqs.Queues
	client func(accessKeyID string) *sqs.Client
}

// denying lets one action through to nobody but the owner.
type denying string

func (d denying) Authorize(_ context.Context, call endpoint.Call) error {
	if call.Operation == string(d) {
		return &endpoint.Error{Code: "AccessDeniedException", Message: "no identity-based policy allows it"}
	}
	return nil
}

func newWorld(t *testing.T, denied string) *world {
	t.Helper()
	modules, err := filepath.Abs("../../../../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	part, err := parts.Fauxqs(t.Context(), parts.Options{Modules: modules, Dir: t.TempDir(), Account: account, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = part.Close() })
	var keys endpoint.Keys
	keys.Issue("helper", "arn:aws:iam::"+account+":role/helper")
	log := slog.New(slog.DiscardHandler)
	router := endpoint.New(endpoint.Config{Account: account, Region: region, Log: log, Principals: &keys, Authorizer: denying(denied)})
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	w := &world{client: func(accessKeyID string) *sqs.Client {
		return sqs.New(sqs.Options{BaseEndpoint: &server.URL, Region: region, Credentials: credentials.NewStaticCredentialsProvider(accessKeyID, "secret", "")})
	}}
	router.Proxy("sqs", part.URL)
	w.queues = localsqs.New(localsqs.Config{Account: account, Region: region, Client: w.client, Part: part.URL, Log: log})
	t.Cleanup(func() { _ = w.queues.Close() })
	router.Front(w.queues.Service())
	w.make(t, "dead", nil)
	w.make(t, "source", map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, arn("dead"))})
	return w
}

func arn(name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }

func (w *world) make(t *testing.T, name string, attributes map[string]string) {
	t.Helper()
	if _, err := w.client("OWNER").CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) send(t *testing.T, queue, body string) {
	t.Helper()
	if _, err := w.client("OWNER").SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String("http://x/1/" + queue), MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

// bodies takes what is in a queue.
func (w *world) bodies(t *testing.T, queue string) (bodies []string) {
	t.Helper()
	for {
		got, err := w.client("OWNER").ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String("http://x/1/" + queue), MaxNumberOfMessages: 10, VisibilityTimeout: 600})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) == 0 {
			slices.Sort(bodies)
			return bodies
		}
		for _, message := range got.Messages {
			bodies = append(bodies, *message.Body)
		}
	}
}

// ended waits for the newest task of the dead letters.
func (w *world) ended(t *testing.T) (status, failure string, moved int64) {
	t.Helper()
	for range 400 {
		listed, err := w.client("OWNER").ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(arn("dead"))})
		if err != nil || len(listed.Results) != 1 {
			t.Fatalf("tasks %+v: %v", listed, err)
		}
		if task := listed.Results[0]; *task.Status != "RUNNING" && *task.Status != "CANCELLING" {
			return *task.Status, aws.ToString(task.FailureReason), task.ApproximateNumberOfMessagesMoved
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the task does not end")
	return "", "", 0
}

func start(t *testing.T, client *sqs.Client, destination string) (handle string, err error) {
	t.Helper()
	input := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn("dead"))}
	if destination != "" {
		input.DestinationArn = aws.String(arn(destination))
	}
	started, err := client.StartMessageMoveTask(t.Context(), input)
	if err != nil {
		return "", err
	}
	return *started.TaskHandle, nil
}

func TestDeadLettersGoBackToTheirSource(t *testing.T) {
	w := newWorld(t, "")
	var sent []string
	for i := range 25 { // more than one batch
		sent = append(sent, fmt.Sprintf("%02d", i))
		w.send(t, "dead", sent[i])
	}
	if _, err := start(t, w.client("OWNER"), ""); err != nil {
		t.Fatal(err)
	}
	if status, _, moved := w.ended(t); status != "COMPLETED" || moved != 25 {
		t.Errorf("%s with %d moved", status, moved)
	}
	if got := w.bodies(t, "source"); !slices.Equal(got, sent) {
		t.Errorf("moved %v", got)
	}
	if left := w.bodies(t, "dead"); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

func TestDeadLettersGoWhereTheTaskSays(t *testing.T) {
	w := newWorld(t, "")
	w.make(t, "elsewhere", nil)
	w.send(t, "dead", "x")
	if _, err := start(t, w.client("OWNER"), "elsewhere"); err != nil {
		t.Fatal(err)
	}
	if status, failure, _ := w.ended(t); status != "COMPLETED" {
		t.Errorf("%s: %s", status, failure)
	}
	if got := w.bodies(t, "elsewhere"); !slices.Equal(got, []string{"x"}) {
		t.Errorf("moved %v", got)
	}
}

func TestATaskHasTheRightsOfItsStarter(t *testing.T) {
	w := newWorld(t, "SendMessage")
	w.send(t, "dead", "x")
	if _, err := start(t, w.client("helper"), ""); err != nil {
		t.Fatal(err)
	}
	status, failure, moved := w.ended(t)
	if status != "FAILED" || moved != 0 || !strings.Contains(failure, "AccessDenied") {
		t.Errorf("%s with %d moved: %s", status, moved, failure)
	}
	if got := w.bodies(t, "source"); len(got) != 0 {
		t.Errorf("moved %v", got)
	}
}

func TestTasksThatCannotBeMeantAreRefused(t *testing.T) {
	w := newWorld(t, "")
	w.make(t, "other", map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, arn("dead"))})
	for name, test := range map[string]struct{ source, destination, code string }{
		"of a queue that is no dead-letter queue": {"source", "", "InvalidParameterValue"},
		"of a queue that is not there":            {"none", "", "QueueDoesNotExist"},
		"to a queue that is not there":            {"dead", "none", "QueueDoesNotExist"},
		"back to one of two":                      {"dead", "", "UnsupportedOperation"},
	} {
		input := &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn(test.source))}
		if test.destination != "" {
			input.DestinationArn = aws.String(arn(test.destination))
		}
		if _, err := w.client("OWNER").StartMessageMoveTask(t.Context(), input); err == nil || !strings.Contains(err.Error(), test.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATaskCanBeCalledOff(t *testing.T) {
	w := newWorld(t, "")
	for range 3 {
		w.send(t, "dead", "x")
	}
	client := w.client("OWNER")
	started, err := client.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn("dead")), MaxNumberOfMessagesPerSecond: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(t, client, ""); err == nil || !strings.Contains(err.Error(), "already a task running") {
		t.Errorf("a second one: %v", err)
	}
	if _, err := client.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: started.TaskHandle}); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := w.ended(t); status != "CANCELLED" {
		t.Errorf("it is %s", status)
	}
	if _, err := client.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: started.TaskHandle}); err == nil {
		t.Error("it can be called off again")
	}
}

func TestQueuesAreMeasured(t *testing.T) {
	w := newWorld(t, "")
	w.send(t, "dead", "x")
	w.send(t, "dead", "y")
	time.Sleep(20 * time.Millisecond) // so that they have an age
	measured := map[string]float64{}
	ctx, cancel := context.WithCancel(t.Context())
	w.queues.Sample(ctx, time.Hour, func(queue, metric, _ string, _ time.Time, value float64) {
		measured[queue+" "+metric] = value
		if len(measured) == 8 { // two queues
			cancel()
		}
	})
	if measured["dead ApproximateNumberOfMessagesVisible"] != 2 || measured["source ApproximateNumberOfMessagesVisible"] != 0 {
		t.Errorf("measured %v", measured)
	}
	if age := measured["dead ApproximateAgeOfOldestMessage"]; age < 0.02 || age > 600 {
		t.Errorf("the oldest message is %v s old", age)
	}
}
