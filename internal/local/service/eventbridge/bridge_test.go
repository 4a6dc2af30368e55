package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/local/clock"
	"headroom/internal/local/disorder"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/parts"
	"headroom/internal/local/resource"
	bridge "headroom/internal/local/service/eventbridge"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
)

// rig is a bridge behind an endpoint with real queues.
type rig struct {
	t      *testing.T
	bridge *bridge.Bridge
	server *httptest.Server
	queues *sqs.Client

	mu         sync.Mutex
	principals []string // who called
}

// Authorize notes who called.
func (r *rig) Authorize(_ context.Context, call endpoint.Call) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.principals = append(r.principals, call.Principal)
	return nil
}

func newRig(t *testing.T, change func(*bridge.Config)) *rig {
	t.Helper()
	t.Parallel() // these tests mostly wait
	part, err := parts.Fauxqs(t.Context(), parts.Options{Modules: "../../../../node_modules", Dir: t.TempDir(), Account: account, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = part.Close() })
	r := &rig{t: t}
	keys := &endpoint.Keys{}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	router := endpoint.New(endpoint.Config{Account: account, Region: region, Principals: keys, Authorizer: r, Log: log})
	router.Proxy("sqs", part.URL)
	r.server = httptest.NewServer(router)
	t.Cleanup(r.server.Close)
	cfg := bridge.Config{Account: account, Region: region, Endpoint: r.server.URL, Keys: keys, RetryDelay: 20 * time.Millisecond, Log: log}
	if change != nil {
		change(&cfg)
	}
	r.bridge = bridge.New(cfg)
	t.Cleanup(func() { _ = r.bridge.Close() })
	router.Handle(r.bridge.Service())
	r.queues = sqs.New(sqs.Options{BaseEndpoint: &r.server.URL, Region: region, Credentials: owner})
	return r
}

var owner = credentials.NewStaticCredentialsProvider("OWNER", "secret", "")

func (r *rig) queue(name string) (url, arn string) {
	r.t.Helper()
	created, err := r.queues.CreateQueue(r.t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		r.t.Fatal(err)
	}
	return *created.QueueUrl, "arn:aws:sqs:" + region + ":" + account + ":" + name
}

func (r *rig) create(kind string, properties map[string]any) resource.Created {
	r.t.Helper()
	created, err := r.bridge.Create(r.t.Context(), resource.Resource{StackName: "test", LogicalID: "Thing", Type: kind, Properties: properties})
	if err != nil {
		r.t.Fatal(err)
	}
	return created
}

// receive takes the messages that come to a queue within the time.
func (r *rig) receive(url string, within time.Duration) []types.Message {
	r.t.Helper()
	var all []types.Message
	for end := time.Now().Add(within); time.Now().Before(end); {
		got, err := r.queues.ReceiveMessage(r.t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, WaitTimeSeconds: 1, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, got.Messages...)
	}
	return all
}

