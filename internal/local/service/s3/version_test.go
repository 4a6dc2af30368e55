package s3_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/local/service/s3"
)

var versioned = s3.Settings{Versioning: "Enabled"}

func TestVersionsAreKept(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	first, second := w.put(t, "k", "first"), w.put(t, "k", "second")
	deleted, err := w.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k")})
	if err != nil || !aws.ToBool(deleted.DeleteMarker) {
		t.Fatalf("deleted %v: %v", deleted, err)
	}
	_, err = w.get(t, "k", "")
	wants(t, "the deleted object", err, "NoSuchKey")
	_, err = w.get(t, "k", *deleted.VersionId)
	wants(t, "the delete marker", err, "MethodNotAllowed")
	_, err = w.get(t, "k", "nonsense")
	wants(t, "no version's id", err, "InvalidArgument")
	for version, want := range map[string]string{first: "first", second: "second"} {
		if got, err := w.get(t, "k", version); err != nil || got != want {
			t.Errorf("version %s is %q: %v", version, got, err)
		}
	}
	wants(t, "delete the bucket", w.Delete("b"), "BucketNotEmpty: The bucket you tried to delete is not empty. You must delete all versions in the bucket.")

	gone, err := w.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k"), VersionId: deleted.VersionId})
	if err != nil || !aws.ToBool(gone.DeleteMarker) {
		t.Errorf("deleted the marker, got %v: %v", gone, err)
	}
	if got, err := w.get(t, "k", ""); err != nil || got != "second" {
		t.Errorf("without its marker the object is %q: %v", got, err)
	}
	for _, version := range []string{second, first, first} { // again: it is as if it were there
		if _, err := w.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k"), VersionId: &version}); err != nil {
			t.Error(err)
		}
	}
	if n := w.files(t); n != 0 {
		t.Errorf("%d files are left", n)
	}
	wants(t, "delete the bucket that is empty", w.Delete("b"), "")
}

func TestWithoutVersionsObjectsAreReplaced(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, s3.Settings{})
	if version := w.put(t, "k", "first") + w.put(t, "k", "second"); version != "" || w.files(t) != 1 {
		t.Errorf("versions %q, %d files", version, w.files(t))
	}
	// What was there before versioning is the version "null", also afterwards.
	for _, status := range []types.BucketVersioningStatus{"Enabled", "Suspended"} {
		if _, err := w.PutBucketVersioning(t.Context(), &sdk.PutBucketVersioningInput{
			Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
		}); err != nil {
			t.Fatal(err)
		}
		w.put(t, "k", string(status))
	}
	list, err := w.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: b})
	if err != nil || len(list.Versions) != 2 || *list.Versions[0].VersionId != "null" || *list.Versions[1].VersionId == "null" {
		t.Errorf("versions %v: %v", list.Versions, err)
	}
	if got, _ := w.get(t, "k", "null"); got != "Suspended" {
		t.Errorf("the version null is %q", got)
	}
}

// odd are keys that are hard to list, in no order.
func odd() []string {
	return []string{
		"plain", "with space", "a+b", "100%", "%2F", "naïve", "日本語/キー", "𝄞", "/leading", "double//slash", "..", "a/../b",
		"tab\there", "line\nbreak", "control\x01", "quote\"<&>'", "trailing/", "a", "a/", "a/b", "a-b", strings.Repeat("k", 1024), "\U0010ffff",
	}
}

func TestPagesHaveEveryKeyOnceInOrder(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	var want []string
	for round := range 2 {
		for _, name := range odd() {
			w.put(t, name, fmt.Sprint(round))
			want = append(want, name)
		}
	}
	slices.Sort(want)
	for size := range int32(7) {
		var versions, objects []string
		in := &sdk.ListObjectVersionsInput{Bucket: b, MaxKeys: aws.Int32(size + 1), EncodingType: "url"}
		for {
			page, err := w.ListObjectVersions(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range page.Versions {
				versions = append(versions, unescape(t, v.Key))
			}
			if !aws.ToBool(page.IsTruncated) {
				break
			}
			in.KeyMarker, in.VersionIdMarker = aws.String(unescape(t, page.NextKeyMarker)), page.NextVersionIdMarker
		}
		list := &sdk.ListObjectsV2Input{Bucket: b, MaxKeys: aws.Int32(size + 1), EncodingType: "url"}
		for {
			page, err := w.ListObjectsV2(t.Context(), list)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Contents {
				objects = append(objects, unescape(t, o.Key))
			}
			if !aws.ToBool(page.IsTruncated) {
				break
			}
			list.ContinuationToken = page.NextContinuationToken
		}
		if !slices.Equal(versions, want) {
			t.Errorf("by %d: versions of\n%q, want\n%q", size+1, versions, want)
		}
		if once := slices.Compact(slices.Clone(want)); !slices.Equal(objects, once) {
			t.Errorf("by %d: objects\n%q, want\n%q", size+1, objects, once)
		}
	}
	_, err := w.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: b})
	if err == nil || !strings.Contains(err.Error(), "illegal character code") {
		t.Errorf("a list that XML can't hold: %v", err)
	}
	_, err = w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: b, Key: aws.String(strings.Repeat("k", 1025))})
	wants(t, "a key of 1,025 bytes", err, "KeyTooLongError")
	_, err = w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: b, Key: aws.String("\xff")})
	wants(t, "a key that is no UTF-8", err, "InvalidURI")
}

