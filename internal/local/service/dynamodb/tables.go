package dynamodb

import (
	"context"
	"sync"
	"time"

	"headroom/internal/local/disorder"
	"headroom/internal/local/endpoint"
)

// Tables is the layer before the DynamoDB program. Tables are known to it from their creation on.
type Tables struct {
	untidy disorder.Tables
	source *disorder.Source
	now    func() time.Time

	mu     sync.Mutex
	tables map[string]table
	busy   map[string]int   // how many calls write an item now, or -1: a transaction does
	stale  map[string]image // what the indexes still show
	tally  Tally
}

// Tally counts what went untidily.
type Tally struct {
	Conflicts int // calls that were refused because a transaction was under way
	Stale     int // answers of indexes that did not know what had been written
}

// Tally returns the counts so far.
func (t *Tables) Tally() Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tally
}

// New returns a layer that is as untidy as it is told to be, by the choices of a source.
func New(untidy disorder.Tables, source *disorder.Source, now func() time.Time) *Tables {
	return &Tables{
		untidy: untidy, source: source, now: now,
		tables: map[string]table{}, busy: map[string]int{}, stale: map[string]image{},
	}
}

// Layer is the layer's part in a call.
func (t *Tables) Layer(ctx context.Context, call endpoint.Call, next func(context.Context, endpoint.Call) endpoint.Reply) (endpoint.Reply, error) {
	switch call.Operation {
	case "CreateTable":
		t.learn(call)
	case "Query", "Scan":
		if _, ofIndex := call.Params["IndexName"].(string); ofIndex {
			return t.lag(call, next(ctx, call)), nil
		}
	}
	writes, transaction := t.writes(call)
	if len(writes) == 0 {
		return next(ctx, call), nil
	}
	if err := t.begin(writes, transaction); err != nil {
		return endpoint.Reply{}, err
	}
	defer t.end(writes, transaction)
	if transaction && !pause(ctx, t.source.Part(t.untidy.Transaction)) {
		return endpoint.Reply{}, ctx.Err() // its caller is gone: nothing is written
	}
	before := t.images(ctx, call, writes, next)
	reply := next(ctx, call)
	if reply.Status == 200 {
		t.written(writes, before)
	}
	return reply, nil
}

// pause waits, and reports whether the caller is still there then.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
