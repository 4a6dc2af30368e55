package lambda

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Result is what an invocation came to.
type Result struct {
	RequestID     string
	Payload       []byte // the function's answer, or its error as JSON
	FunctionError string // "Unhandled" if the function failed, ran out of time, or its process died
}

var errClosed = errors.New("the Lambda host is closed")

// Invoke runs a function, by name or ARN, on one event and waits for its result. It waits while the
// function's concurrency is used up. A function that fails is no error, as with the real Invoke.
func (h *Host) Invoke(ctx context.Context, functionName string, payload []byte) (Result, error) {
	f, err := h.function(functionName)
	if err != nil {
		return Result{}, err
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return Result{}, fmt.Errorf("wait to invoke %s: %w", f.name, ctx.Err())
	case <-h.ctx.Done():
		return Result{}, fmt.Errorf("invoke %s: %w", f.name, errClosed)
	}

	requestID := uuid()
	s, cold, err := h.acquire(ctx, f)
	if err != nil {
		h.logs.platform(f, newStream(requestID), "initReport", map[string]any{"requestId": requestID, "status": "error", "errorType": err.Error()})
		return Result{RequestID: requestID, FunctionError: "Unhandled", Payload: errorPayload("Runtime.ExitError", err.Error())}, nil
	}
	i := &invocation{
		id: requestID, payload: payload, deadline: time.Now().Add(f.timeout()),
		result: Result{RequestID: requestID}, done: make(chan struct{}),
	}
	report := h.run(s, i)
	if cold > 0 {
		report["metrics"].(map[string]any)["initDurationMs"] = cold.Milliseconds()
	}
	h.logs.platform(f, s.stream, "report", report)
	return i.result, nil
}

// acquire takes an idle process, or starts one and says how long that took.
func (h *Host) acquire(ctx context.Context, f *function) (*sandbox, time.Duration, error) {
	f.mu.Lock()
	for len(f.idle) > 0 {
		s := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		select {
		case <-s.process.Done():
			continue
		default:
		}
		f.mu.Unlock()
		return s, 0, nil
	}
	f.mu.Unlock()
	began := time.Now()
	s, err := h.start(ctx, f)
	return s, time.Since(began), err
}

// run hands an invocation to a process and waits until it is answered, too late, or the process is
// dead. It gives the record of the line that reports it.
func (h *Host) run(s *sandbox, i *invocation) map[string]any {
	f := s.function
	s.mu.Lock()
	s.current = i
	s.mu.Unlock()
	began := time.Now()
	s.next <- i

	timeout := time.NewTimer(time.Until(i.deadline))
	defer timeout.Stop()
	status := "success"
	select {
	case <-i.done:
		if i.result.FunctionError != "" {
			status = "error"
		}
		h.release(s)
	case <-timeout.C:
		status = "timeout"
		s.process.Kill()
		<-s.process.Done()
		s.abandon(i)
		i.fail("Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", f.timeout().Seconds()))
	case <-s.process.Done():
		if answered := s.abandon(i); !answered {
			i.fail("Runtime.ExitError", exit(s.process.Err()))
		}
		if i.result.FunctionError != "" {
			status = "failure"
		}
	}
	s.mu.Lock()
	peak := s.peak
	s.mu.Unlock()
	return map[string]any{"requestId": i.id, "status": status, "metrics": map[string]any{
		"durationMs":      float64(time.Since(began).Microseconds()) / 1000,
		"memorySizeMB":    int(f.properties.MemorySize),
		"maxMemoryUsedMB": peak >> 20,
	}}
}

// abandon makes a process's late answers void, and reports whether it had answered already.
func (s *sandbox) abandon(i *invocation) (answered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = nil
	return i.answered
}

func (i *invocation) fail(kind, message string) {
	i.result.FunctionError = "Unhandled"
	i.result.Payload = errorPayload(kind, "RequestId: "+i.id+" Error: "+message)
}

// release makes a process available to the next invocation.
func (h *Host) release(s *sandbox) {
	s.mu.Lock()
	s.idleFrom = time.Now()
	s.mu.Unlock()
	f := s.function
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.retired {
		s.process.Kill()
		return
	}
	f.idle = append(f.idle, s)
}

// reap stops the processes of f that have been idle since before limit, and forgets dead ones.
func (f *function) reap(limit time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = slices.DeleteFunc(f.idle, func(s *sandbox) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.idleFrom.Before(limit) {
			s.process.Kill()
			return true
		}
		return false
	})
}

// uuid makes a random identifier in the form that AWS uses.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
