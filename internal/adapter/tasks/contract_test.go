package tasks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/resource"
	localec2 "headroom/internal/local/service/ec2"
	localecs "headroom/internal/local/service/ecs"
	"headroom/internal/local/service/logs"
)

// program is the folder of the program that local tasks run.
var program string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "headroom-tasks-test-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "job")
	output, err := exec.Command("go", "build", "-o", filepath.Join(program, "bootstrap"), "headroom/internal/local/service/ecs/testdata/job").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "build the test's program: %v: %s\n", err, output)
		return 1
	}
	return m.Run()
}

func TestTheFakeRunsTasksAsECSDoes(t *testing.T) {
	for _, late := range []int{0, 2} {
		t.Run(fmt.Sprint("late ", late), func(t *testing.T) {
			taskstest.Suite(t, func(*testing.T) taskstest.World {
				fake := &taskstest.ECS{Late: late, Untidy: late > 0, Program: does, Missing: map[string]bool{"subnet-none": true, "sg-none": true}}
				return taskstest.World{Client: fake, Subnet: "subnet-1", Group: "sg-1", NoRoom: fake.NoRoom, Kill: fake.Kill, Events: fake.Take}
			})
		})
	}
}

// does is what the suite's jobs are.
func does(task taskstest.Task) int {
	code := taskstest.Running
	if _, err := fmt.Sscanf(task.Environment["HEADROOM_JOB"], "exit=%d", &code); err != nil {
		return taskstest.Running
	}
	return code
}

func TestTheLocalCloudRunsTasksAsECSDoes(t *testing.T) {
	taskstest.Suite(t, func(t *testing.T) taskstest.World { return newLocal(t).world })
}

// local is a local ECS.
type local struct {
	world taskstest.World

	mu     sync.Mutex
	events [][]byte
}

// emit keeps an event as a queue behind a rule would get it.
func (l *local) emit(_ context.Context, source, detailType string, resources []string, detail any) {
	body, _ := json.Marshal(map[string]any{"source": source, "detail-type": detailType, "resources": resources, "detail": detail})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, body)
}

// take returns the events since it was called last.
func (l *local) take() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.events
	l.events = nil
	return taken
}

func newLocal(t *testing.T) *local {
	t.Helper()
	l := &local{}
	fleet := appliance.NewFleet(appliance.Config{Dir: t.TempDir(), ActivationPort: 18094, NFSPort: 12094, Log: slog.New(slog.DiscardHandler)})
	machines := localec2.New(localec2.Config{
		Account: endpointtest.Account, Region: endpointtest.Region, Machines: fleet, Network: netip.MustParsePrefix("127.94.0.0/16"),
	})
	lines := logs.New(logs.Config{Account: endpointtest.Account, Region: endpointtest.Region})
	tasks, err := localecs.New(localecs.Config{
		Account: endpointtest.Account, Region: endpointtest.Region, Endpoint: "http://127.0.0.1:1", Dir: t.TempDir(),
		Program: func(string) (string, error) { return program, nil }, Keys: nobody{}, Network: machines, Logs: lines, Emit: l.emit,
		Provision: 2 * time.Millisecond, Pull: 2 * time.Millisecond, Lag: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tasks.Close(); err != nil {
			t.Error(err)
		}
		_ = fleet.Close()
	})
	make := func(from resource.Provider, kind string, properties map[string]any) string {
		created, err := from.Create(t.Context(), resource.Resource{
			StackID: "stack", StackName: "Headroom-dev", LogicalID: kind, Type: "AWS::" + kind, Properties: properties,
		})
		if err != nil {
			t.Fatal(err)
		}
		return created.PhysicalID
	}
	make(lines, "Logs::LogGroup", map[string]any{"LogGroupName": "/tasks"})
	make(tasks, "ECS::Cluster", map[string]any{"ClusterName": taskstest.Cluster})
	make(tasks, "ECS::TaskDefinition", map[string]any{
		"Family": taskstest.Family, "Cpu": "1024", "Memory": "2048", "NetworkMode": "awsvpc", "RequiresCompatibilities": []any{"FARGATE"},
		"ExecutionRoleArn": "arn:aws:iam::123456789012:role/execution",
		"ContainerDefinitions": []any{map[string]any{
			"Name": taskstest.Container, "Image": "archivist",
			"LogConfiguration": map[string]any{"LogDriver": "awslogs", "Options": map[string]any{
				"awslogs-group": "/tasks", "awslogs-region": endpointtest.Region, "awslogs-stream-prefix": "task",
			}},
		}},
	})
	l.world = taskstest.World{
		Client: ecs.NewFromConfig(endpointtest.Serve(t, tasks.Service())),
		Subnet: make(machines, "EC2::Subnet", map[string]any{"CidrBlock": "10.0.0.0/24"}),
		Group:  make(machines, "EC2::SecurityGroup", map[string]any{"GroupDescription": "tasks"}),
		NoRoom: tasks.NoRoom, Kill: tasks.Kill, Events: l.take,
	}
	return l
}

// nobody learns whose keys are.
type nobody struct{}

func (nobody) Issue(string, string) {}
