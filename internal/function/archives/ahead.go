package archives

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"headroom/internal/pool"
)

const (
	// aheadMost is how many small objects are read at once, of the next that were listed: a request takes tens of
	// milliseconds, so one after the other a million files would take half a day. smallMost bounds what each may
	// hold in memory: larger ones are streamed when their turn comes.
	aheadMost = 32
	smallMost = 256 << 10
)

// Ahead are objects of which the small ones are read before they are opened, in the order in which they were listed last.
// Who opens them in another order gets them all the same.
type Ahead struct {
	Bucket

	mu      sync.Mutex
	bucket  string
	listed  []pool.ObjectVersion // that were not opened yet
	started int                  // how many of those are being read
	coming  []chan fetched       // a channel for each of those; nil for one that is too large
}

// fetched is an object that was read whole, or why it was not.
type fetched struct {
	content []byte
	stored  pool.StoredObject
	err     error
}

// Current is Bucket's, and remembers what comes next.
func (a *Ahead) Current(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error) {
	page, err := a.Bucket.Current(ctx, bucket, prefix, from)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bucket, a.listed, a.started, a.coming = bucket, page.Versions, 0, nil
	return page, err
}

// Open is Bucket's.
func (a *Ahead) Open(ctx context.Context, ref pool.ObjectRef, size int64) (io.ReadCloser, pool.StoredObject, error) {
	coming := a.next(ctx, ref)
	if coming == nil {
		return a.Bucket.Open(ctx, ref, size)
	}
	select {
	case f := <-coming:
		return io.NopCloser(bytes.NewReader(f.content)), f.stored, f.err
	case <-ctx.Done():
		return nil, pool.StoredObject{}, fmt.Errorf("wait for object %q: %w", ref.Key, ctx.Err())
	}
}

// next is where an object comes from that is being read already, and has those behind it be read.
func (a *Ahead) next(ctx context.Context, ref pool.ObjectRef) <-chan fetched {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.listed) == 0 || a.listed[0].Ref(a.bucket) != ref {
		return nil
	}
	for ; a.started < min(aheadMost, len(a.listed)); a.started++ {
		a.coming = append(a.coming, a.fetch(ctx, a.listed[a.started]))
	}
	first := a.coming[0]
	a.listed, a.coming = a.listed[1:], a.coming[1:]
	a.started--
	return first
}

// fetch begins to read an object, if it is small.
func (a *Ahead) fetch(ctx context.Context, v pool.ObjectVersion) chan fetched {
	if v.Size > smallMost {
		return nil
	}
	done := make(chan fetched, 1) // nobody may wait for it any more
	ref := v.Ref(a.bucket)
	go func() {
		body, stored, err := a.Bucket.Open(ctx, ref, v.Size)
		if err != nil {
			done <- fetched{err: err}
			return
		}
		content, err := io.ReadAll(body)
		_ = body.Close()
		done <- fetched{content, stored, err}
	}()
	return done
}
