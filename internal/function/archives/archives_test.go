package archives

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/adapter/objects"
	"headroom/internal/adapter/objects/objectstest"
	"headroom/internal/pool"
)

// world is a bucket in memory, which knows how many requests of objects there are at once.
type world struct {
	Bucket
	fake *objectstest.S3

	mu       sync.Mutex
	now, top int
	fault    map[string]error // of operations
}

// slow is a client whose requests of objects take a moment.
type slow struct {
	*objectstest.S3
	w *world
}

func (s slow) GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	s.w.mu.Lock()
	s.w.now++
	s.w.top = max(s.w.top, s.w.now)
	s.w.mu.Unlock()
	time.Sleep(time.Millisecond)
	defer func() {
		s.w.mu.Lock()
		s.w.now--
		s.w.mu.Unlock()
	}()
	return s.S3.GetObject(ctx, in, options...)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{fault: map[string]error{}}
	w.fake = &objectstest.S3{Now: time.Now, Fault: func(operation string) (bool, error) { return false, w.fault[operation] }}
	w.fake.Add("bucket", false)
	adapter, err := objects.New(objects.Config{
		Client: slow{w.fake, w},
		Jitter: func() float64 { return 0 }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Bucket = Bucket{adapter}
	return w
}

func (w *world) put(t *testing.T, key, content string) {
	t.Helper()
	_, err := w.fake.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
}

var spec = pool.ObjectSpec{Bucket: "bucket", Key: "key", KMSKey: "k"}

func (w *world) open(t *testing.T) int {
	t.Helper()
	page, err := w.Uploads(t.Context(), "bucket", "", pool.UploadCursor{})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Uploads)
}

func TestStoreIsWholeOrNothing(t *testing.T) {
	w := newWorld(t)
	failed := errors.New("no more")
	for name, write := range map[string]func(io.Writer) error{
		"nothing": func(io.Writer) error { return failed },
		"half":    func(to io.Writer) error { _, _ = to.Write(make([]byte, 20<<20)); return failed },
	} {
		if _, err := w.Store(t.Context(), spec, 1, write); !errors.Is(err, failed) || w.open(t) != 0 {
			t.Errorf("%s: %v, %d uploads are open", name, err, w.open(t))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.Store(ctx, spec, 1, func(to io.Writer) error {
		cancel() // the task is being stopped
		_, err := to.Write(make([]byte, 20<<20))
		return err
	})
	if err == nil || w.open(t) != 0 {
		t.Errorf("stopped: %v, %d uploads are open", err, w.open(t))
	}
	if _, err := w.Head(t.Context(), pool.ObjectRef{Bucket: "bucket", Key: "key"}); !errors.Is(err, pool.ErrNoObject) {
		t.Errorf("there is an object: %v", err)
	}
	stored, err := w.Store(t.Context(), spec, 1, func(to io.Writer) error { _, err := io.WriteString(to, "whole"); return err })
	if err != nil || stored.Size != 5 || stored.Version == "" || len(stored.SHA256) != 64 {
		t.Errorf("%+v, %v", stored, err)
	}
}

func TestWhatIsListedIsReadAhead(t *testing.T) {
	w := newWorld(t)
	large := strings.Repeat("large", smallMost)
	for i := range 200 {
		content := fmt.Sprint(i)
		if i%50 == 7 {
			content = large
		}
		w.put(t, fmt.Sprintf("%03d", i), content)
	}
	a := &Ahead{Bucket: w.Bucket}
	page, err := a.Current(t.Context(), "bucket", "", pool.ObjectCursor{})
	if err != nil {
		t.Fatal(err)
	}
	read := func(v pool.ObjectVersion) string {
		t.Helper()
		in, stored, err := a.Open(t.Context(), v.Ref("bucket"), v.Size)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err != nil || in.Close() != nil || stored.Version != v.Version {
			t.Errorf("%s: %v, %+v", v.Key, err, stored)
		}
		return string(content)
	}
	for i, v := range page.Versions {
		want := fmt.Sprint(i)
		if i%50 == 7 {
			want = large
		}
		if got := read(v); got != want {
			t.Errorf("%s: %.20q", v.Key, got)
		}
	}
	if w.top < 5 || w.top > aheadMost+1 {
		t.Errorf("%d at once", w.top)
	}
	// In any order, and again.
	for _, i := range []int{5, 3, 150, 3, 4} {
		if got := read(page.Versions[i]); got != fmt.Sprint(i) {
			t.Errorf("%d: %.20q", i, got)
		}
	}
}

func TestWhatCanNotBeReadAheadIsAnError(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.put(t, fmt.Sprint(i), "content")
	}
	a := &Ahead{Bucket: w.Bucket}
	page, err := a.Current(t.Context(), "bucket", "", pool.ObjectCursor{})
	if err != nil {
		t.Fatal(err)
	}
	gone := page.Versions[1].Ref("bucket")
	if _, err := w.fake.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &gone.Bucket, Key: &gone.Key, VersionId: &gone.Version}); err != nil {
		t.Fatal(err)
	}
	for i, v := range page.Versions[:3] {
		in, _, err := a.Open(t.Context(), v.Ref("bucket"), v.Size)
		if errors.Is(err, pool.ErrNoObject) != (i == 1) || i != 1 && err != nil {
			t.Errorf("%d: %v", i, err)
		}
		if err == nil {
			content, _ := io.ReadAll(in)
			if !bytes.Equal(content, []byte("content")) {
				t.Errorf("%d: %q", i, content)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := a.Open(ctx, page.Versions[3].Ref("bucket"), 7); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
