package lambda

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// Service answers Lambda's API: what an operator looks at, and Invoke.
func (h *Host) Service() endpoint.Service {
	return endpoint.Service{Name: "lambda", Operations: map[string]endpoint.Operation{
		"ListFunctions":            h.apiListFunctions,
		"GetFunction":              h.apiGetFunction,
		"GetFunctionConfiguration": h.apiGetConfiguration,
		"ListEventSourceMappings":  h.apiListMappings,
		"Invoke":                   h.apiInvoke,
	}}
}

// named finds the function that a call names: by name, ARN or part of one, with or without the version
// that there is.
func (h *Host) named(call endpoint.Call) (*function, error) {
	name, _ := call.Params["FunctionName"].(string)
	if _, rest, ok := strings.Cut(name, ":function:"); ok {
		name = rest
	}
	name, qualifier, _ := strings.Cut(name, ":")
	if q, ok := call.Params["Qualifier"].(string); ok {
		qualifier = q
	}
	f, err := h.function(name)
	if err != nil || qualifier != "" && qualifier != version {
		arn := h.functionARN(name)
		if qualifier != "" {
			arn += ":" + qualifier
		}
		return nil, &endpoint.Error{
			Code: "ResourceNotFoundException", Message: "Function not found: " + arn, Status: http.StatusNotFound,
			Fields: map[string]any{"Type": "User", "Message": "Function not found: " + arn},
		}
	}
	return f, nil
}

// version is the only one that a function has.
const version = "$LATEST"

// defaultPage is how many functions or mappings an answer has at most.
const defaultPage = 50

// listing is what the operations take that list something; the marker is what the page before ended with.
type listing struct {
	Marker         string
	MaxItems       weakjson.Int
	FunctionName   string
	EventSourceArn string
}

func (h *Host) apiListFunctions(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeListing(call)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	functions := maps.Clone(h.functions)
	h.mu.Unlock()
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		if name <= input.Marker {
			continue
		}
		if len(list) == int(input.MaxItems) {
			return map[string]any{"Functions": list, "NextMarker": list[len(list)-1].(map[string]any)["FunctionName"]}, nil
		}
		list = append(list, functions[name].shown())
	}
	return map[string]any{"Functions": list}, nil
}

func decodeListing(call endpoint.Call) (listing, error) {
	input := listing{MaxItems: defaultPage}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, &endpoint.Error{Code: "InvalidParameterValueException", Message: err.Error()}
	}
	if input.MaxItems < 1 || input.MaxItems > defaultPage {
		input.MaxItems = defaultPage
	}
	return input, nil
}

func (h *Host) apiGetConfiguration(_ context.Context, call endpoint.Call) (any, error) {
	f, err := h.named(call)
	if err != nil {
		return nil, err
	}
	return f.shown(), nil
}

func (h *Host) apiGetFunction(_ context.Context, call endpoint.Call) (any, error) {
	f, err := h.named(call)
	if err != nil {
		return nil, err
	}
	// Where the code lies is this machine's affair: there is nothing to download.
	answer := map[string]any{"Configuration": f.shown(), "Code": map[string]any{"RepositoryType": "S3"}}
	if reserved := f.properties.ReservedConcurrentExecutions; reserved != nil {
		answer["Concurrency"] = map[string]any{"ReservedConcurrentExecutions": int(*reserved)}
	}
	return answer, nil
}

// shown is a function as Lambda describes it.
func (f *function) shown() map[string]any {
	p := f.properties
	code := f.code()
	shown := map[string]any{
		"FunctionName": f.name, "FunctionArn": f.arn, "Role": p.Role, "Runtime": p.Runtime, "Handler": p.Handler,
		"CodeSize": code.size, "CodeSha256": code.sum, "Description": p.Description, "Timeout": int(p.Timeout),
		"MemorySize": int(p.MemorySize), "Version": version, "PackageType": "Zip", "State": "Active",
		"LastUpdateStatus": "Successful", "LastModified": f.made.UTC().Format("2006-01-02T15:04:05.000+0000"),
		"TracingConfig":    map[string]any{"Mode": "PassThrough"},
		"EphemeralStorage": map[string]any{"Size": 512},
		"LoggingConfig":    f.loggingConfig(),
	}
	if len(p.Architectures) > 0 {
		shown["Architectures"] = p.Architectures
	}
	if len(p.Environment.Variables) > 0 {
		shown["Environment"] = map[string]any{"Variables": p.Environment.Variables}
	}
	if len(p.VpcConfig.SubnetIds) > 0 {
		shown["VpcConfig"] = map[string]any{"SubnetIds": p.VpcConfig.SubnetIds, "SecurityGroupIds": p.VpcConfig.SecurityGroupIds}
	}
	return shown
}

func (f *function) loggingConfig() map[string]any {
	config := map[string]any{"LogFormat": "Text", "LogGroup": f.logGroup()}
	if format := f.properties.LoggingConfig.LogFormat; format != "" {
		config["LogFormat"] = format
	}
	if level := f.properties.LoggingConfig.ApplicationLogLevel; level != "" {
		config["ApplicationLogLevel"] = level
	}
	return config
}

