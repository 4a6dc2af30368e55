package s3_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/service/s3"
)

// class is an object's storage class, as a list has it.
func (w *world) class(t *testing.T, name string) string {
	t.Helper()
	out, err := w.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("b"), Prefix: &name})
	if err != nil || len(out.Contents) != 1 {
		t.Fatalf("list %v: %v", out, err)
	}
	return string(out.Contents[0].StorageClass)
}

func deep(minimum string) s3.Settings {
	return s3.Settings{ObjectLock: true, Lifecycle: s3.Lifecycle{MinimumSize: minimum, Rules: []s3.LifecycleRule{{
		ID: "Deep", Status: "Enabled", Tags: map[string]string{"storage": "deep"}, Transitions: []s3.Transition{{StorageClass: "DEEP_ARCHIVE"}},
	}}}}
}

// noon sets the clock to the noon of the day that follows.
func (w *world) noon() { w.later(w.time().Truncate(24 * time.Hour).Add(36 * time.Hour).Sub(w.time())) }

func TestATaggedVersionGoesToDeepStorageAtMidnight(t *testing.T) {
	w := newWorld(t)
	w.noon()
	b := w.bucket(t, deep("varies_by_storage_class"))
	for _, name := range []string{"archive", "other"} {
		w.put(t, name, "small")
	}
	w.later(72 * time.Hour)
	tag := func(value string) {
		t.Helper()
		if _, err := w.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{
			Bucket: b, Key: aws.String("archive"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("storage"), Value: &value}}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	tag("shallow")
	w.later(24 * time.Hour)
	if got := w.class(t, "archive"); got != "STANDARD" {
		t.Errorf("with another tag it is in %s", got)
	}
	tag("deep")
	w.later(11 * time.Hour)
	if got := w.class(t, "archive"); got != "STANDARD" {
		t.Errorf("before midnight it is in %s", got)
	}
	if _, err := w.get(t, "archive", ""); err != nil {
		t.Error(err)
	}
	w.later(2 * time.Hour)
	head, err := w.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: b, Key: aws.String("archive")})
	if err != nil || head.StorageClass != "DEEP_ARCHIVE" {
		t.Errorf("head %v: %v", head, err)
	}
	_, err = w.get(t, "archive", "")
	wants(t, "read it", err, "InvalidObjectState")
	if got := w.class(t, "other"); got != "STANDARD" {
		t.Errorf("the other is in %s", got)
	}
	tag("shallow")
	w.later(24 * time.Hour)
	if got := w.class(t, "archive"); got != "DEEP_ARCHIVE" {
		t.Errorf("it came back to %s", got)
	}
}

func TestSmallObjectsStayUnlessTheBucketSaysOtherwise(t *testing.T) {
	for minimum, want := range map[string]string{"": "STANDARD", "all_storage_classes_128K": "STANDARD", "varies_by_storage_class": "DEEP_ARCHIVE"} {
		w := newWorld(t)
		b := w.bucket(t, deep(minimum))
		for name, size := range map[string]int{"small": 128<<10 - 1, "large": 128 << 10} {
			if _, err := w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: b, Key: &name, Body: bytes.NewReader(make([]byte, size)), Tagging: aws.String("storage=deep")}); err != nil {
				t.Fatal(err)
			}
		}
		w.later(48 * time.Hour)
		if got := w.class(t, "small"); got != want {
			t.Errorf("%q: the small one is in %s, want %s", minimum, got, want)
		}
		if got := w.class(t, "large"); got != "DEEP_ARCHIVE" {
			t.Errorf("%q: the large one is in %s", minimum, got)
		}
	}
}

func TestALifecycleThatIsWrong(t *testing.T) {
	w := newWorld(t)
	moves := []s3.Transition{{Days: 1, StorageClass: "DEEP_ARCHIVE"}}
	for what, test := range map[string]struct {
		rule s3.LifecycleRule
		code string
	}{
		"no action":                            {s3.LifecycleRule{Status: "Enabled"}, "InvalidRequest"},
		"no status":                            {s3.LifecycleRule{Transitions: moves}, "MalformedXML"},
		"uploads by tag":                       {s3.LifecycleRule{Status: "Enabled", Tags: map[string]string{"a": "b"}, AbortUploadsDays: 1}, "InvalidRequest"},
		"markers by tag":                       {s3.LifecycleRule{Status: "Enabled", Tags: map[string]string{"a": "b"}, ExpireDeleteMarkers: true}, "InvalidRequest"},
		"a class that needs thirty days":       {s3.LifecycleRule{Status: "Enabled", Transitions: []s3.Transition{{Days: 29, StorageClass: "STANDARD_IA"}}}, "InvalidArgument"},
		"a class that is none":                 {s3.LifecycleRule{Status: "Enabled", Transitions: []s3.Transition{{StorageClass: "DEEP"}}}, "MalformedXML"},
		"an expiration before the transition":  {s3.LifecycleRule{Status: "Enabled", Transitions: moves, ExpirationDays: 1}, "InvalidArgument"},
		"a tag that S3 does not take":          {s3.LifecycleRule{Status: "Enabled", Transitions: moves, Tags: map[string]string{"a": "#"}}, "InvalidTag"},
		"an expiration and one of the markers": {s3.LifecycleRule{Status: "Enabled", ExpirationDays: 1, ExpireDeleteMarkers: true}, "MalformedXML"},
	} {
		err := w.Create("b", s3.Settings{Lifecycle: s3.Lifecycle{Rules: []s3.LifecycleRule{test.rule}}})
		var refused *endpoint.Error
		if !errors.As(err, &refused) || refused.Code != test.code {
			t.Errorf("%s: %v, want %s", what, err, test.code)
		}
	}
}
