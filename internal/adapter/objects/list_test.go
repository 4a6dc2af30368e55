package objects

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/pool"
)

// oddKeys are such as listings stumble over.
var oddKeys = []string{"a", "a+b c", "a/b", "a%41", "b\x01", "c\n", "日本語", "ü", "u\u0308", "&<>\"'", strings.Repeat("k", 1024)}

func TestListingsInPagesOfAnySize(t *testing.T) {
	w := newWorld(t)
	var current []string
	for i, key := range oddKeys {
		w.put(t, share, key, "old")
		ref := w.put(t, share, key, "newer")
		if i%3 == 0 {
			w.hide(t, share, key)
		} else {
			current = append(current, fmt.Sprintf("%q %s 5 true false", key, ref.Version))
		}
	}
	all := w.versions(t, w.Versions, share, "")
	if want := 2*len(oddKeys) + 4; len(all) != want {
		t.Fatalf("listed %d, want %d:\n%s", len(all), want, strings.Join(all, "\n"))
	}
	slices.Sort(current)
	for _, size := range []int{1, 2, 3, 7, 25, 26, 27} {
		w.fake.Page = size
		if got := w.versions(t, w.Versions, share, ""); !slices.Equal(got, all) {
			t.Errorf("pages of %d:\n%q, want\n%q", size, got, all)
		}
		got := w.versions(t, w.Current, share, "")
		slices.Sort(got)
		if !slices.Equal(got, current) {
			t.Errorf("current, in pages of %d:\n%q, want\n%q", size, got, current)
		}
	}
}

func TestAListingIsByAscendingBytes(t *testing.T) {
	w := newWorld(t)
	for _, key := range oddKeys {
		w.put(t, share, key, "")
	}
	page, err := w.Current(t.Context(), share, "", pool.ObjectCursor{})
	check(t, err)
	var got []string
	for _, v := range page.Versions {
		got = append(got, v.Key)
	}
	if want := slices.Sorted(slices.Values(oddKeys)); !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

func TestWithinAKeyWhatIsCurrentComesFirst(t *testing.T) {
	w := newWorld(t)
	w.put(t, share, "key", "1")
	w.hide(t, share, "key")
	w.put(t, share, "key", "2")
	w.hide(t, share, "key")
	page, err := w.Versions(t.Context(), share, "", pool.ObjectCursor{})
	check(t, err)
	for i, v := range page.Versions {
		if v.Latest != (i == 0) || !v.Modified.Equal(noon) {
			t.Errorf("%d: %+v", i, v)
		}
	}
}

func TestAListingGoesOnBehindWhatIsGone(t *testing.T) {
	w := newWorld(t)
	w.fake.Page = 3
	for i := range 10 {
		w.put(t, share, fmt.Sprintf("key %d", i/3), "")
	}
	var from pool.ObjectCursor
	for range 4 {
		page, err := w.Versions(t.Context(), share, "", from)
		check(t, err)
		refused, err := w.Delete(t.Context(), share, page.Versions)
		if err != nil || len(refused) > 0 {
			t.Fatal(refused, err)
		}
		from = page.Next
	}
	if left := w.versions(t, w.Versions, share, ""); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestAPrefix(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"a", "t 1/x", "t 1/y", "t 2/x"} {
		w.put(t, store, key, "")
		_, err := w.Upload(t.Context(), pool.ObjectSpec{Bucket: store, Key: key, KMSKey: kmsKey}, 0)
		check(t, err)
	}
	if got := w.versions(t, w.Versions, store, "t 1/"); len(got) != 2 {
		t.Errorf("versions: %q", got)
	}
	page, err := w.Uploads(t.Context(), store, "t 1/", pool.UploadCursor{})
	if err != nil || len(page.Uploads) != 2 || page.Uploads[0].Key != "t 1/x" || !page.Uploads[0].Begun.Equal(noon) {
		t.Errorf("uploads: %+v, %v", page, err)
	}
}

func TestUploadsInPagesOfAnySize(t *testing.T) {
	w := newWorld(t)
	for i := range 20 {
		_, err := w.Upload(t.Context(), pool.ObjectSpec{Bucket: store, Key: oddKeys[i%len(oddKeys)], KMSKey: kmsKey}, 0)
		check(t, err)
	}
	var all []pool.OpenUpload
	for _, size := range []int{0, 1, 2, 3, 7, 19, 20, 21} {
		w.fake.Page = size
		var got []pool.OpenUpload
		var from pool.UploadCursor
		for range 100 {
			page, err := w.Uploads(t.Context(), store, "", from)
			check(t, err)
			got = append(got, page.Uploads...)
			if from = page.Next; !page.More {
				break
			}
		}
		if size == 0 {
			all = got
		}
		if len(got) != 20 || !slices.Equal(got, all) {
			t.Errorf("pages of %d: %d uploads, %v", size, len(got), got)
		}
	}
}

// The lack of a bucket proves nothing about what is in it.
func TestNoBucketIsNoEmptyBucket(t *testing.T) {
	w := newWorld(t)
	_, err := w.Versions(t.Context(), "missing", "", pool.ObjectCursor{})
	if err == nil || errors.Is(err, pool.ErrNoObject) {
		t.Errorf("versions: %v", err)
	}
	if _, err = w.Uploads(t.Context(), "missing", "", pool.UploadCursor{}); err == nil || errors.Is(err, pool.ErrNoObject) {
		t.Errorf("uploads: %v", err)
	}
	if _, err = w.Delete(t.Context(), "missing", []pool.ObjectVersion{{Key: "k", Version: "v"}}); err == nil || errors.Is(err, pool.ErrNoObject) {
		t.Errorf("delete: %v", err)
	}
}

// stuck is an S3 whose listings lead back to where they began.
type stuck struct{ client }

func (s stuck) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	out, err := s.client.ListObjectVersions(ctx, in)
	yes := true
	out.IsTruncated, out.NextKeyMarker, out.NextVersionIdMarker = &yes, in.KeyMarker, in.VersionIdMarker
	return out, err
}

func TestAListingThatDoesNotGoOnIsAnError(t *testing.T) {
	w := newWorld(t)
	w.Client = stuck{w.fake}
	if _, err := w.Versions(t.Context(), share, "", pool.ObjectCursor{Key: "a"}); !errors.Is(err, errStuck) {
		t.Errorf("got %v", err)
	}
}
