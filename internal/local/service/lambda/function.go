package lambda

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/parts"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// functionProperties are the properties of AWS::Lambda::Function that matter here.
type functionProperties struct {
	FunctionName                 string
	Description                  string
	Runtime                      string
	Handler                      string
	Architectures                []string
	Role                         string
	MemorySize                   weakjson.Int // MiB
	Timeout                      weakjson.Int // seconds
	ReservedConcurrentExecutions *weakjson.Int
	Environment                  struct{ Variables map[string]weakjson.Text }
	LoggingConfig                struct{ LogFormat, ApplicationLogLevel, LogGroup string }
	VpcConfig                    struct{ SubnetIds, SecurityGroupIds []string }
}

// function is one deployed function and its processes.
type function struct {
	name       string
	arn        string
	properties functionProperties
	root       string        // its code's directory
	slots      chan struct{} // one element for each invocation under way
	made       time.Time
	reading    sync.Once
	read       code // what is said of its program, once that was read

	mu      sync.Mutex
	idle    []*sandbox // the last used is last
	retired bool       // replaced or deleted: its processes end after their invocation
}

func (h *Host) createFunction(r resource.Resource) (resource.Created, error) {
	properties := functionProperties{MemorySize: 128, Timeout: 3}
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	name := properties.FunctionName
	if name == "" {
		name = r.GeneratedName()
	}
	created := resource.Created{PhysicalID: name, Attributes: map[string]any{"Arn": h.functionARN(name)}}

	if existing, err := h.function(name); err == nil && reflect.DeepEqual(existing.properties, properties) {
		return created, nil
	}
	if err := h.cfg.Assume("lambda.amazonaws.com", properties.Role); err != nil {
		return resource.Created{}, fmt.Errorf("the role defined for the function cannot be assumed by Lambda: %w", err)
	}
	if len(properties.VpcConfig.SubnetIds) > 0 {
		if err := h.mayEnterVPC(properties, name); err != nil {
			return resource.Created{}, err
		}
	}
	root, err := h.unpack(name)
	if err != nil {
		return resource.Created{}, err
	}
	limit := h.cfg.Concurrency
	if reserved := properties.ReservedConcurrentExecutions; reserved != nil {
		limit = min(limit, int(*reserved))
	}
	f := &function{name: name, arn: h.functionARN(name), properties: properties, root: root, slots: make(chan struct{}, limit), made: time.Now()}

	h.deleteFunction(name)
	h.mu.Lock()
	h.functions[name] = f
	h.mu.Unlock()
	return created, nil
}

func (h *Host) deleteFunction(name string) {
	h.mu.Lock()
	f := h.functions[name]
	delete(h.functions, name)
	h.mu.Unlock()
	if f == nil {
		return
	}
	f.mu.Lock()
	idle := f.idle
	f.idle, f.retired = nil, true
	f.mu.Unlock()
	for _, s := range idle {
		s.process.Kill()
	}
}

// function finds a function by its name or ARN.
func (h *Host) function(nameOrARN string) (*function, error) {
	name := strings.TrimPrefix(nameOrARN, h.functionARN(""))
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.functions[name]
	if !ok {
		return nil, fmt.Errorf("function not found: %s", h.functionARN(name))
	}
	return f, nil
}

func (h *Host) functionARN(name string) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", h.cfg.Region, h.cfg.Account, name)
}

func (f *function) timeout() time.Duration { return time.Duration(f.properties.Timeout) * time.Second }

func (f *function) logGroup() string {
	if group := f.properties.LoggingConfig.LogGroup; group != "" {
		return group
	}
	return "/aws/lambda/" + f.name
}

// unpack makes the directory that a function finds its code in.
func (h *Host) unpack(name string) (string, error) {
	source, err := h.cfg.Binary(name)
	if err != nil {
		return "", fmt.Errorf("find the code of %s: %w", name, err)
	}
	root, err := parts.Unpack(filepath.Join(h.cfg.Dir, "code"), name, source, h.cfg.Overlay)
	if err != nil {
		return "", fmt.Errorf("unpack the code of %s: %w", name, err)
	}
	return root, nil
}