func (r *rig) put(entries ...eventtypes.PutEventsRequestEntry) *eventbridge.PutEventsOutput {
	r.t.Helper()
	client := eventbridge.New(eventbridge.Options{BaseEndpoint: &r.server.URL, Region: region, Credentials: owner})
	out, err := client.PutEvents(r.t.Context(), &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func entry(bus, source, detailType, detail string) eventtypes.PutEventsRequestEntry {
	return eventtypes.PutEventsRequestEntry{EventBusName: &bus, Source: &source, DetailType: &detailType, Detail: &detail}
}

func TestRuleSendsMatchingEventsToItsQueue(t *testing.T) {
	r := newRig(t, nil)
	url, arn := r.queue("host-events")
	r.create("AWS::Events::Rule", map[string]any{
		"EventPattern": map[string]any{"source": []any{"aws.cloudformation"}, "resources": []any{map[string]any{"prefix": "arn:stack/ours-"}}},
		"Targets":      []any{map[string]any{"Id": "Queue", "Arn": arn, "RetryPolicy": map[string]any{"MaximumRetryAttempts": "3"}}},
	})
	detail := map[string]any{"stack-id": "arn:stack/ours-1"}
	r.bridge.Emit(t.Context(), "aws.cloudformation", "CloudFormation Stack Status Change", []string{"arn:stack/ours-1"}, detail)
	r.bridge.Emit(t.Context(), "aws.cloudformation", "CloudFormation Stack Status Change", []string{"arn:stack/theirs-1"}, detail)

	got := r.receive(url, time.Second)
	if len(got) != 1 {
		t.Fatalf("%d messages, want 1", len(got))
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(*got[0].Body), &event); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"version": "0", "source": "aws.cloudformation", "detail-type": "CloudFormation Stack Status Change", "account": account, "region": region,
	} {
		if event[name] != want {
			t.Errorf("%s is %v, want %v", name, event[name], want)
		}
	}
	if _, err := time.Parse("2006-01-02T15:04:05Z", event["time"].(string)); err != nil {
		t.Error(err)
	}
}

func TestPutEventsReachesSubscribersOfTheBus(t *testing.T) {
	r := newRig(t, nil)
	created := r.create("AWS::Events::EventBus", map[string]any{"Name": "headroom-dev"})
	if want := "arn:aws:events:" + region + ":" + account + ":event-bus/headroom-dev"; created.PhysicalID != "headroom-dev" || created.Attributes["Arn"] != want {
		t.Errorf("created %v", created)
	}
	var got []bridge.Event
	cancel := r.bridge.Subscribe("headroom-dev", func(e bridge.Event) { got = append(got, e) })
	r.put(entry("headroom-dev", "headroom", "StorageReady", `{"tenant":"a"}`), entry("default", "headroom", "Other", `{}`))
	cancel()
	r.put(entry("headroom-dev", "headroom", "StorageReady", `{"tenant":"b"}`))
	if len(got) != 1 || got[0].DetailType != "StorageReady" || string(got[0].Detail) != `{"tenant":"a"}` {
		t.Errorf("events %+v", got)
	}
}

func TestPutEventsRefusesEntriesOneByOne(t *testing.T) {
	r := newRig(t, nil)
	out := r.put(
		entry("default", "headroom", "Good", `{}`),
		entry("default", "headroom", "Bad", `not json`),
		entry("default", "aws.ours", "Forged", `{}`),
		entry("nowhere", "headroom", "Lost", `{}`),
		entry("default", "headroom", "", `{}`),
	)
	want := []string{"", "MalformedDetail", "NotAuthorizedForSourceException", "ResourceNotFoundException", "InvalidArgument"}
	if out.FailedEntryCount != 4 {
		t.Errorf("%d failed, want 4", out.FailedEntryCount)
	}
	for i, e := range out.Entries {
		code := ""
		if e.ErrorCode != nil {
			code = *e.ErrorCode
		}
		if code != want[i] || (code == "") != (e.EventId != nil) {
			t.Errorf("entry %d: %q, want %q", i, code, want[i])
		}
	}
}

func TestUndeliverableEventGoesToTheDeadLetterQueue(t *testing.T) {
	for _, test := range []struct {
		name    string
		permit  func(action, resource, rule string) error
		target  string
		code    string
		retries string
	}{
		{"when the queue's policy forbids it", func(_, resource, _ string) error {
			if strings.HasSuffix(resource, ":jobs") {
				return errors.New("no resource-based policy allows it")
			}
			return nil
		}, "jobs", "NO_PERMISSIONS", "0"},
		{"when there is no such queue", nil, "nowhere", "NO_RESOURCE", "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, func(c *bridge.Config) { c.Permit = test.permit })
			jobs, _ := r.queue("jobs")
			dead, deadARN := r.queue("dead")
			rule := r.create("AWS::Events::Rule", map[string]any{
				"EventPattern": map[string]any{"source": []any{"aws.test"}},
				"Targets": []any{map[string]any{
					"Id": "Queue", "DeadLetterConfig": map[string]any{"Arn": deadARN},
					"Arn": "arn:aws:sqs:" + region + ":" + account + ":" + test.target,
				}},
			})
			r.bridge.Emit(t.Context(), "aws.test", "Test", nil, map[string]any{})
			got := r.receive(dead, time.Second)
			if len(got) != 1 {
				t.Fatalf("%d dead letters, want 1", len(got))
			}
			for name, want := range map[string]string{"RULE_ARN": rule.Attributes["Arn"].(string), "ERROR_CODE": test.code, "RETRY_ATTEMPTS": test.retries} {
				if value := *got[0].MessageAttributes[name].StringValue; value != want {
					t.Errorf("%s is %q, want %q", name, value, want)
				}
			}
			if got := r.receive(jobs, time.Millisecond); len(got) != 0 {
				t.Errorf("the target got %d messages", len(got))
			}
		})
	}
}

