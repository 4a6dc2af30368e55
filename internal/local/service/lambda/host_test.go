package lambda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/parts"
	"headroom/internal/local/resource"
	"headroom/internal/local/service/lambda"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
	role    = "arn:aws:iam::" + account + ":role/probe-role"
)

// shared are the parts that all tests of the package use: the probe's binary and the queues.
var shared struct {
	code   string
	queues *parts.Part
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := parts.NewTempDir("headroom-lambda-test-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = dir.Remove() }()
	shared.code = filepath.Join(dir.Path, "probe")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(shared.code, "bootstrap"), "./testdata/probe")
	if output, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the probe: %w: %s", err, output)
	}
	if err := os.WriteFile(filepath.Join(shared.code, "rds-ca.pem"), []byte("the real authority"), 0o644); err != nil {
		return 1, err
	}
	shared.queues, err = parts.Fauxqs(context.Background(), parts.Options{Modules: "../../../../node_modules", Dir: dir.Path, Account: account, Region: region})
	if err != nil {
		return 1, err
	}
	defer func() { _ = shared.queues.Close() }()
	return m.Run(), nil
}

// rig is a Lambda host with one endpoint in front of real queues.
type rig struct {
	t      *testing.T
	host   *lambda.Host
	router *endpoint.Router
	server *httptest.Server
	owner  *sqs.Client

	mu     sync.Mutex
	lines  []lambda.Line
	calls  []string        // "<session>:<operation>"
	listed []endpoint.Call // those of ListQueues
	denied string          // operation that roles may not do
}

func newRig(t *testing.T, change func(*lambda.Config)) *rig {
	t.Helper()
	r := &rig{t: t}
	keys := &endpoint.Keys{}
	quiet := slog.New(slog.NewTextHandler(t.Output(), nil))
	r.router = endpoint.New(endpoint.Config{Account: account, Region: region, Principals: keys, Authorizer: r, Log: quiet})
	r.router.Proxy("sqs", shared.queues.URL)
	r.server = httptest.NewServer(r.router)
	t.Cleanup(r.server.CloseClientConnections)
	cfg := lambda.Config{
		Account: account, Region: region, Endpoint: r.server.URL, Dir: t.TempDir(), Keys: keys, Log: quiet,
		Binary:     func(string) (string, error) { return shared.code, nil },
		Overlay:    map[string][]byte{"rds-ca.pem": []byte("the local authority")},
		RetryDelay: 50 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	host, err := lambda.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	r.host = host
	r.router.Before(host.BeforeCall)
	r.router.After(host.AfterCall)
	host.Subscribe(func(line lambda.Line) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lines = append(r.lines, line)
	})
	r.owner = sqs.New(sqs.Options{BaseEndpoint: &r.server.URL, Region: region, Credentials: credentials.NewStaticCredentialsProvider("OWNER", "secret", "")})
	return r
}

// Authorize notes the calls of roles, and denies the one that a test forbids.
func (r *rig) Authorize(_ context.Context, call endpoint.Call) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call.Principal+":"+call.Operation)
	if call.Operation == "ListQueues" {
		r.listed = append(r.listed, call)
	}
	if call.Operation == r.denied {
		return &endpoint.Error{Code: "AccessDenied", Message: "not authorized to perform: sqs:" + call.Operation, Status: 403}
	}
	return nil
}

// function deploys the probe, with properties over the usual ones.
func (r *rig) function(properties map[string]any) string {
	r.t.Helper()
	all := map[string]any{
		"FunctionName": "probe", "Role": role, "MemorySize": "128", "Timeout": 2.0,
		"Environment":   map[string]any{"Variables": map[string]any{"STAGE": "dev"}},
		"LoggingConfig": map[string]any{"LogFormat": "JSON"},
	}
	for name, value := range properties {
		all[name] = value
	}
	created, err := r.host.Create(r.t.Context(), resource.Resource{StackName: "test", LogicalID: "Probe", Type: "AWS::Lambda::Function", Properties: all})
	if err != nil {
		r.t.Fatal(err)
	}
	return created.Attributes["Arn"].(string)
}

// queueNumber keeps queues apart: a poll that was broken off still takes what comes to its queue.
var queueNumber atomic.Int64

// queue makes a queue with a dead-letter queue, both of unique names.
func (r *rig) queue() (url, arn, deadURL string) {
	r.t.Helper()
	name := fmt.Sprintf("queue-%d", queueNumber.Add(1))
	deadURL, deadARN := r.create(name+"-dead", nil)
	redrive, _ := json.Marshal(map[string]string{"deadLetterTargetArn": deadARN, "maxReceiveCount": "3"})
	url, arn = r.create(name, map[string]string{"VisibilityTimeout": "12", "RedrivePolicy": string(redrive)})
	return url, arn, deadURL
}

func (r *rig) create(name string, attributes map[string]string) (url, arn string) {
	r.t.Helper()
	created, err := r.owner.CreateQueue(r.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		r.t.Fatal(err)
	}
	return *created.QueueUrl, "arn:aws:sqs:" + region + ":" + account + ":" + name
}

func (r *rig) mapping(function, queueARN string, properties map[string]any) {
	r.t.Helper()
	if err := r.tryMapping(function, queueARN, properties); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) tryMapping(function, queueARN string, properties map[string]any) error {
	all := map[string]any{
		"FunctionName": function, "EventSourceArn": queueARN, "BatchSize": "10",
		"FunctionResponseTypes": []any{"ReportBatchItemFailures"},
	}
	for name, value := range properties {
		all[name] = value
	}
	declared := resource.Resource{StackName: "test", LogicalID: "Mapping", Type: "AWS::Lambda::EventSourceMapping", Properties: all}
	created, err := r.host.Create(r.t.Context(), declared)
	if err == nil {
		declared.PhysicalID = created.PhysicalID
		r.t.Cleanup(func() { _ = r.host.Delete(context.Background(), declared) })
	}
	return err
}

func (r *rig) send(url string, bodies ...string) {
	r.t.Helper()
	var entries []types.SendMessageBatchRequestEntry
	for i, body := range bodies {
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &body})
	}
	if _, err := r.owner.SendMessageBatch(r.t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries}); err != nil {
		r.t.Fatal(err)
	}
}

// seen are the reports of the probe about messages with a body.
func (r *rig) seen(body string) []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []map[string]any
	for _, line := range r.lines {
		var report map[string]any
		if json.Unmarshal([]byte(line.Text), &report) == nil && report["body"] == body {
			found = append(found, report)
		}
	}
	return found
}

// report waits for the probe's first report about a message with a body.
func (r *rig) report(body string) map[string]any {
	r.t.Helper()
	eventually(r.t, "the probe reports "+body, func() bool { return len(r.seen(body)) > 0 })
	return r.seen(body)[0]
}

func (r *rig) seenTimes(body string, times int) func() bool {
	return func() bool { return len(r.seen(body)) == times }
}

// logged reports whether a line of the log holds text.
func (r *rig) logged(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range r.lines {
		if strings.Contains(line.Text, text) {
			return true
		}
	}
	return false
}

// empty reports whether a queue holds nothing, visible or not.
func (r *rig) empty(url string) func() bool {
	return func() bool { return r.count(url) == "00" }
}

func (r *rig) count(url string) string {
	got, err := r.owner.GetQueueAttributes(r.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		r.t.Fatal(err)
	}
	return got.Attributes["ApproximateNumberOfMessages"] + got.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 400 {
		if holds() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("ten seconds passed before: %s", what)
}
