package s3_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"headroom/internal/local/service/s3"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func allow(action, resource string) string {
	return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}`
}

// Each call needs its own permission: with all others it is refused.
func TestEachCallNeedsItsOwnPermission(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	version := w.put(t, "k", "x")
	k := aws.String("k")
	upload, _ := w.send(t, &sdk.CreateMultipartUploadInput{ChecksumAlgorithm: "CRC32"}, []byte("x"))
	const bucket, object = "arn:aws:s3:::b", "arn:aws:s3:::b/k"
	tests := []struct {
		action, resource string
		call             func(*sdk.Client) error
	}{
		{"s3:GetObject", object, func(c *sdk.Client) error {
			_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: b, Key: k})
			return err
		}},
		{"s3:GetObjectVersion", object, func(c *sdk.Client) error {
			_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: b, Key: k, VersionId: &version})
			return err
		}},
		{"s3:ListBucket", bucket, func(c *sdk.Client) error {
			_, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: b})
			return err
		}},
		{"s3:ListBucketVersions", bucket, func(c *sdk.Client) error {
			_, err := c.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: b})
			return err
		}},
		{"s3:ListBucketMultipartUploads", bucket, func(c *sdk.Client) error {
			_, err := c.ListMultipartUploads(t.Context(), &sdk.ListMultipartUploadsInput{Bucket: b})
			return err
		}},
		{"s3:ListMultipartUploadParts", object, func(c *sdk.Client) error {
			_, err := c.ListParts(t.Context(), &sdk.ListPartsInput{Bucket: b, Key: k, UploadId: upload})
			return err
		}},
		{"s3:GetBucketObjectLockConfiguration", bucket, func(c *sdk.Client) error {
			_, err := c.GetObjectLockConfiguration(t.Context(), &sdk.GetObjectLockConfigurationInput{Bucket: b})
			if code(err) == "ObjectLockConfigurationNotFoundError" {
				return nil
			}
			return err
		}},
		{"s3:PutObject", object, func(c *sdk.Client) error {
			_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("x")})
			return err
		}},
		{"s3:PutObjectTagging", object, func(c *sdk.Client) error {
			_, err := c.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{Bucket: b, Key: k, Tagging: &types.Tagging{TagSet: []types.Tag{}}})
			return err
		}},
		{"s3:PutObjectVersionTagging", object, func(c *sdk.Client) error {
			_, err := c.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{Bucket: b, Key: k, VersionId: &version, Tagging: &types.Tagging{TagSet: []types.Tag{}}})
			return err
		}},
		{"s3:AbortMultipartUpload", object, func(c *sdk.Client) error {
			_, err := c.AbortMultipartUpload(t.Context(), &sdk.AbortMultipartUploadInput{Bucket: b, Key: k, UploadId: upload})
			return err
		}},
		{"s3:DeleteObject", object, func(c *sdk.Client) error {
			_, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: k})
			return err
		}},
		{"s3:DeleteObjectVersion", object, func(c *sdk.Client) error {
			_, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: b, Key: k, VersionId: &version})
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.action, func(t *testing.T) {
			others := `{"Effect":"Allow","NotAction":"` + test.action + `","Resource":"*"}`
			wants(t, "without it", test.call(w.role(t, others)), "AccessDenied")
			wants(t, "with it alone", test.call(w.role(t, allow(test.action, test.resource))), "")
		})
	}
}

func TestEachKeyOfManyIsRefusedByItself(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	version := w.put(t, "mine", "x")
	w.put(t, "other", "x")
	role := w.role(t, allow("s3:DeleteObject", "arn:aws:s3:::b/mine"))
	out, err := role.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("mine")}, {Key: aws.String("other")}, {Key: aws.String("mine"), VersionId: &version},
	}}})
	if err != nil || len(out.Deleted) != 1 || len(out.Errors) != 2 {
		t.Fatalf("deleted %v: %v", out, err)
	}
	for i, want := range []string{"other", "mine"} {
		if e := out.Errors[i]; *e.Code != "AccessDenied" || *e.Key != want {
			t.Errorf("error %s of %s, want one of %s", *e.Code, *e.Key, want)
		}
	}
}

func TestWhoMayNotListIsNotToldWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	get := func(c *sdk.Client) error {
		_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: b, Key: aws.String("missing")})
		return err
	}
	wants(t, "who may not list", get(w.role(t, allow("s3:GetObject", "*"))), "AccessDenied")
	wants(t, "who may", get(w.role(t, allow("s3:GetObject", "*")+","+allow("s3:ListBucket", "arn:aws:s3:::b"))), "NoSuchKey")
}

// A bucket's key is needed too: to write in parts, to read it as well.
func TestTheKeyIsNeededToo(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, versioned)
	w.policies.PutKeyOf("arn:aws:s3:::b", key)
	w.put(t, "k", "x")
	objects := allow("s3:*", "*")
	writer := objects + "," + allow("kms:GenerateDataKey", key)
	put := func(c *sdk.Client) error {
		_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: b, Key: aws.String("k")})
		return err
	}
	read := func(c *sdk.Client) error {
		out, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: b, Key: aws.String("k")})
		if err == nil {
			_, err = io.Copy(io.Discard, out.Body)
		}
		return err
	}
	begin := func(c *sdk.Client) error {
		_, err := c.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: b, Key: aws.String("k")})
		return err
	}
	wants(t, "write without the key", put(w.role(t, objects)), "AccessDenied")
	wants(t, "write", put(w.role(t, writer)), "")
	wants(t, "read without the key", read(w.role(t, writer)), "AccessDenied")
	wants(t, "write in parts without reading", begin(w.role(t, writer)), "AccessDenied")
	both := writer + "," + allow("kms:Decrypt", key)
	wants(t, "read", read(w.role(t, both)), "")
	wants(t, "write in parts", begin(w.role(t, both)), "")
}

// What a document or a header asks for is a condition too.
func TestPoliciesBoundTagsAndRetentions(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, s3.Settings{ObjectLock: true})
	version, k := w.put(t, "k", "x"), aws.String("k")
	role := w.role(t, allow("s3:PutObject", "*")+`,
		{"Effect":"Allow","Action":"s3:PutObjectRetention","Resource":"*","Condition":{"StringEquals":{"s3:object-lock-mode":"GOVERNANCE"}}},
		{"Effect":"Allow","Action":["s3:PutObjectTagging","s3:PutObjectVersionTagging"],"Resource":"*","Condition":{"StringEquals":{"s3:RequestObjectTag/storage":"deep"}}}`)
	until := w.time().Add(time.Hour)
	retain := func(mode types.ObjectLockRetentionMode) error {
		_, err := role.PutObjectRetention(t.Context(), &sdk.PutObjectRetentionInput{Bucket: b, Key: k, VersionId: &version, Retention: &types.ObjectLockRetention{Mode: mode, RetainUntilDate: &until}})
		return err
	}
	tag := func(value string) error {
		_, err := role.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{Bucket: b, Key: k, VersionId: &version, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("storage"), Value: &value}}}})
		return err
	}
	put := func(change func(*sdk.PutObjectInput)) error {
		in := &sdk.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader("y")}
		change(in)
		_, err := role.PutObject(t.Context(), in)
		return err
	}
	wants(t, "retain against everybody", retain("COMPLIANCE"), "AccessDenied")
	wants(t, "retain", retain("GOVERNANCE"), "")
	wants(t, "another tag", tag("shallow"), "AccessDenied")
	wants(t, "the tag", tag("deep"), "")
	wants(t, "put with another tag", put(func(in *sdk.PutObjectInput) { in.Tagging = aws.String("storage=shallow") }), "AccessDenied")
	wants(t, "put with the tag", put(func(in *sdk.PutObjectInput) { in.Tagging = aws.String("storage=deep") }), "")
	wants(t, "put and retain against everybody", put(func(in *sdk.PutObjectInput) { in.ObjectLockMode, in.ObjectLockRetainUntilDate = "COMPLIANCE", &until }), "AccessDenied")
	wants(t, "put over what it may not know", put(func(in *sdk.PutObjectInput) { in.IfMatch = aws.String("x") }), "AccessDenied")
}