func TestAListGoesOnAfterWhatWasDeletedMeanwhile(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	want := map[string]bool{}
	for i := range 60 {
		want[w.put(t, fmt.Sprintf("k%d", i%7), "x")] = true
	}
	in := &sdk.ListObjectVersionsInput{Bucket: b, MaxKeys: aws.Int32(4)}
	for {
		page, err := w.ListObjectVersions(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		var ids []types.ObjectIdentifier
		for _, v := range page.Versions {
			if !want[*v.VersionId] {
				t.Errorf("version %s of %s is listed again", *v.VersionId, *v.Key)
			}
			delete(want, *v.VersionId)
			ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		out, err := w.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: ids}})
		if err != nil || len(out.Deleted) != len(ids) {
			t.Fatalf("deleted %v: %v", out, err)
		}
		if !aws.ToBool(page.IsTruncated) {
			break
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
	if len(want) > 0 || w.files(t) != 0 {
		t.Errorf("never listed: %v; %d files are left", slices.Collect(maps.Keys(want)), w.files(t))
	}
}

func TestFoldersAreWhatKeysHaveInCommon(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	for _, name := range []string{"a", "d/1", "d/2", "d/e/3", "d0", "gone/1", "z/"} {
		w.put(t, name, "")
	}
	if _, err := w.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("gone/1")}); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ prefix, want string }{
		{"", "a d/* d0 z/*"},
		{"d/", "d/1 d/2 d/e/*"},
		{"d", "d/* d0"},
		{"z/", "z/"},
		{"none", ""},
	}
	for _, test := range tests {
		for size := int32(1); size < 6; size++ {
			var got []string
			pages := sdk.NewListObjectsV2Paginator(w.Client, &sdk.ListObjectsV2Input{Bucket: b, Prefix: &test.prefix, Delimiter: aws.String("/"), MaxKeys: &size})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range page.Contents {
					got = append(got, *o.Key)
				}
				for _, c := range page.CommonPrefixes {
					got = append(got, *c.Prefix+"*")
				}
			}
			slices.Sort(got)
			if strings.Join(got, " ") != test.want {
				t.Errorf("%q by %d: %q, want %q", test.prefix, size, got, test.want)
			}
		}
	}
}

// A key that XML can't hold is none that DeleteObjects can name: the client replaces what can't be written, and
// is told that all went well. It is deleted by itself, where the address names it.
func TestAKeyThatXMLCantHoldIsDeletedByItself(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	for _, name := range []string{"control\x01", "\uffff"} {
		version := w.put(t, name, "x")
		many, err := w.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: &name, VersionId: &version}}}})
		if err != nil || len(many.Errors) != 0 || len(many.Deleted) != 1 || *many.Deleted[0].Key == name {
			t.Errorf("%q among others: %v, %v", name, many, err)
		}
		if got, err := w.get(t, name, version); err != nil || got != "x" {
			t.Errorf("%q is not there any more: %v", name, err)
		}
		if _, err := w.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: &name, VersionId: &version}); err != nil {
			t.Error(err)
		}
		_, err = w.get(t, name, version)
		wants(t, "what was deleted by itself", err, "NoSuchVersion")
	}
}

func TestALockedVersionStays(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, s3.Settings{ObjectLock: true})
	version := w.put(t, "k", "x")
	until := w.time().Add(48 * time.Hour)
	retain := func(client *sdk.Client, until time.Time, bypass bool) error {
		_, err := client.PutObjectRetention(t.Context(), &sdk.PutObjectRetentionInput{
			Bucket: b, Key: aws.String("k"), VersionId: &version, BypassGovernanceRetention: &bypass,
			Retention: &types.ObjectLockRetention{Mode: "GOVERNANCE", RetainUntilDate: &until},
		})
		return err
	}
	remove := func(client *sdk.Client, bypass bool) error {
		_, err := client.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k"), VersionId: &version, BypassGovernanceRetention: &bypass})
		return err
	}
	role := w.role(t, `{"Effect":"Allow","Action":["s3:PutObjectRetention","s3:DeleteObjectVersion"],"Resource":"arn:aws:s3:::b/*"}`)
	wants(t, "a time that is past", retain(role, w.time().Add(-time.Second), false), "InvalidArgument")
	wants(t, "lock it", retain(role, until, false), "")
	wants(t, "lock it longer", retain(role, until.Add(time.Hour), false), "")
	wants(t, "lock it shorter", retain(role, until, false), "AccessDenied")
	wants(t, "delete it", remove(w.Client, false), "AccessDenied")
	wants(t, "delete it past the retention, who may not", remove(role, true), "AccessDenied")
	if _, err := w.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k")}); err != nil {
		t.Errorf("a delete marker: %v", err)
	}
	wants(t, "lock it shorter, who may", retain(w.Client, until, true), "")
	w.later(49 * time.Hour)
	wants(t, "delete it afterwards", remove(role, false), "")
	wants(t, "suspend versions", func() error {
		_, err := w.PutBucketVersioning(t.Context(), &sdk.PutBucketVersioningInput{Bucket: b, VersioningConfiguration: &types.VersioningConfiguration{Status: "Suspended"}})
		return err
	}(), "InvalidBucketState")
}

// unescape reads a name of a list that was asked for URL-encoded.
func unescape(t *testing.T, name *string) string {
	t.Helper()
	text, err := url.QueryUnescape(aws.ToString(name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
