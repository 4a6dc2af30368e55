package objectstest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// retention is long enough that it does not end while the suite runs, also on a fast clock.
const retention = 365 * 24 * time.Hour

var lockCases = []testCase{
	{"a version under retention can't be deleted but by who bypasses it", true, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "content")
		until := b.Now().Add(retention).Truncate(time.Second)
		wants(t, "retain", b.retain(t, "key", version, until, false), "")
		out, err := b.Client.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: &b.bucket, Key: aws.String("key"), VersionId: &version})
		wants(t, "read the retention", err, "")
		if out.Retention.Mode != types.ObjectLockRetentionModeGovernance || !aws.ToTime(out.Retention.RetainUntilDate).Equal(until) {
			t.Errorf("retained by %s until %s, want %s", out.Retention.Mode, out.Retention.RetainUntilDate, until)
		}
		head, err := b.Client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b.bucket, Key: aws.String("key")})
		wants(t, "head", err, "")
		if head.ObjectLockMode != types.ObjectLockModeGovernance || !aws.ToTime(head.ObjectLockRetainUntilDate).Equal(until) {
			t.Errorf("head: retained by %q until %v", head.ObjectLockMode, head.ObjectLockRetainUntilDate)
		}
		if _, code := b.remove(t, "key", version, false); code != "AccessDenied" {
			t.Errorf("delete it: %q, want AccessDenied", code)
		}
		_, err = b.Client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &b.bucket, Key: aws.String("key"), VersionId: &version})
		wants(t, "delete it alone", err, "AccessDenied")
		b.holds(t, "key", version, "content")
		// A marker hides it and destroys nothing, so it may be set.
		if _, code := b.remove(t, "key", "", false); code != "" {
			t.Errorf("mark it: %s", code)
		}
		b.holds(t, "key", version, "content")
		if _, code := b.remove(t, "key", version, true); code != "" {
			t.Errorf("delete it, bypassing: %s", code)
		}
		_, _, err = b.get(t, "key", version, "")
		wants(t, "get what is gone", err, "NoSuchVersion")
	}},
	{"retention goes on, and comes no sooner", true, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "content")
		until := b.Now().Add(retention)
		wants(t, "retain", b.retain(t, "key", version, until, false), "")
		wants(t, "the same again", b.retain(t, "key", version, until, false), "")
		wants(t, "longer", b.retain(t, "key", version, until.Add(time.Hour), false), "")
		wants(t, "shorter", b.retain(t, "key", version, until, false), "AccessDenied")
		wants(t, "shorter, bypassing", b.retain(t, "key", version, until, true), "")
		wants(t, "in the past", b.retain(t, "key", version, b.Now().Add(-time.Hour), true), "InvalidArgument")
	}},
	{"each version has its own", true, func(t *testing.T, b *bench) {
		first, second := b.put(t, "key", "first"), b.put(t, "key", "second")
		wants(t, "retain", b.retain(t, "key", first, b.Now().Add(retention), false), "")
		if _, code := b.remove(t, "key", second, false); code != "" {
			t.Errorf("delete the other: %s", code)
		}
		_, err := b.Client.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: &b.bucket, Key: aws.String("key"), VersionId: &first})
		wants(t, "read the retention", err, "")
	}},
	{"without retention there is none to read", true, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "content")
		_, err := b.Client.GetObjectRetention(t.Context(), &s3.GetObjectRetentionInput{Bucket: &b.bucket, Key: aws.String("key"), VersionId: &version})
		wants(t, "read the retention", err, "NoSuchObjectLockConfiguration")
		if _, code := b.remove(t, "key", version, false); code != "" {
			t.Errorf("delete it: %s", code)
		}
	}},
	{"an object is stored under retention", true, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "content", func(in *s3.PutObjectInput) {
			until := b.Now().Add(retention)
			in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeGovernance, &until
			in.IfNoneMatch = aws.String("*")
		})
		if _, code := b.remove(t, "key", version, false); code != "AccessDenied" {
			t.Errorf("delete it: %q, want AccessDenied", code)
		}
	}},
	{"a locked version among others keeps nobody else", true, func(t *testing.T, b *bench) {
		locked, free := b.put(t, "locked", ""), b.put(t, "free", "")
		wants(t, "retain", b.retain(t, "locked", locked, b.Now().Add(retention), false), "")
		out, err := b.Client.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: &b.bucket, Delete: &types.Delete{
			Quiet: aws.Bool(true),
			Objects: []types.ObjectIdentifier{
				{Key: aws.String("locked"), VersionId: &locked}, {Key: aws.String("free"), VersionId: &free},
			},
		}})
		wants(t, "delete both", err, "")
		if len(out.Errors) != 1 || aws.ToString(out.Errors[0].Key) != "locked" || aws.ToString(out.Errors[0].Code) != "AccessDenied" {
			t.Errorf("errors %+v", out.Errors)
		}
		if got := b.list(t, 1000); len(got) != 1 || got[0].key != "locked" {
			t.Errorf("left: %v", got)
		}
	}},
	{"a bucket without Object Lock takes no retention", false, func(t *testing.T, b *bench) {
		version := b.put(t, "key", "content")
		wants(t, "retain", b.retain(t, "key", version, b.Now().Add(retention), false), "InvalidRequest")
		_, err := b.tryPut(t, "other", "content", func(in *s3.PutObjectInput) {
			until := b.Now().Add(retention)
			in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeGovernance, &until
		})
		wants(t, "put under retention", err, "InvalidRequest")
	}},
	{"what is not there can't be retained", true, func(t *testing.T, b *bench) {
		in := &s3.PutObjectRetentionInput{Bucket: &b.bucket, Key: aws.String("missing"), Retention: &types.ObjectLockRetention{
			Mode: types.ObjectLockRetentionModeGovernance, RetainUntilDate: aws.Time(b.Now().Add(retention)),
		}}
		_, err := b.Client.PutObjectRetention(t.Context(), in)
		wants(t, "retain", err, "NoSuchKey")
	}},
}

func (b *bench) retain(t *testing.T, key, version string, until time.Time, bypass bool) error {
	t.Helper()
	in := &s3.PutObjectRetentionInput{
		Bucket: &b.bucket, Key: &key, VersionId: &version,
		Retention: &types.ObjectLockRetention{Mode: types.ObjectLockRetentionModeGovernance, RetainUntilDate: &until},
	}
	if bypass {
		in.BypassGovernanceRetention = aws.Bool(true)
	}
	_, err := b.Client.PutObjectRetention(t.Context(), in)
	return err
}
