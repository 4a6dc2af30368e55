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

func TestACopyIsWhatTheVersionWas(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"plain", "folder/", "with space+plus?and=more", "日本語/ファイル"} {
		from := w.put(t, share, key, "then "+key)
		w.put(t, share, key, "now")
		stored, err := w.Copy(t.Context(), from, int64(len("then "+key)), "to/"+key)
		check(t, err)
		w.copied(t, "to/"+key, from, "then "+key)
		if stored.Version == "" || stored.Size != int64(len("then "+key)) {
			t.Errorf("stored as %+v", stored)
		}
	}
}

func TestWhatIsLargeIsCopiedInParts(t *testing.T) {
	w := newWorld(t)
	w.Whole = 5 << 20
	content := strings.Repeat("0123456789abcdef", 11<<20/16)
	from := w.put(t, share, "large", content)
	_, err := w.Copy(t.Context(), from, int64(len(content)), "to/large")
	check(t, err)
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
	stored, err := w.Copy(t.Context(), from, int64(len(content)), "to/large")
	check(t, err)
	if stored.Version == "" {
		t.Error("its version is not known")
	}
	w.copied(t, "to/large", from, content)
}

func TestWhatCannotBeCopied(t *testing.T) {
	w := newWorld(t)
	from := w.put(t, share, "key", "content")
	gone := from
	gone.Version = strings.Repeat("0", 32)
	if _, err := w.Copy(t.Context(), gone, 7, "to"); !errors.Is(err, pool.ErrNoObject) {
		t.Errorf("a version that is not there: %v", err)
	}
	if _, err := w.Copy(t.Context(), from, 8, "to"); !errors.Is(err, errOther) {
		t.Errorf("one of another size: %v", err)
	}
	if _, err := w.Copy(t.Context(), pool.ObjectRef{Bucket: share, Key: "key"}, 7, "to"); !errors.Is(err, errNoVersion) {
		t.Errorf("no version: %v", err)
	}
	if got := w.versions(t, w.Versions, share, "to"); len(got) != 0 {
		t.Errorf("copied %v", got)
	}
}
