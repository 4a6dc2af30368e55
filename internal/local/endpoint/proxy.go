package endpoint

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
)

// proxy forwards calls to a real part.
type proxy struct {
	name      string
	target    *url.URL
	transport *http.Transport
	queues    *queueURLs // nil for all but SQS: calls go through as they are
	log       *slog.Logger
}

func newProxy(name string, target *url.URL, config Config) *proxy {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxIdleConnsPerHost = 128 // long polls hold a connection each
	transport.DisableCompression = true // answers go through as they are
	p := &proxy{name: name, target: target, transport: transport, log: config.Log}
	if name == "sqs" {
		p.queues = &queueURLs{account: config.Account, send: p.roundTrip}
	}
	return p
}

func (p *proxy) serve(ctx context.Context, call Call, protocol protocol) answer {
	body := call.Body
	if p.queues != nil {
		var err error
		if body, err = p.queues.request(ctx, call); err != nil {
			return encodeError(protocol, err)
		}
	}
	reply, err := p.roundTrip(ctx, call.Request, body)
	if err != nil {
		if ctx.Err() == nil {
			p.log.Error("part did not answer", "part", p.name, "operation", call.Operation, "error", err)
		}
		return encodeError(protocol, &Error{Code: "ServiceUnavailable", Message: err.Error(), Status: http.StatusServiceUnavailable})
	}
	if p.queues != nil {
		reply.body = p.queues.response(call, reply.body)
	}
	return reply
}

// hopByHop headers concern one connection and are not passed on.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"}

// roundTrip sends a request like original, with another body, to the part.
func (p *proxy) roundTrip(ctx context.Context, original *http.Request, body []byte) (answer, error) {
	target := *p.target
	target.Path, target.RawPath = "", ""
	target.RawQuery = original.URL.RawQuery
	path := original.URL.EscapedPath()
	if p.name == "sqs" {
		path = "/" // some clients send to the path of the queue's URL
	}
	full := target.Scheme + "://" + target.Host + path
	if target.RawQuery != "" {
		full += "?" + target.RawQuery
	}
	req, err := http.NewRequestWithContext(ctx, original.Method, full, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("forward to %s: %w", p.name, err)
	}
	req.Header = original.Header.Clone()
	for _, name := range hopByHop {
		req.Header.Del(name)
	}
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		return answer{}, fmt.Errorf("forward to %s: %w", p.name, err)
	}
	defer resp.Body.Close()
	received, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("read answer of %s: %w", p.name, err)
	}
	header := resp.Header.Clone()
	for _, name := range hopByHop {
		if name != "Content-Length" || original.Method != http.MethodHead {
			header.Del(name)
		}
	}
	return answer{status: resp.StatusCode, header: header, body: received}, nil
}
