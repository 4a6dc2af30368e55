package endpoint

import (
	"context"
	"net/http"
)

// Reply is an answer of a real part on its way back.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Layer stands before a real part: it hands a call on, itself or another one, and may change what comes
// back. An error is answered instead.
type Layer func(ctx context.Context, call Call, next func(context.Context, Call) Reply) (Reply, error)

// Layer puts a layer before what is registered under a signing name.
func (r *Router) Layer(name string, l Layer) {
	r.mu.RLock()
	behind := r.services[name]
	r.mu.RUnlock()
	r.register(name, &layered{layer: l, behind: behind})
}

type layered struct {
	layer  Layer
	behind backend
}

func (l *layered) serve(ctx context.Context, call Call, protocol protocol) answer {
	next := func(ctx context.Context, call Call) Reply {
		a := l.behind.serve(ctx, call, protocol)
		return Reply{Status: a.status, Header: a.header, Body: a.body}
	}
	reply, err := l.layer(ctx, call, next)
	if err != nil {
		return encodeError(protocol, err)
	}
	return answer{status: reply.Status, header: reply.Header, body: reply.Body}
}