func TestDisorderDeliversTwice(t *testing.T) {
	r := newRig(t, func(c *bridge.Config) {
		c.Disorder = disorder.New(1, disorder.Options{Double: 1, Delay: 50 * time.Millisecond})
	})
	url, arn := r.queue("jobs")
	r.create("AWS::Events::Rule", map[string]any{
		"EventPattern": map[string]any{"source": []any{"aws.test"}}, "Targets": []any{map[string]any{"Id": "Queue", "Arn": arn}},
	})
	r.bridge.Emit(t.Context(), "aws.test", "Test", nil, map[string]any{})
	if got := r.receive(url, time.Second); len(got) != 2 || *got[0].Body != *got[1].Body {
		t.Errorf("messages %v, want the same one twice", got)
	}
}

func TestScheduleSendsAtItsRateAsItsRole(t *testing.T) {
	r := newRig(t, func(c *bridge.Config) { c.Clock = clock.New(300) }) // a minute is 200 ms
	url, arn := r.queue("pool-check")
	resource := resource.Resource{StackName: "test", LogicalID: "Schedule", Type: "AWS::Scheduler::Schedule", Properties: map[string]any{
		"ScheduleExpression": "rate(1 minute)", "FlexibleTimeWindow": map[string]any{"Mode": "OFF"},
		"Target": map[string]any{"Arn": arn, "RoleArn": "arn:aws:iam::" + account + ":role/schedule-role", "Input": `{"reason":"schedule"}`},
	}}
	created, err := r.bridge.Create(t.Context(), resource)
	if err != nil {
		t.Fatal(err)
	}
	got := r.receive(url, 1100*time.Millisecond)
	if len(got) < 4 || len(got) > 14 {
		t.Errorf("%d messages in little more than a second, want one every 200 ms", len(got))
	}
	if *got[0].Body != `{"reason":"schedule"}` {
		t.Errorf("message %s", *got[0].Body)
	}
	r.mu.Lock()
	if who := r.principals[0]; !strings.HasPrefix(who, "arn:aws:sts::"+account+":assumed-role/schedule-role/") {
		t.Errorf("sent by %s", who)
	}
	r.mu.Unlock()

	resource.PhysicalID = created.PhysicalID
	if err := r.bridge.Delete(t.Context(), resource); err != nil {
		t.Fatal(err)
	}
	r.receive(url, 100*time.Millisecond)
	if got := r.receive(url, 500*time.Millisecond); len(got) != 0 {
		t.Errorf("%d messages after it was deleted", len(got))
	}
}

func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	r := newRig(t, nil)
	pattern := map[string]any{"source": []any{"aws.test"}}
	queue := "arn:aws:sqs:" + region + ":" + account + ":jobs"
	for name, resource := range map[string]resource.Resource{
		"function as a target": {Type: "AWS::Events::Rule", Properties: map[string]any{"EventPattern": pattern, "Targets": []any{map[string]any{"Arn": "arn:aws:lambda:x:y:function:f"}}}},
		"input transformer":    {Type: "AWS::Events::Rule", Properties: map[string]any{"EventPattern": pattern, "Targets": []any{map[string]any{"Arn": queue, "InputTransformer": map[string]any{"InputTemplate": "x"}}}}},
		"scheduled rule":       {Type: "AWS::Events::Rule", Properties: map[string]any{"ScheduleExpression": "rate(1 minute)"}},
		"bus that is missing":  {Type: "AWS::Events::Rule", Properties: map[string]any{"EventPattern": pattern, "EventBusName": "nowhere"}},
		"cron expression":      {Type: "AWS::Scheduler::Schedule", Properties: map[string]any{"ScheduleExpression": "cron(0 * * * ? *)"}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := r.bridge.Create(t.Context(), resource); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}
