package objects

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/pool"
)

// copied looks whether a key is a copy of a version, with what that was stored with.
func (w *world) copied(t *testing.T, key string, from pool.ObjectRef, content string) {
	t.Helper()
	got, err := w.content(t, pool.ObjectRef{Bucket: share, Key: key}, int64(len(content)))
	check(t, err)
	found, err := w.Head(t.Context(), pool.ObjectRef{Bucket: share, Key: key})
	check(t, err)
	if got != content || found.Metadata[pool.CopiedFrom] != from.Version || found.Metadata["file-owner"] != "1000" || len(found.Metadata) != 2 {
		t.Errorf("%s has %d bytes and %v", key, len(got), found.Metadata)
	}
}

// copyOf is a copy of a version.
func copyOf(from pool.ObjectRef, content, to string) pool.ObjectCopy {
	return pool.ObjectCopy{From: pool.ObjectVersion{Key: from.Key, Version: from.Version, Size: int64(len(content))}, To: to}
}

func TestACopyIsWhatTheVersionWas(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"plain", "folder/", "with space+plus?and=more", "日本語/ファイル"} {
		from := w.put(t, share, key, "then "+key)
		w.put(t, share, key, "now")
		check(t, w.Copy(t.Context(), share, copyOf(from, "then "+key, "to/"+key)))
		w.copied(t, "to/"+key, from, "then "+key)
	}
}

func TestWhatIsLargeIsCopiedInParts(t *testing.T) {
	w := newWorld(t)
	w.Whole = 5 << 20
	content := strings.Repeat("0123456789abcdef", 11<<20/16)
	from := w.put(t, share, "large", content)
	check(t, w.Copy(t.Context(), share, copyOf(from, content, "to/large")))
	w.copied(t, "to/large", from, content)
	if w.calls["UploadPartCopy"] != 3 || w.calls["CopyObject"] != 0 || w.calls["UploadPart"] != 0 {
		t.Errorf("called %v", w.calls)
	}
}

// again is the SDK, which sends a request once more whose reply was lost.
type again struct{ client }

func (a again) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, opts ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	if _, err := a.client.CompleteMultipartUpload(ctx, in, opts...); err != nil {
		return nil, err
	}
	return a.client.CompleteMultipartUpload(ctx, in, opts...)
}

func TestACopyWhoseReplyIsLostIsOneAllTheSame(t *testing.T) {
	w := newWorld(t)
	w.Whole, w.Client = 5<<20, again{w.Client}
	content := strings.Repeat("0123456789abcdef", 6<<20/16)
	from := w.put(t, share, "large", content)
	check(t, w.Copy(t.Context(), share, copyOf(from, content, "to/large")))
	w.copied(t, "to/large", from, content)
}

func TestACopyIsMadeOnce(t *testing.T) {
	w := newWorld(t)
	from := w.put(t, share, "key", "then")
	c := copyOf(from, "then", "to/key")
	c.There = true // which is not so
	for range 3 {
		check(t, w.Copy(t.Context(), share, c))
	}
	w.copied(t, "to/key", from, "then")
	if got := w.versions(t, w.Versions, share, "to/"); len(got) != 1 {
		t.Errorf("there are %q", got)
	}
	// What is there is left alone, whether it is a copy of another version or somebody else wrote it.
	later := copyOf(w.put(t, share, "key", "late"), "late", "to/key")
	later.There = true
	if err := w.Copy(t.Context(), share, later); !errors.Is(err, pool.ErrOtherObject) {
		t.Errorf("over a copy of another version: %v", err)
	}
	w.copied(t, "to/key", from, "then")
	w.put(t, share, "to/key", "mine")
	if err := w.Copy(t.Context(), share, c); !errors.Is(err, pool.ErrOtherObject) {
		t.Errorf("over what is another's: %v", err)
	}
}

func TestWhatCannotBeCopied(t *testing.T) {
	w := newWorld(t)
	from := w.put(t, share, "key", "content")
	gone := from
	gone.Version = strings.Repeat("0", 32)
	if err := w.Copy(t.Context(), share, copyOf(gone, "content", "to")); !errors.Is(err, pool.ErrNoObject) {
		t.Errorf("a version that is not there: %v", err)
	}
	if err := w.Copy(t.Context(), share, copyOf(from, "contents", "to")); !errors.Is(err, errOther) {
		t.Errorf("one of another size: %v", err)
	}
	if err := w.Copy(t.Context(), share, copyOf(pool.ObjectRef{Key: "key"}, "content", "to")); !errors.Is(err, errNoVersion) {
		t.Errorf("no version: %v", err)
	}
	if got := w.versions(t, w.Versions, share, "to"); len(got) != 0 {
		t.Errorf("copied %v", got)
	}
}
