package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/clock"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/resource"
	"headroom/internal/local/service/ec2"
	"headroom/internal/local/service/logs"
)

// programs holds the folder of the test's image.
var programs string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "headroom-ecs-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	programs = filepath.Join(dir, "job")
	if output, err := exec.Command("go", "build", "-o", filepath.Join(programs, "bootstrap"), "./testdata/job").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the test's program: %v: %s\n", err, output)
		return 1
	}
	return m.Run()
}

const (
	taskRole      = "arn:aws:iam::123456789012:role/archivist"
	executionRole = "arn:aws:iam::123456789012:role/execution"
	logGroup      = "/headroom/dev/archivist"
	family        = "headroom-dev-archivist"
)

// The ports of the appliances of this package's tests.
const (
	activationPort = 18093
	nfsPort        = 12093
)

// happened is an event of a task.
type happened struct {
	LastStatus, DesiredStatus, StopCode, StoppedReason, StartedBy string
	TaskArn, ClusterArn, UpdatedAt                                string
	Version                                                       int
	Containers                                                    []struct {
		Name, LastStatus, Reason string
		ExitCode                 *int
	}
	Attachments []struct{ Type string }
}

type world struct {
	fake     *ECS
	client   *sdk.Client
	lines    *logs.Logs
	fleet    *appliance.Fleet
	machines *ec2.EC2
	subnet   string
	group    string

	mu     sync.Mutex
	events []happened
	keys   map[string]string // principal by access key
}

func (w *world) Issue(key, principal string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys[key] = principal
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{keys: map[string]string{}}
	w.fleet = appliance.NewFleet(appliance.Config{
		Dir: t.TempDir(), Objects: remainder{}, ActivationPort: activationPort, NFSPort: nfsPort, Boot: time.Millisecond, Reboot: time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	})
	w.machines = ec2.New(ec2.Config{
		Account: endpointtest.Account, Region: endpointtest.Region, Machines: w.fleet, Network: netip.MustParsePrefix("127.93.0.0/16"),
		Launch: time.Millisecond, Attach: time.Millisecond, Propagation: time.Millisecond,
	})
	w.lines = logs.New(logs.Config{Account: endpointtest.Account, Region: endpointtest.Region})
	cfg := Config{
		Account: endpointtest.Account, Region: endpointtest.Region, Endpoint: "http://127.0.0.1:1", Dir: t.TempDir(),
		Program: func(container string) (string, error) {
			if container != "archivist" {
				return "", errors.New("there is no such program")
			}
			return programs, nil
		},
		Overlay: map[string][]byte{"rds-ca.pem": []byte("authority")},
		Keys:    w, Network: w.machines, Logs: w.lines, Provision: 5 * time.Millisecond, Pull: 5 * time.Millisecond, Lag: time.Millisecond,
		Assume: func(service, role string) error {
			if service != "ecs-tasks.amazonaws.com" || strings.HasSuffix(role, "/untrusting") {
				return errors.New("not trusted")
			}
			return nil
		},
		Emit: func(_ context.Context, source, detailType string, resources []string, detail any) {
			encoded, err := json.Marshal(detail)
			var h happened
			if err == nil {
				err = json.Unmarshal(encoded, &h)
			}
			if err != nil || source != "aws.ecs" || detailType != "ECS Task State Change" || !slices.Equal(resources, []string{h.TaskArn}) {
				t.Errorf("event %s: %v", encoded, err)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, h)
		},
		Log: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if w.fake, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.fake.Close(); err != nil {
			t.Error(err)
		}
		_ = w.fleet.Close()
	})
	make := func(from resource.Provider, kind string, properties map[string]any) resource.Created {
		created, err := from.Create(t.Context(), resource.Resource{StackID: "stack", StackName: "Headroom-dev", LogicalID: kind, Type: kind, Properties: properties})
		if err != nil {
			t.Fatal(err)
		}
		return created
	}
	w.subnet = make(w.machines, "AWS::EC2::Subnet", map[string]any{"CidrBlock": "10.0.0.0/24"}).PhysicalID
	w.group = make(w.machines, "AWS::EC2::SecurityGroup", map[string]any{"GroupDescription": "tasks"}).PhysicalID
	make(w.lines, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": logGroup})
	make(w.fake, "AWS::ECS::Cluster", map[string]any{"ClusterName": "headroom-dev"})
	make(w.fake, "AWS::ECS::TaskDefinition", definitionOf(family))
	w.client = sdk.NewFromConfig(endpointtest.Serve(t, w.fake.Service()))
	return w
}

