package endtoend

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/local"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/service/eventbridge"
	"headroom/internal/local/service/lambda"
)

// watch keeps what a system says and does, and wakes whoever waits for it.
type watch struct {
	mu        sync.Mutex
	published []published   // on Headroom's bus, in order
	lines     []lambda.Line // of the functions' logs, in order
	calls     []call        // that functions made, in order
	news      chan struct{} // closed by the next event or line
}

// published is an event and when it was put on the bus.
type published struct {
	eventbridge.Event
	at time.Time
}

// call is an AWS call that a function made.
type call struct {
	function, service, operation, body string
	status                             int // HTTP
}

func newWatch(cloud *local.Cloud) *watch {
	w := &watch{news: make(chan struct{})}
	cloud.Events.Subscribe("headroom-"+stage, func(e eventbridge.Event) {
		w.tell(func() { w.published = append(w.published, published{e, time.Now()}) })
	})
	cloud.Functions.Subscribe(func(l lambda.Line) {
		w.tell(func() { w.lines = append(w.lines, l) })
	})
	cloud.Router.After(func(c endpoint.Call, status int) error {
		if function, ok := functionOf(c); ok {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.calls = append(w.calls, call{function, c.Service, c.Operation, string(c.Body), status})
		}
		return nil
	})
	return w
}

// functionOf names the function whose call it is. Calls that Lambda makes in its name (it polls the
// queues) count as the function's.
func functionOf(c endpoint.Call) (string, bool) {
	_, session, ok := strings.Cut(c.Principal, ":assumed-role/")
	if !ok {
		return "", false
	}
	name := session[strings.LastIndex(session, "/")+1:]
	return shortName(name), strings.HasPrefix(name, longName(""))
}

func (w *watch) tell(note func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	note()
	close(w.news)
	w.news = make(chan struct{})
}

// await waits until done says so. It looks whenever there is news, and now and then for what makes
// none.
func (w *watch) await(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	w.awaitFor(tb, patience, what, done)
}

// awaitFor is await with another patience, for what takes longer than a moment.
func (w *watch) awaitFor(tb testing.TB, atMost time.Duration, what string, done func() bool) {
	tb.Helper()
	if err := w.wait(tb.Context(), atMost, done); err != nil {
		tb.Fatalf("waited in vain for this: %s", what)
	}
}

func (w *watch) wait(ctx context.Context, atMost time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for {
		w.mu.Lock()
		news := w.news
		w.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-news:
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mark is where the logs are now.
func (w *watch) mark() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.lines)
}

// logged finds the first line of a function's log after a mark that has all the parts.
func (w *watch) logged(mark int, function string, parts ...string) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.lines[mark:] {
		if shortName(line.Function) == function && containsAll(line.Text, parts) {
			return line.Text, true
		}
	}
	return "", false
}

func (w *watch) awaitLog(tb testing.TB, mark int, function string, parts ...string) string {
	tb.Helper()
	var text string
	w.await(tb, "the log of "+function+" says "+strings.Join(parts, " … "), func() (ok bool) {
		text, ok = w.logged(mark, function, parts...)
		return ok
	})
	return text
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// heard lists the events of a type on Headroom's bus so far, in order, repeated ones too.
func heard[E events.Event](w *watch) []E {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []E
	for _, p := range w.published {
		var e E
		if p.DetailType == e.DetailType() && json.Unmarshal(p.Detail, &e) == nil {
			found = append(found, e)
		}
	}
	return found
}

// firstOf returns the first event of a type for each key.
func firstOf[E events.Event](w *watch, key func(E) string) map[string]E {
	first := map[string]E{}
	for _, e := range heard[E](w) {
		if _, ok := first[key(e)]; !ok {
			first[key(e)] = e
		}
	}
	return first
}

// dump shows what a failed test may be explained by: the functions' last words of failure.
func (w *watch) dump(tb testing.TB) {
	w.mu.Lock()
	defer w.mu.Unlock()
	shown := map[string]int{}
	for i := len(w.lines) - 1; i >= 0; i-- {
		line := w.lines[i]
		if f := shortName(line.Function); shown[f] < 10 && (strings.Contains(line.Text, `"ERROR"`) || strings.Contains(line.Text, `"WARN"`)) {
			shown[f]++
			tb.Log(f, line.Time.Format(time.TimeOnly), line.Text)
		}
	}
	for _, e := range w.published[max(0, len(w.published)-20):] {
		tb.Logf("%s %.160s", e.DetailType, e.Detail)
	}
}
