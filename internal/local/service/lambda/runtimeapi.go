package lambda

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxPayload is what Lambda takes as a response.
const maxPayload = 6 << 20

// runtimeAPI serves the Lambda Runtime API to all processes. Each finds it under its own id, which
// is part of the address that it is given.
func (h *Host) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, serve func(*sandbox, http.ResponseWriter, *http.Request)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			h.mu.Lock()
			s := h.sandboxes[r.PathValue("sandbox")]
			h.mu.Unlock()
			if s == nil {
				http.Error(w, "no such process", http.StatusForbidden)
				return
			}
			serve(s, w, r)
		})
	}
	const prefix = "/{sandbox}/2018-06-01/runtime/"
	handle("GET "+prefix+"invocation/next", (*sandbox).serveNext)
	handle("POST "+prefix+"invocation/{id}/response", func(s *sandbox, w http.ResponseWriter, r *http.Request) {
		s.serveAnswer(w, r, "")
	})
	handle("POST "+prefix+"invocation/{id}/error", func(s *sandbox, w http.ResponseWriter, r *http.Request) {
		s.serveAnswer(w, r, "Unhandled")
	})
	handle("POST "+prefix+"init/error", (*sandbox).serveInitError)
	return mux
}

// serveNext holds the process's request until there is something to do. Asking for more is also how
// a process ends the invocation before.
func (s *sandbox) serveNext(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.current != nil && s.current.answered {
		close(s.current.done)
		s.current = nil
	}
	if !s.asked {
		s.asked = true
		close(s.ready)
	}
	s.mu.Unlock()

	select {
	case invocation := <-s.next:
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Lambda-Runtime-Aws-Request-Id", invocation.id)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(invocation.deadline.UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", s.function.arn)
		header.Set("Lambda-Runtime-Trace-Id", traceID(invocation.id))
		_, _ = w.Write(invocation.payload) // a process that has gone is noticed by its end
	case <-r.Context().Done():
	}
}

// serveAnswer takes the result of the invocation that the process is at.
func (s *sandbox) serveAnswer(w http.ResponseWriter, r *http.Request, functionError string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	if err != nil {
		http.Error(w, "the payload could not be read or is too large", http.StatusRequestEntityTooLarge)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || s.current.id != r.PathValue("id") || s.current.answered {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	s.current.answered = true
	s.current.result.Payload = body
	s.current.result.FunctionError = functionError
	w.WriteHeader(http.StatusAccepted)
}

func (s *sandbox) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	s.mu.Lock()
	s.initErr = string(body)
	s.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

// traceID is an X-Ray trace header that is not sampled.
func traceID(requestID string) string {
	hex := ""
	for _, c := range requestID {
		if c != '-' {
			hex += string(c)
		}
	}
	return "Root=1-" + strconv.FormatInt(time.Now().Unix(), 16) + "-" + hex[:24] + ";Parent=" + hex[:16] + ";Sampled=0"
}
