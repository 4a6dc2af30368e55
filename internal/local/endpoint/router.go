package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// maxBody bounds a request's body that is read whole, far above any API call. Bodies of objects are streamed.
const maxBody = 64 << 20

// Authorizer reports whether a caller may make a call. A denial is an *Error, worded as AWS would.
// The account owner's calls (Call.Principal is empty) are not asked about.
type Authorizer interface {
	Authorize(ctx context.Context, call Call) error
}

// Config is what a Router needs. Account, Region and Log are required.
type Config struct {
	Account    string     // twelve digits
	Region     string     // such as "eu-west-1"
	Principals Principals // nil: every caller is the account's owner
	Authorizer Authorizer // nil: everything is allowed
	Log        *slog.Logger
}

// Router is the local cloud's one address, an http.Handler. Register services before it serves.
type Router struct {
	config Config

	mu       sync.RWMutex
	services map[string]backend // by signing name
	before   []func(Call) error
	after    []func(Call, int) error
}

// backend carries a call out and writes its answer.
type backend interface {
	serve(ctx context.Context, call Call, protocol protocol) answer
}

// answer is a response before it is sent, so that a hook may still lose it.
type answer struct {
	status int
	header http.Header
	body   []byte
	stream io.ReadCloser // follows body; nil if there is none
}

// New makes a router without services.
func New(config Config) *Router {
	return &Router{config: config, services: map[string]backend{}}
}

// Handle registers a fake under its signing name, in place of what was there.
func (r *Router) Handle(service Service) {
	r.register(service.Name, &fake{service: service, log: r.config.Log})
}

// Proxy registers a real part: calls signed for name are forwarded to target. For "sqs" queue URLs
// are translated on the way, so that what a caller sees points to the address that it called.
func (r *Router) Proxy(name string, target *url.URL) {
	r.register(name, newProxy(name, target, r.config))
}

// Front registers a fake before what is registered under its signing name: it answers its operations, and
// all others go on to what is behind it, such as a real part that lacks some.
func (r *Router) Front(service Service) {
	r.mu.RLock()
	behind := r.services[service.Name]
	r.mu.RUnlock()
	r.register(service.Name, &front{fake: fake{service: service, log: r.config.Log}, behind: behind})
}

// Guard puts a check before what is registered under a signing name: a call that it returns an error for is
// answered with that, and goes no further. It is for real parts that take what AWS refuses.
func (r *Router) Guard(name string, check func(Call) error) {
	r.mu.RLock()
	behind := r.services[name]
	r.mu.RUnlock()
	r.register(name, &guard{check: check, behind: behind})
}

func (r *Router) register(name string, b backend) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.services[name] = b
}

// Before adds a hook that sees each authorized call before it is carried out. If it returns an
// error the call is not carried out and the caller's connection is cut: the caller died, as it were.
func (r *Router) Before(hook func(Call) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before = append(r.before, hook)
}

// After adds a hook that sees each call with its HTTP status when it is done, denied ones (403) and
// unknown ones (501) included. If it returns an error the answer is lost and the caller's
// connection is cut: the call was carried out, the caller died before it knew.
func (r *Router) After(hook func(call Call, status int) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.after = append(r.after, hook)
}

