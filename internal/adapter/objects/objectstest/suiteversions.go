package objectstest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

var versionCases = []testCase{
	{"every version is kept, the newest is current", false, func(t *testing.T, b *bench) {
		first, second := b.put(t, "key", "first"), b.put(t, "key", "second")
		b.holds(t, "key", "", "second")
		b.holds(t, "key", first, "first")
		want := []listed{{"key", second, true, false}, {"key", first, false, false}}
		if got := b.list(t, 1000); !slices.Equal(got, want) {
			t.Errorf("listed %v, want %v", got, want)
		}
	}},
	{"an empty bucket", false, func(t *testing.T, b *bench) {
		if got := b.list(t, 1000); len(got) != 0 {
			t.Errorf("listed %v", got)
		}
	}},
	{"what is deleted without a version is marked", false, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "content")
		deleted, code := b.remove(t, "key", "", false)
		if code != "" || !aws.ToBool(deleted.DeleteMarker) || aws.ToString(deleted.DeleteMarkerVersionId) == "" {
			t.Fatalf("deleted %+v, %s", deleted, code)
		}
		marker := aws.ToString(deleted.DeleteMarkerVersionId)
		_, _, err := b.get(t, "key", "", "")
		wants(t, "get what is marked", err, "NoSuchKey")
		_, _, err = b.get(t, "key", marker, "")
		wants(t, "get the marker", err, "MethodNotAllowed")
		b.holds(t, "key", version, "content")
		want := []listed{{"key", marker, true, true}, {"key", version, false, false}}
		if got := b.list(t, 1000); !slices.Equal(got, want) {
			t.Errorf("listed %v, want %v", got, want)
		}
		// A marker is deleted like a version, and what it hid is current again.
		deleted, code = b.remove(t, "key", marker, false)
		if code != "" || aws.ToString(deleted.VersionId) != marker {
			t.Errorf("deleted the marker: %+v, %s", deleted, code)
		}
		b.holds(t, "key", "", "content")
	}},
	{"a key that never was is marked too", false, func(t *testing.T, b *bench) {
		deleted, code := b.remove(t, "key", "", false)
		if code != "" || !aws.ToBool(deleted.DeleteMarker) {
			t.Errorf("deleted %+v, %s", deleted, code)
		}
		if got := b.list(t, 1000); len(got) != 1 || !got[0].marker {
			t.Errorf("listed %v", got)
		}
	}},
	{"a version that is deleted is gone, and may be deleted again", false, func(t *testing.T, b *bench) {
		first, second := b.put(t, "key", "first"), b.put(t, "key", "second")
		for range 2 {
			deleted, code := b.remove(t, "key", second, false)
			if code != "" || aws.ToString(deleted.VersionId) != second || aws.ToBool(deleted.DeleteMarker) {
				t.Errorf("deleted %+v, %s", deleted, code)
			}
		}
		b.holds(t, "key", "", "first")
		_, _, err := b.get(t, "key", second, "")
		wants(t, "get what is gone", err, "NoSuchVersion")
		if got, want := b.list(t, 1000), []listed{{"key", first, true, false}}; !slices.Equal(got, want) {
			t.Errorf("listed %v, want %v", got, want)
		}
	}},
	{"pages of any size come to the same", false, func(t *testing.T, b *bench) {
		for _, key := range []string{"a", "b", "b/c", "b c", "ü", "z\x01"} {
			for i := range 3 {
				b.put(t, key, fmt.Sprint(key, i))
			}
			b.remove(t, key, "", false)
		}
		all := b.list(t, 1000)
		if len(all) != 24 {
			t.Fatalf("listed %d, want 24: %v", len(all), all)
		}
		for _, size := range []int32{1, 2, 3, 4, 5, 7, 23, 24} {
			if got := b.list(t, size); !slices.Equal(got, all) {
				t.Errorf("pages of %d: listed %v, want %v", size, got, all)
			}
		}
	}},
	{"a page begins behind what it is told, although that is gone", false, func(t *testing.T, b *bench) {
		for _, key := range []string{"a", "b", "c"} {
			b.put(t, key, "1")
			b.put(t, key, "2")
		}
		all := b.list(t, 1000)
		for _, gone := range all[:3] {
			b.remove(t, gone.key, gone.version, false)
		}
		got, _ := b.page(t, &s3.ListObjectVersionsInput{KeyMarker: &all[2].key, VersionIdMarker: &all[2].version})
		if !slices.Equal(keysOf(got), []string{"b", "c", "c"}) {
			t.Errorf("listed %v behind %v", got, all[2])
		}
		// With a key alone, all of the key's versions are behind.
		got, _ = b.page(t, &s3.ListObjectVersionsInput{KeyMarker: aws.String("b")})
		if !slices.Equal(keysOf(got), []string{"c", "c"}) {
			t.Errorf("listed %v behind b", got)
		}
	}},
	{"a prefix", false, func(t *testing.T, b *bench) {
		for _, key := range []string{"a", "b/1", "b/2", "b1", "c"} {
			b.put(t, key, "")
		}
		got, _ := b.page(t, &s3.ListObjectVersionsInput{Prefix: aws.String("b/")})
		if !slices.Equal(keysOf(got), []string{"b/1", "b/2"}) {
			t.Errorf("listed %v", got)
		}
	}},
	{"one is deleted alone", false, func(t *testing.T, b *bench) {
		first, second := b.put(t, "key", "first"), b.put(t, "key", "second")
		remove := func(version *string) *s3.DeleteObjectOutput {
			t.Helper()
			out, err := b.Client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &b.bucket, Key: aws.String("key"), VersionId: version})
			wants(t, "delete", err, "")
			return out
		}
		for range 2 {
			if out := remove(&second); aws.ToString(out.VersionId) != second || aws.ToBool(out.DeleteMarker) {
				t.Errorf("deleted %q, marker %t", aws.ToString(out.VersionId), aws.ToBool(out.DeleteMarker))
			}
		}
		b.holds(t, "key", "", "first")
		out := remove(nil)
		want := []listed{{"key", aws.ToString(out.VersionId), true, true}, {"key", first, false, false}}
		if got := b.list(t, 1000); !aws.ToBool(out.DeleteMarker) || !slices.Equal(got, want) {
			t.Errorf("listed %v, want %v", got, want)
		}
		if again := remove(out.VersionId); !aws.ToBool(again.DeleteMarker) {
			t.Error("what was deleted was a marker")
		}
		b.holds(t, "key", "", "first")
	}},
	// The SDK writes U+FFFD where a key has what XML can't hold, and S3 deletes what it is told.
	{"among many, a key that XML can't hold is another", false, func(t *testing.T, b *bench) {
		version := b.put(t, "control\x01", "content")
		out, err := b.Client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &b.bucket, Delete: &types.Delete{
			Objects: []types.ObjectIdentifier{{Key: aws.String("control\x01"), VersionId: &version}},
		}})
		wants(t, "delete", err, "")
		if len(out.Deleted) != 1 || aws.ToString(out.Deleted[0].Key) != "control\uFFFD" {
			t.Errorf("deleted %+v", out.Deleted)
		}
		b.holds(t, "control\x01", version, "content")
	}},
	{"many are deleted in one request, a thousand at most", false, func(t *testing.T, b *bench) {
		var ids []types.ObjectIdentifier
		for i := range 1001 {
			ids = append(ids, types.ObjectIdentifier{Key: aws.String(fmt.Sprintf("key %d", i))})
		}
		for i := range 5 {
			ids[i].VersionId = aws.String(b.put(t, *ids[i].Key, "content"))
		}
		_, err := b.Client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &b.bucket, Delete: &types.Delete{Objects: ids}})
		wants(t, "1,001", err, "MalformedXML")
		_, err = b.Client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &b.bucket, Delete: &types.Delete{Objects: ids[:0]}})
		wants(t, "none", err, "MalformedXML")
		if got := b.list(t, 1000); len(got) != 5 {
			t.Errorf("listed %v", got)
		}
		out, err := b.Client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{
			Bucket: &b.bucket, Delete: &types.Delete{Objects: ids[:5], Quiet: aws.Bool(true)},
		})
		wants(t, "five", err, "")
		if len(out.Deleted) != 0 || len(out.Errors) != 0 {
			t.Errorf("quiet, it says %v, %v", out.Deleted, out.Errors)
		}
		if got := b.list(t, 1000); len(got) != 0 {
			t.Errorf("listed %v", got)
		}
	}},
}

