// Package lambda is the local Lambda service: it runs each function's binary in processes of its
// own under the Lambda Runtime API, and invokes them with what their event source mappings receive
// from the queues.
package lambda

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
	"headroom/internal/local/disorder"
	"headroom/internal/local/resource"
)

// Config is what a Host needs. Account to Binary, Keys and Log are required.
type Config struct {
	Account  string // twelve digits
	Region   string
	Endpoint string // the local cloud's address, as in "http://127.0.0.1:4566"
	Dir      string // where code and logs go: code/<function>/, logs/<function>.log

	// Binary returns the directory that holds a function's native bootstrap and the files beside it.
	Binary  func(functionName string) (dir string, err error)
	Overlay map[string][]byte // files that take the place of those in a function's directory, by name

	Keys     issuer                                         // learns whose the credentials handed to processes are
	Assume   func(service, role string) error               // may the service assume the role? nil: yes
	Allowed  func(principal, action, resource string) error // may the role do it? nil: yes
	Disorder *disorder.Source                               // how untidily queues deliver; nil: not at all

	// Clock is what queues wait by and functions tell the time by, when it is faster than the machine's (see
	// clockVariable); nil: the machine's. What a function may take is by the machine's: it computes no faster.
	Clock *clock.Clock
	// RetryDelay, if not zero, brings messages of a failed batch back so soon, instead of after
	// their queue's visibility timeout.
	RetryDelay  time.Duration
	IdleTimeout time.Duration // an idle process is stopped after this; default 5 minutes
	Concurrency int           // most processes a function; default 16
	Log         *slog.Logger
}

// issuer makes an access key the given role session's.
type issuer interface {
	Issue(accessKeyID, principal string)
}

// Host runs functions. Its methods may be called concurrently.
type Host struct {
	cfg      Config
	logs     *sink
	listener net.Listener
	server   *http.Server
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	work     sync.WaitGroup // everything that runs in the background

	mu        sync.Mutex
	functions map[string]*function // by name
	mappings  map[string]*mapping  // by id
	sandboxes map[string]*sandbox  // by id
	byKey     map[string]*sandbox  // by access key id
	kills     []*Kill
	killed    map[string]bool // access key ids of processes that a Kill has ended
}

// New starts a host without functions.
func New(cfg Config) (*Host, error) {
	if cfg.IdleTimeout == 0 {
		cfg.IdleTimeout = 5 * time.Minute
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 16
	}
	if cfg.Assume == nil {
		cfg.Assume = func(string, string) error { return nil }
	}
	if cfg.Allowed == nil {
		cfg.Allowed = func(string, string, string) error { return nil }
	}
	if cfg.Disorder == nil {
		cfg.Disorder = disorder.New(0, disorder.Options{})
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the Lambda host's directory: %w", err)
	}
	cfg.Dir = dir
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return nil, fmt.Errorf("make the function logs' directory: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the Lambda Runtime API: %w", err)
	}
	h := &Host{
		cfg: cfg, logs: newSink(filepath.Join(dir, "logs"), cfg.Clock), listener: listener,
		functions: map[string]*function{}, mappings: map[string]*mapping{},
		sandboxes: map[string]*sandbox{}, byKey: map[string]*sandbox{}, killed: map[string]bool{},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.server = &http.Server{Handler: h.runtimeAPI(), ReadHeaderTimeout: 10 * time.Second}
	h.work.Go(func() { _ = h.server.Serve(listener) })
	h.work.Go(h.watch)
	return h, nil
}

// Close stops all mappings and kills all processes. Invocations under way fail. Only logs are left.
func (h *Host) Close() error {
	h.cancel()
	h.mu.Lock()
	sandboxes := h.sandboxes
	h.sandboxes = map[string]*sandbox{}
	h.mu.Unlock()
	for _, s := range sandboxes {
		s.process.Kill()
	}
	for _, s := range sandboxes {
		<-s.process.Done()
	}
	err := h.server.Close()
	h.work.Wait()
	err = errors.Join(err, h.logs.close())
	for _, dir := range []string{"code", "tmp"} {
		err = errors.Join(err, os.RemoveAll(filepath.Join(h.cfg.Dir, dir)))
	}
	return err
}

// Types are the resource types that the host provides.
func (h *Host) Types() []string {
	return []string{typeFunction, typeMapping, typePermission, typeInvokeConfig}
}

const (
	typeFunction     = "AWS::Lambda::Function"
	typeMapping      = "AWS::Lambda::EventSourceMapping"
	typePermission   = "AWS::Lambda::Permission"
	typeInvokeConfig = "AWS::Lambda::EventInvokeConfig"
)

// Create makes a function or a mapping. Permissions and invoke configurations have no effect here:
// they are about callers other than mappings, and there are none.
func (h *Host) Create(ctx context.Context, r resource.Resource) (resource.Created, error) {
	switch r.Type {
	case typeFunction:
		return h.createFunction(r)
	case typeMapping:
		return h.createMapping(ctx, r)
	case typePermission, typeInvokeConfig:
		return resource.Created{PhysicalID: r.StackName + "-" + r.LogicalID}, nil
	}
	return resource.Created{}, fmt.Errorf("the local Lambda service does not make %s", r.Type)
}

// Delete removes a function or a mapping.
func (h *Host) Delete(_ context.Context, r resource.Resource) error {
	switch r.Type {
	case typeFunction:
		h.deleteFunction(r.PhysicalID)
	case typeMapping:
		h.deleteMapping(r.PhysicalID)
	}
	return nil
}

// Subscribe calls receive with each line that a function or the host writes to a function's log,
// from now until cancel is called. Receive must not block.
func (h *Host) Subscribe(receive func(Line)) (cancel func()) { return h.logs.subscribe(receive) }
