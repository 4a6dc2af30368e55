package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/adapter/objects/objectstest"
	"headroom/internal/pool"
)

const (
	share, store = "share", "archive" // buckets: the second with Object Lock
	kmsKey       = "arn:aws:kms:eu-west-1:123456789012:key/k"
)

var (
	noon    = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	errLost = errors.New("the reply was lost")
)

// world is the adapter with the fake, which counts what is called.
type world struct {
	*Objects
	fake  *objectstest.S3
	mu    sync.Mutex
	calls map[string]int
	slept []time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{fake: &objectstest.S3{Now: func() time.Time { return noon }}, calls: map[string]int{}}
	w.faults(func(string) (bool, error) { return false, nil })
	w.fake.Add(share, false)
	w.fake.Add(store, true)
	var err error
	w.Objects, err = New(Config{
		Client: w.fake, Jitter: func() float64 { return 0.5 }, Span: 10,
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.slept = append(w.slept, d)
			return ctx.Err()
		},
	})
	check(t, err)
	return w
}

func (w *world) faults(fault func(operation string) (bool, error)) {
	w.fake.Fault = func(operation string) (bool, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls[operation]++
		return fault(operation)
	}
}

// once has the first call of an operation fail.
func (w *world) once(operation string, applied bool) {
	failed := false
	w.faults(func(called string) (bool, error) {
		if called != operation || failed {
			return false, nil
		}
		failed = true
		return applied, errLost
	})
}

// put writes an object as a gateway does, and returns its version.
func (w *world) put(t *testing.T, bucket, key, content string) pool.ObjectRef {
	t.Helper()
	out, err := w.fake.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: strings.NewReader(content), Metadata: map[string]string{"file-owner": "1000"},
	})
	check(t, err)
	return pool.ObjectRef{Bucket: bucket, Key: key, Version: *out.VersionId}
}

// hide sets a delete marker.
func (w *world) hide(t *testing.T, bucket, key string) pool.ObjectRef {
	t.Helper()
	out, err := w.fake.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	check(t, err)
	return pool.ObjectRef{Bucket: bucket, Key: key, Version: *out.VersionId}
}

// versions lists all there is, page by page.
func (w *world) versions(t *testing.T, list func(context.Context, string, string, pool.ObjectCursor) (pool.ObjectPage, error), bucket, prefix string) []string {
	t.Helper()
	var all []string
	var from pool.ObjectCursor
	for range 10_000 {
		page, err := list(t.Context(), bucket, prefix, from)
		check(t, err)
		for _, v := range page.Versions {
			all = append(all, fmt.Sprintf("%q %s %d %t %t", v.Key, v.Version, v.Size, v.Latest, v.Marker))
		}
		if !page.More {
			return all
		}
		from = page.Next
	}
	t.Fatal("the listing does not end")
	return nil
}

// content reads a version of a size.
func (w *world) content(t *testing.T, ref pool.ObjectRef, size int64) (string, error) {
	t.Helper()
	in, _, err := w.Open(t.Context(), ref, size)
	if err != nil {
		return "", err
	}
	defer func() { check(t, in.Close()) }()
	content, err := io.ReadAll(in)
	return string(content), err
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsRequired(t *testing.T) {
	sleep, jitter := func(context.Context, time.Duration) error { return nil }, func() float64 { return 0 }
	for _, config := range []Config{
		{Sleep: sleep, Jitter: jitter}, {Client: &objectstest.S3{}, Jitter: jitter}, {Client: &objectstest.S3{}, Sleep: sleep},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%+v was taken", config)
		}
	}
}