// ServeHTTP decodes, authorizes and carries out one call.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	signature, ok := readSignature(req)
	var body []byte
	if protocolOf(req, signature.service) == protocolS3 && isStream(req) {
		defer drain(req)
	} else {
		var err error
		if body, err = io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody)); err != nil {
			http.Error(w, "request body could not be read", http.StatusRequestEntityTooLarge)
			return
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	if !ok {
		send(w, encodeError(protocolOf(req, ""), &Error{Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token", Status: http.StatusForbidden}))
		return
	}
	protocol := protocolOf(req, signature.service)
	call, err := decode(protocol, signature.service, req, body)
	if err == nil && protocol == protocolQuery && call.Service == "sqs" {
		call, err = queueCall(call)
	}
	if err != nil {
		send(w, encodeError(protocol, err))
		return
	}
	if call.asQuery {
		protocol = protocolJSON
	}
	if r.config.Principals != nil {
		call.Principal = r.config.Principals.Principal(signature.accessKeyID)
	}
	if cut := r.carryOut(w, call, protocol); cut {
		panic(http.ErrAbortHandler)
	}
}

// carryOut runs one decoded call between its hooks. It reports whether a hook lost the caller.
func (r *Router) carryOut(w http.ResponseWriter, call Call, protocol protocol) (cut bool) {
	r.mu.RLock()
	backend, known := r.services[call.Service]
	before, after := r.before, r.after
	r.mu.RUnlock()

	ctx := call.Request.Context()
	reply := func() answer {
		if !known {
			return notImplemented(r.config.Log, call, protocol)
		}
		if call.Principal != "" && r.config.Authorizer != nil {
			if err := r.config.Authorizer.Authorize(ctx, call); err != nil {
				r.config.Log.Warn("call denied", "service", call.Service, "operation", call.Operation, "reason", err)
				return encodeError(protocol, err)
			}
		}
		for _, hook := range before {
			if err := hook(call); err != nil {
				cut = true
				return answer{}
			}
		}
		return backend.serve(ctx, call, protocol)
	}()
	if cut {
		return true
	}
	for _, hook := range after {
		if err := hook(call, reply.status); err != nil {
			if reply.stream != nil {
				_ = reply.stream.Close()
			}
			return true
		}
	}
	if call.asQuery {
		reply = queueAnswer(call.Operation, reply)
	}
	send(w, reply)
	return false
}

func send(w http.ResponseWriter, a answer) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.stream == nil && len(a.body) > 0 { // so that nothing is waited for behind a large one
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the caller may have gone: nobody is left to tell
	if a.stream == nil {
		return
	}
	defer func() { _ = a.stream.Close() }()
	if _, err := io.Copy(w, a.stream); err != nil {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
}

// fake answers calls from a Service's operations.
type fake struct {
	service Service
	log     *slog.Logger
}

func (f *fake) serve(ctx context.Context, call Call, protocol protocol) answer {
	operation, ok := f.service.Operations[call.Operation]
	if !ok {
		return notImplemented(f.log, call, protocol)
	}
	result, err := operation(ctx, call)
	if err != nil {
		var failure *Error
		if !errors.As(err, &failure) {
			f.log.Error("operation failed", "service", call.Service, "operation", call.Operation, "error", err)
		}
		return encodeError(protocol, err)
	}
	return encodeResult(protocol, call, result)
}

// front is a fake of some operations, before a backend that has the others.
type front struct {
	fake   fake
	behind backend // nil: the fake is all there is
}

func (f *front) serve(ctx context.Context, call Call, protocol protocol) answer {
	if _, ok := f.fake.service.Operations[call.Operation]; ok || f.behind == nil {
		return f.fake.serve(ctx, call, protocol)
	}
	return f.behind.serve(ctx, call, protocol)
}

// guard refuses some calls, and hands all others on.
type guard struct {
	check  func(Call) error
	behind backend
}

func (g *guard) serve(ctx context.Context, call Call, protocol protocol) answer {
	if err := g.check(call); err != nil {
		return encodeError(protocol, err)
	}
	return g.behind.serve(ctx, call, protocol)
}

// notImplemented refuses what no part of the project uses, in the answer and in the log.
func notImplemented(log *slog.Logger, call Call, protocol protocol) answer {
	log.Warn("operation not implemented", "service", call.Service, "operation", call.Operation)
	return encodeError(protocol, &Error{
		Code:    "NotImplemented",
		Message: fmt.Sprintf("the local cloud has no %s:%s", call.Service, call.Operation),
		Status:  http.StatusNotImplemented,
	})
}