// code is what there is to say of a function's program.
type code struct {
	size int64
	sum  string
}

// code reads the program once: it does not change under a function.
func (f *function) code() code {
	f.reading.Do(func() {
		program, err := os.ReadFile(filepath.Join(f.root, "bootstrap"))
		if err != nil {
			return // it is being deleted
		}
		sum := sha256.Sum256(program)
		f.read = code{size: int64(len(program)), sum: base64.StdEncoding.EncodeToString(sum[:])}
	})
	return f.read
}

func (h *Host) apiListMappings(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeListing(call)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []any{}
	for _, id := range slices.Sorted(maps.Keys(h.mappings)) {
		m := h.mappings[id]
		arn := h.functionARN(strings.TrimPrefix(m.properties.FunctionName, h.functionARN("")))
		switch {
		case id <= input.Marker:
		case input.FunctionName != "" && input.FunctionName != arn && h.functionARN(input.FunctionName) != arn:
		case input.EventSourceArn != "" && input.EventSourceArn != m.properties.EventSourceArn:
		case len(list) == int(input.MaxItems):
			return map[string]any{"EventSourceMappings": list, "NextMarker": list[len(list)-1].(map[string]any)["UUID"]}, nil
		default:
			state := "Enabled"
			if m.properties.Enabled != nil && !bool(*m.properties.Enabled) {
				state = "Disabled"
			}
			list = append(list, map[string]any{
				"UUID": id, "FunctionArn": arn, "EventSourceArn": m.properties.EventSourceArn, "State": state,
				"BatchSize": int(m.properties.BatchSize), "FunctionResponseTypes": m.properties.FunctionResponseTypes,
				"MaximumBatchingWindowInSeconds": int(m.properties.MaximumBatchingWindowInSeconds),
				"ScalingConfig":                  map[string]any{"MaximumConcurrency": cap(m.slots)},
				"StateTransitionReason":          "USER_INITIATED",
			})
		}
	}
	return map[string]any{"EventSourceMappings": list}, nil
}

// tailSize is how much of an invocation's log comes with its answer.
const tailSize = 4 << 10

func (h *Host) apiInvoke(ctx context.Context, call endpoint.Call) (any, error) {
	f, err := h.named(call)
	if err != nil {
		return nil, err
	}
	payload := call.Body
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if !json.Valid(payload) {
		return nil, &endpoint.Error{
			Code: "InvalidRequestContentException", Message: "Could not parse request body into json: the payload is no JSON",
			Fields: map[string]any{"Type": "User"},
		}
	}
	switch kind := call.Request.Header.Get("X-Amz-Invocation-Type"); kind {
	case "DryRun":
		return endpoint.Raw{Status: http.StatusNoContent}, nil
	case "Event":
		h.work.Go(func() {
			// Whoever sent it does not wait: it ends with the host, or by itself.
			if _, err := h.Invoke(h.ctx, f.name, payload); err != nil && h.ctx.Err() == nil {
				h.cfg.Log.Error("function could not be invoked", "function", f.name, "error", err)
			}
		})
		return endpoint.Raw{Status: http.StatusAccepted}, nil
	case "", "RequestResponse":
	default:
		return nil, &endpoint.Error{Code: "InvalidParameterValueException", Message: "Invalid invocation type " + strconv.Quote(kind)}
	}
	var tail *logTail
	if call.Request.Header.Get("X-Amz-Log-Type") == "Tail" {
		tail = &logTail{function: f.name}
		defer h.Subscribe(tail.receive)()
	}
	result, err := h.Invoke(ctx, f.name, payload)
	if err != nil {
		return nil, fmt.Errorf("invoke %s: %w", f.name, err)
	}
	header := http.Header{"Content-Type": {"application/json"}, "X-Amz-Executed-Version": {version}}
	if result.FunctionError != "" {
		header.Set("X-Amz-Function-Error", result.FunctionError)
	}
	if tail != nil {
		header.Set("X-Amz-Log-Result", tail.encoded(result.RequestID))
	}
	return endpoint.Raw{Status: http.StatusOK, Header: header, Body: result.Payload}, nil
}

// logTail collects what a function logs during an invocation.
type logTail struct {
	function string

	mu    sync.Mutex
	lines []Line
}

func (t *logTail) receive(line Line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if line.Function == t.function {
		t.lines = append(t.lines, line)
	}
}

// encoded is the end of the log of the process that reported the request.
func (t *logTail) encoded(requestID string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	stream := ""
	for _, line := range t.lines {
		if strings.Contains(line.Text, requestID) {
			stream = line.Stream
		}
	}
	var text strings.Builder
	for _, line := range t.lines {
		if line.Stream == stream {
			text.WriteString(line.Text + "\n")
		}
	}
	all := text.String()
	return base64.StdEncoding.EncodeToString([]byte(all[max(0, len(all)-tailSize):]))
}