// listed is a version or marker of a listing.
type listed struct {
	key, version string
	latest       bool
	marker       bool
}

func keysOf(all []listed) []string {
	var keys []string
	for _, v := range all {
		keys = append(keys, v.key)
	}
	return keys
}

// list lists all versions and markers in pages of a size.
func (b *bench) list(t *testing.T, size int32) []listed {
	t.Helper()
	var all []listed
	in := &s3.ListObjectVersionsInput{MaxKeys: &size}
	for range 100 {
		page, out := b.page(t, in)
		if len(page) > int(size) {
			t.Fatalf("a page of %d has %d", size, len(page))
		}
		all = append(all, page...)
		if !aws.ToBool(out.IsTruncated) {
			return all
		}
		key := decoded(t, out.NextKeyMarker)
		in.KeyMarker, in.VersionIdMarker = &key, out.NextVersionIdMarker
	}
	t.Fatal("the listing does not end")
	return nil
}

// page lists one page: markers and versions in one order, by key, the newest first. A listing has two lists;
// within a key, what is current comes first, and of the rest it does not say in which order they are.
func (b *bench) page(t *testing.T, in *s3.ListObjectVersionsInput) ([]listed, *s3.ListObjectVersionsOutput) {
	t.Helper()
	in.Bucket, in.EncodingType = &b.bucket, types.EncodingTypeUrl
	out, err := b.Client.ListObjectVersions(t.Context(), in)
	wants(t, "list", err, "")
	var all []listed
	for _, m := range out.DeleteMarkers {
		all = append(all, listed{decoded(t, m.Key), aws.ToString(m.VersionId), aws.ToBool(m.IsLatest), true})
	}
	for _, v := range out.Versions {
		all = append(all, listed{decoded(t, v.Key), aws.ToString(v.VersionId), aws.ToBool(v.IsLatest), false})
	}
	slices.SortStableFunc(all, func(a, b listed) int {
		switch {
		case a.key < b.key, a.key == b.key && a.latest && !b.latest:
			return -1
		case a.key > b.key, a.key == b.key && b.latest && !a.latest:
			return 1
		default:
			return 0
		}
	})
	return all, out
}
