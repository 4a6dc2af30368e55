// Package ecs is the local ECS, as far as it takes to run a task on Fargate: clusters and task definitions of
// templates, RunTask, StopTask, DescribeTasks, and the events of what becomes of a task. A task is a process: the
// program that its image is made of, built for this machine, with the credentials of its role and an address of
// its own.
package ecs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"headroom/internal/local/clock"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine"
	"headroom/internal/local/parts"
	"headroom/internal/local/resource"
)

// Config is what the fake needs. Account to Program, Keys and Network are required.
type Config struct {
	Account  string // twelve digits
	Region   string
	Endpoint string // the local cloud's address, as in "http://127.0.0.1:4566"
	Dir      string // where the tasks' files go: tasks/<id>/, logs/<family>.log

	// Program returns the folder that holds the native program of a container's image, "bootstrap", and the files
	// beside it, by the container's name: definitions may share an image. In the image, that is the working folder, and the
	// program the entry point.
	Program func(container string) (dir string, err error)
	Overlay map[string][]byte // files that take the place of those in the program's folder, by name
	Path    []string          // folders of other programs that images have
	Disk    int64             // bytes that a task may write; 0: what its definition says

	Keys    issuer                                         // learns whose the credentials of tasks are
	Network network                                        // makes the interfaces of tasks
	Logs    logGroups                                      // takes what tasks say
	Assume  func(service, role string) error               // may the service assume the role? nil: yes
	Allowed func(principal, action, resource string) error // may the role do it? nil: yes

	// Emit sends an event as the service would.
	Emit func(ctx context.Context, source, detailType string, resources []string, detail any)

	Clock *clock.Clock // of the times that are told, of StopTask's grace, and of how long a task is remembered; nil: the machine's

	// On the machine's clock:
	Provision time.Duration // a task is PROVISIONING for so long; default 100 ms
	Pull      time.Duration // and PENDING; default 100 ms
	Lag       time.Duration // a new task does not show in answers for so long; default 30 ms

	Log *slog.Logger // default slog.Default
}

// issuer makes an access key the given role session's.
type issuer interface {
	Issue(accessKeyID, principal string)
}

// network makes network interfaces.
type network interface {
	CheckNetwork(subnets, groups []string) error
	Lend(subnet string, groups []string) (machine.Interface, error)
	GiveBack(id string) error
}

// logGroups keeps lines. It makes the streams it is given, and no groups.
type logGroups interface {
	Exists(group string) bool
	Put(group, stream string, at time.Time, text string)
}

// ECS is the fake. Its methods may be called at once.
type ECS struct {
	cfg      Config
	listener net.Listener
	server   *http.Server
	logFiles *files
	life     context.Context // ends with Close
	end      context.CancelFunc
	work     sync.WaitGroup

	mu          sync.Mutex
	clusters    map[string]bool        // by name
	definitions map[string]*definition // by ARN
	revisions   map[string]int         // the newest of each family
	tasks       map[string]*task       // by id
	runs        map[use]*run
	noRoom      []string       // why the next placements fail
	scratch     *parts.TempDir // where the work folders of tasks are; nil until there is one
}

// New starts a fake without clusters.
func New(cfg Config) (*ECS, error) {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&cfg.Provision, 100 * time.Millisecond},
		{&cfg.Pull, 100 * time.Millisecond},
		{&cfg.Lag, 30 * time.Millisecond},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Emit == nil {
		cfg.Emit = func(context.Context, string, string, []string, any) {}
	}
	if cfg.Assume == nil {
		cfg.Assume = func(string, string) error { return nil }
	}
	if cfg.Allowed == nil {
		cfg.Allowed = func(string, string, string) error { return nil }
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the tasks' folder: %w", err)
	}
	cfg.Dir = dir
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return nil, fmt.Errorf("make the tasks' logs' folder: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for tasks that ask for their metadata: %w", err)
	}
	e := &ECS{
		cfg: cfg, listener: listener, logFiles: &files{dir: filepath.Join(dir, "logs")},
		clusters: map[string]bool{}, definitions: map[string]*definition{}, revisions: map[string]int{},
		tasks: map[string]*task{}, runs: map[use]*run{},
	}
	e.life, e.end = context.WithCancel(context.Background())
	e.server = &http.Server{Handler: e.metadata(), ReadHeaderTimeout: 10 * time.Second}
	e.work.Go(func() { _ = e.server.Serve(listener) })
	return e, nil
}