// definitionOf is a task definition that nothing is wrong with.
func definitionOf(family string) map[string]any {
	return map[string]any{
		"Family": family, "Cpu": "1024", "Memory": "2048", "NetworkMode": "awsvpc", "RequiresCompatibilities": []any{"FARGATE"},
		"TaskRoleArn": taskRole, "ExecutionRoleArn": executionRole, "EphemeralStorage": map[string]any{"SizeInGiB": 200},
		"Volumes": []any{map[string]any{"Name": "scratch"}},
		"ContainerDefinitions": []any{map[string]any{
			"Name": "archivist", "Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/assets:0f", "Essential": true,
			"Command":     []any{"say=${STAGE}"},
			"MountPoints": []any{map[string]any{"SourceVolume": "scratch", "ContainerPath": "/scratch", "ReadOnly": false}},
			"Environment": []any{map[string]any{"Name": "STAGE", "Value": "dev"}, map[string]any{"Name": "HEADROOM_JOB", "Value": "none"}},
			"LogConfiguration": map[string]any{"LogDriver": "awslogs", "Options": map[string]any{
				"awslogs-group": logGroup, "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "task",
			}},
		}},
	}
}

// input is a RunTask that nothing is wrong with.
func (w *world) input(command ...string) *sdk.RunTaskInput {
	return &sdk.RunTaskInput{
		Cluster: aws.String("headroom-dev"), TaskDefinition: aws.String(family), LaunchType: types.LaunchTypeFargate, StartedBy: aws.String("acme/k3v9x2m7qa"),
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
			Subnets: []string{w.subnet}, SecurityGroups: []string{w.group}, AssignPublicIp: types.AssignPublicIpDisabled,
		}},
		Overrides: &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("archivist"), Command: command}}},
	}
}

func (w *world) run(t *testing.T, in *sdk.RunTaskInput) string {
	t.Helper()
	out, err := w.client.RunTask(t.Context(), in)
	if err != nil || len(out.Tasks) != 1 || len(out.Failures) != 0 {
		t.Fatalf("run: %+v, %v", out, err)
	}
	return *out.Tasks[0].TaskArn
}

// task describes a task; nil when it is missing.
func (w *world) task(t *testing.T, arn string) *types.Task {
	t.Helper()
	out, err := w.client.DescribeTasks(t.Context(), &sdk.DescribeTasksInput{Cluster: aws.String("headroom-dev"), Tasks: []string{arn}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Tasks) == 0 {
		if len(out.Failures) != 1 || aws.ToString(out.Failures[0].Reason) != "MISSING" || aws.ToString(out.Failures[0].Arn) != arn {
			t.Errorf("failures %+v", out.Failures)
		}
		return nil
	}
	return &out.Tasks[0]
}

// become waits until a task has a status.
func (w *world) become(t *testing.T, arn, status string) types.Task {
	t.Helper()
	var last types.Task
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if found := w.task(t, arn); found != nil {
			if last = *found; aws.ToString(last.LastStatus) == status {
				return last
			}
		}
	}
	t.Fatalf("the task is %s, and never became %s: %s", aws.ToString(last.LastStatus), status, aws.ToString(last.StoppedReason))
	return last
}

// said is what a task has logged.
func (w *world) said(t *testing.T, arn string) []string {
	t.Helper()
	id := arn[strings.LastIndex(arn, "/")+1:]
	return w.lines.Lines(logGroup, "task/archivist/"+id)
}

// told are the events of a task so far.
func (w *world) told(arn string) []happened {
	w.mu.Lock()
	defer w.mu.Unlock()
	var of []happened
	for _, h := range w.events {
		if h.TaskArn == arn {
			of = append(of, h)
		}
	}
	return of
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// fast is a clock that is so fast that StopTask's grace is over soon.
func fast(cfg *Config) { cfg.Clock = clock.New(200) }
