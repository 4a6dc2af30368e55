package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/clock"
	"headroom/internal/local/parts"
)

// initTimeout is what Lambda gives a process until it asks for its first invocation.
const initTimeout = 10 * time.Second

// sandbox is one process of a function: what Lambda calls an execution environment. It takes one
// invocation at a time.
type sandbox struct {
	id          string
	function    *function
	stream      string // of its log
	accessKeyID string
	process     *parts.Process
	started     time.Time
	ready       chan struct{}    // closed when the process asks for its first invocation
	next        chan *invocation // to the process's next request

	mu       sync.Mutex
	asked    bool
	current  *invocation
	initErr  string // the process's report that it cannot start
	idleFrom time.Time
	peak     int64 // most memory seen in use, bytes
}

// invocation is one event on its way through a process.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	result   Result
	answered bool
	done     chan struct{} // closed when the process has answered and asks for more
}

// start runs a new process of f and waits until it asks for work. An error names why it never did.
func (h *Host) start(ctx context.Context, f *function) (*sandbox, error) {
	s := &sandbox{
		id: rand.Text(), function: f, accessKeyID: newAccessKeyID(),
		ready: make(chan struct{}), next: make(chan *invocation, 1), started: time.Now(),
	}
	s.stream = newStream(s.id)
	scratch := filepath.Join(h.cfg.Dir, "tmp", s.id)
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, fmt.Errorf("make the scratch directory of %s: %w", f.name, err)
	}
	h.cfg.Keys.Issue(s.accessKeyID, h.sessionARN(f.properties.Role, f.name))

	cmd := exec.Command(filepath.Join(f.root, "bootstrap"))
	cmd.Dir = f.root
	cmd.Env = h.environment(s, scratch)
	if err := h.mayLog(f, s.stream); err != nil {
		h.cfg.Log.Error("function cannot log", "function", f.name, "error", err)
	} else {
		output := &lines{function: f, stream: s.stream, sink: h.logs}
		if f.properties.LoggingConfig.LogFormat == "JSON" {
			output.level = f.properties.LoggingConfig.ApplicationLogLevel
		}
		cmd.Stdout, cmd.Stderr = output, output
	}

	h.mu.Lock() // the process may call at once, and Close must not miss it
	if h.ctx.Err() != nil {
		h.mu.Unlock()
		return nil, errClosed
	}
	process, err := parts.Start(cmd)
	if err != nil {
		h.mu.Unlock()
		return nil, err
	}
	s.process = process
	h.sandboxes[s.id], h.byKey[s.accessKeyID] = s, s
	h.work.Go(func() { h.mourn(s, scratch) })
	h.mu.Unlock()
	return s, h.awaitReady(ctx, s)
}

// newStream names the log stream of a process.
func newStream(id string) string {
	return time.Now().UTC().Format("2006/01/02") + "/[$LATEST]" + strings.ToLower(id)
}

func (h *Host) awaitReady(ctx context.Context, s *sandbox) error {
	timeout := time.NewTimer(initTimeout)
	defer timeout.Stop()
	select {
	case <-s.ready:
		return nil
	case <-s.process.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.initErr != "" {
			return errors.New(s.initErr)
		}
		return errors.New(exit(s.process.Err()))
	case <-timeout.C:
		s.process.Kill()
		return fmt.Errorf("init timed out after %s", initTimeout)
	case <-ctx.Done():
		s.process.Kill()
		return ctx.Err()
	}
}

// mourn forgets a process once it has ended.
func (h *Host) mourn(s *sandbox, scratch string) {
	<-s.process.Done()
	h.mu.Lock()
	delete(h.sandboxes, s.id)
	delete(h.byKey, s.accessKeyID)
	h.mu.Unlock()
	_ = os.RemoveAll(scratch)
}

// environment is all that a process finds in its environment: what Lambda puts there, and the clock if there is
// another one than the machine's.
func (h *Host) environment(s *sandbox, scratch string) []string {
	f := s.function
	vars := map[string]string{}
	for name, value := range f.properties.Environment.Variables {
		vars[name] = string(value)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID":               s.accessKeyID,
		"AWS_SECRET_ACCESS_KEY":           rand.Text(),
		"AWS_SESSION_TOKEN":               rand.Text(),
		"AWS_REGION":                      h.cfg.Region,
		"AWS_DEFAULT_REGION":              h.cfg.Region,
		"AWS_ENDPOINT_URL":                h.cfg.Endpoint,
		"AWS_LAMBDA_RUNTIME_API":          h.listener.Addr().String() + "/" + s.id,
		"AWS_LAMBDA_FUNCTION_NAME":        f.name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(int(f.properties.MemorySize)),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       f.logGroup(),
		"AWS_LAMBDA_LOG_STREAM_NAME":      s.stream,
		"LAMBDA_TASK_ROOT":                f.root,
		"_HANDLER":                        "bootstrap",
		"PATH":                            "/usr/local/bin:/usr/bin:/bin",
		"TZ":                              ":UTC",
		"HOME":                            scratch, // not the developer's, whose AWS profiles are there
		"TMPDIR":                          scratch,
	} {
		vars[name] = value
	}
	if h.cfg.Clock.Speed() != 1 {
		vars[clock.Variable] = h.cfg.Clock.String()
	}
	if format := f.properties.LoggingConfig.LogFormat; format != "" {
		vars["AWS_LAMBDA_LOG_FORMAT"] = strings.ToUpper(format)
	}
	if level := f.properties.LoggingConfig.ApplicationLogLevel; level != "" {
		vars["AWS_LAMBDA_LOG_LEVEL"] = level
	}
	environment := make([]string, 0, len(vars))
	for name, value := range vars {
		environment = append(environment, name+"="+value)
	}
	return environment
}

// newAccessKeyID makes an id as those of temporary credentials are.
func newAccessKeyID() string { return "ASIA" + rand.Text()[:16] }

// errorPayload is a function error as the caller of Invoke sees it.
func errorPayload(kind, message string) []byte {
	payload, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	return payload
}

// exit words how a process ended as Lambda does.
func exit(err error) string {
	if err == nil {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + err.Error()
}