// Close kills all tasks. Nobody is told.
func (e *ECS) Close() error {
	e.end()
	err := e.server.Close()
	e.work.Wait()
	err = errors.Join(err, e.logFiles.close(), os.RemoveAll(filepath.Join(e.cfg.Dir, "tasks")))
	if e.scratch != nil {
		err = errors.Join(err, e.scratch.Remove())
		e.scratch = nil
	}
	return err
}

// Service answers ECS's API.
func (e *ECS) Service() endpoint.Service {
	return endpoint.Service{Name: "ecs", Operations: map[string]endpoint.Operation{
		"RunTask": e.runTask, "StopTask": e.stopTask, "DescribeTasks": e.describeTasks,
	}}
}

// Types lists the resource types that Create and Delete know.
func Types() []string { return []string{typeCluster, typeDefinition} }

const (
	typeCluster    = "AWS::ECS::Cluster"
	typeDefinition = "AWS::ECS::TaskDefinition"
)

// Create makes a cluster or a task definition.
func (e *ECS) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	switch r.Type {
	case typeCluster:
		name := r.Name("ClusterName")
		e.mu.Lock()
		defer e.mu.Unlock()
		e.clusters[name] = true
		return e.createdCluster(name), nil
	case typeDefinition:
		return e.createDefinition(r)
	}
	return resource.Created{}, fmt.Errorf("the local ECS does not make %s", r.Type)
}

func (e *ECS) createdCluster(name string) resource.Created {
	return resource.Created{PhysicalID: name, Attributes: map[string]any{"Arn": e.arn("cluster/" + name)}}
}

// Delete removes a cluster, or deregisters a task definition: tasks that run go on.
func (e *ECS) Delete(_ context.Context, r resource.Resource) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch r.Type {
	case typeCluster:
		for _, t := range e.tasks {
			if t.cluster == r.PhysicalID && t.last != stopped {
				return fmt.Errorf("ClusterContainsTasksException: The Cluster cannot be deleted while Tasks are active")
			}
		}
		delete(e.clusters, r.PhysicalID)
	case typeDefinition:
		if d := e.definitions[r.PhysicalID]; d != nil {
			d.inactive = true
		}
	}
	return nil
}

// NoRoom has the next placements fail, each for a reason such as constraint.NoTaskCapacity.
func (e *ECS) NoRoom(reasons ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.noRoom = reasons
}

// Kill ends the process of a task, by its ARN, as when it takes more memory than it has. It reports whether there
// was one.
func (e *ECS) Kill(taskARN string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.tasks {
		if t.arn == taskARN && t.process != nil {
			t.killed = true
			t.process.Kill()
			return true
		}
	}
	return false
}

// Running lists the ARNs of the tasks that have not stopped.
func (e *ECS) Running() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var arns []string
	for _, t := range e.tasks {
		if t.last != stopped {
			arns = append(arns, t.arn)
		}
	}
	return arns
}

func (e *ECS) arn(resource string) string {
	return fmt.Sprintf("arn:aws:ecs:%s:%s:%s", e.cfg.Region, e.cfg.Account, resource)
}

// pause waits on the machine's clock. It returns false when the cloud ends, or when the wait is called off.
func (e *ECS) pause(d time.Duration, off <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-off:
	case <-e.life.Done():
	}
	return false
}

// bootstrap is the program of an image.
const bootstrap = parts.Bootstrap
