package local_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"headroom/internal/local"
	"headroom/internal/local/disorder"
	"headroom/internal/local/service/eventbridge"
	"headroom/internal/local/service/lambda"
)

// code is where the test programs' binaries are, by their names.
var code string

func TestMain(m *testing.M) {
	if dir := os.Getenv("PLAY_CLOUD"); dir != "" {
		playCloud(dir)
	}
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

func run(m *testing.M) (status int, err error) {
	if code, err = os.MkdirTemp("", "headroom-local-test-"); err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(code) }()
	for _, program := range []string{"echo", "teller"} {
		build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(code, program, "bootstrap"), "./testdata/"+program)
		if output, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build the test program %s: %w: %s", program, err, output)
		}
	}
	return m.Run(), nil
}

func options(t *testing.T) local.Options {
	return optionsFor(code, t.Output())
}

func optionsFor(code string, log io.Writer) local.Options {
	return local.Options{
		Modules:    "../../node_modules",
		Binary:     func(string) (string, error) { return filepath.Join(code, "echo"), nil },
		RetryDelay: 50 * time.Millisecond,
		Log:        slog.New(slog.NewTextHandler(log, nil)),
	}
}

func start(t *testing.T, o local.Options) *local.Cloud {
	t.Helper()
	cloud, err := local.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	})
	return cloud
}

// echoes collects what the test function says on its bus.
type echoes struct {
	mu   sync.Mutex
	said []map[string]string
}

func listen(cloud *local.Cloud) *echoes {
	e := &echoes{}
	cloud.Events.Subscribe("echo-bus", func(event eventbridge.Event) {
		var detail map[string]string
		_ = json.Unmarshal(event.Detail, &detail)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.said = append(e.said, detail)
	})
	return e
}

// count tells how many echoes hold text.
func (e *echoes) count(text string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, detail := range e.said {
		if strings.Contains(detail["body"], text) {
			n++
		}
	}
	return n
}

func deploy(t *testing.T, cloud *local.Cloud, parameters map[string]string) map[string]string {
	t.Helper()
	outputs, err := cloud.Deploy(t.Context(), "testdata/assembly", parameters)
	if err != nil {
		t.Fatal(err)
	}
	return outputs
}

func send(t *testing.T, cloud *local.Cloud, url, body string) {
	t.Helper()
	if _, err := sqs.NewFromConfig(cloud.Config()).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

func held(t *testing.T, cloud *local.Cloud, url string) string {
	t.Helper()
	got, err := sqs.NewFromConfig(cloud.Config()).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Attributes["ApproximateNumberOfMessages"]
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 800 {
		if holds() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("twenty seconds passed before: %s", what)
}

func TestWhatTheTemplateWiresIsWhatRuns(t *testing.T) {
	o := options(t)
	o.Speed = 120 // a minute is half a second
	o.ActivationPort = 8123
	cloud := start(t, o)
	echoes := listen(cloud)
	outputs := deploy(t, cloud, map[string]string{"Greeting": "good day"})

	send(t, cloud, outputs["QueueUrl"], "from a message")
	eventually(t, "the message is echoed", func() bool { return echoes.count("from a message") == 1 })
	eventually(t, "the schedule runs", func() bool { return echoes.count("tick") >= 3 })
	if err := cloud.Alarms.SetState(t.Context(), "echo-alarm", "ALARM", "for the test"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the rule sends the alarm on", func() bool { return echoes.count("CloudWatch Alarm State Change") > 0 }) // and, once it is evaluated, its end

	echoes.mu.Lock()
	defer echoes.mu.Unlock()
	if said := echoes.said[0]; said["greeting"] != "good day" || said["port"] != "8123" {
		t.Errorf("the function's environment is not the template's: %v", said)
	}
	var unused []string
	for _, grant := range cloud.Policies.Unused() {
		unused = append(unused, grant.Action)
	}
	if !slices.Equal(unused, []string{"sqs:PurgeQueue"}) {
		t.Errorf("unused grants %v, want sqs:PurgeQueue alone", unused)
	}
}

func TestWithoutItsGrantAFunctionIsDenied(t *testing.T) {
	o := options(t)
	cloud := start(t, o)
	outputs := deploy(t, cloud, nil)
	var mu sync.Mutex
	var log strings.Builder
	cloud.Functions.Subscribe(func(line lambda.Line) {
		mu.Lock()
		defer mu.Unlock()
		log.WriteString(line.Text)
	})
	if n := cloud.Policies.Revoke(outputs["RoleName"], "events:PutEvents"); n != 1 {
		t.Fatalf("%d grants revoked, want 1", n)
	}
	send(t, cloud, outputs["QueueUrl"], "in vain")
	eventually(t, "the message is a dead letter", func() bool { return held(t, cloud, outputs["DeadLettersUrl"]) != "0" })
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"AccessDeniedException", "assumed-role/" + outputs["RoleName"] + "/echo is not authorized to perform: events:PutEvents on resource: arn:aws:events:eu-west-1:123456789012:event-bus/echo-bus"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, log.String())
		}
	}
}

func TestDisorderedDeliveriesAreMade(t *testing.T) {
	o := options(t)
	o.Deliveries = disorder.Options{Double: 1, Delay: 50 * time.Millisecond, Shuffle: true}
	cloud := start(t, o)
	echoes := listen(cloud)
	outputs := deploy(t, cloud, nil)
	send(t, cloud, outputs["QueueUrl"], "once")
	eventually(t, "the message is echoed twice", func() bool { return echoes.count("once") == 2 })
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	cloud, err := local.Start(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	echoes := listen(cloud)
	outputs := deploy(t, cloud, nil)
	send(t, cloud, outputs["QueueUrl"], "a warm process stays")
	eventually(t, "the message is echoed", func() bool { return echoes.count("a warm process stays") == 1 })
	if len(children(os.Getpid())) < 3 {
		t.Fatal("the parts and the function are no children of this process: the test tests nothing")
	}
	if err := cloud.Close(); err != nil {
		t.Error(err)
	}
	if left := children(os.Getpid()); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if _, err := os.Stat(cloud.Dir); !os.IsNotExist(err) {
		t.Errorf("%s is left", cloud.Dir)
	}
}

func TestTheEndpointIsOnLoopbackOnly(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "localhost:0", "nonsense"} {
		o := options(t)
		o.Listen = listen
		cloud, err := local.Start(t.Context(), o)
		if err == nil {
			_ = cloud.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("listen at %s: %v", listen, err)
		}
	}
}

func TestStartSaysWhatIsMissing(t *testing.T) {
	o := options(t)
	o.Modules = t.TempDir()
	if _, err := local.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("error %v", err)
	}
}
