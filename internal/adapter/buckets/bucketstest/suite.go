package bucketstest

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/adapter/awsclient"
)

// World is one that stands for S3.
type World struct {
	Client interface {
		GetBucketTagging(context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error)
		PutBucketTagging(context.Context, *s3.PutBucketTaggingInput, ...func(*s3.Options)) (*s3.PutBucketTaggingOutput, error)
	}
	// Bucket makes a bucket that bears tags, and returns its name.
	Bucket func(t *testing.T, tags map[string]string) string
}

const system = "aws:cloudformation:stack-name"

// Suite is what S3 does, and what it refuses.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	ours := map[string]string{system: "s", "headroom:stage": "dev"}
	with := func(change func(map[string]string)) map[string]string {
		tags := maps.Clone(ours)
		change(tags)
		return tags
	}
	tests := []struct {
		name string
		put  map[string]string
		want string // code of the refusal; "" when the tags are taken
	}{
		{"a tag more", with(func(t map[string]string) { t["headroom:slot"] = "share-standard-1/k3v9x2m7qa/1/1" }), ""},
		{"a tag fewer", map[string]string{system: "s"}, ""},
		{"a tag changed", with(func(t map[string]string) { t["headroom:stage"] = "" }), ""},
		{"characters of all kinds", with(func(t map[string]string) { t["a +-=._:/@é"] = "a +-=._:/@é" }), ""},
		{"values as long as may be", with(func(t map[string]string) { t[strings.Repeat("k", 128)] = strings.Repeat("v", 256) }), ""},
		{"AWS's tag removed", map[string]string{"headroom:stage": "dev"}, "InvalidTag"},
		{"all tags removed", map[string]string{}, "InvalidTag"},
		{"AWS's tag changed", with(func(t map[string]string) { t[system] = "t" }), "InvalidTag"},
		{"a tag of AWS's added", with(func(t map[string]string) { t["aws:mine"] = "t" }), "InvalidTag"},
		{"an empty key", with(func(t map[string]string) { t[""] = "v" }), "InvalidTag"},
		{"a key that is too long", with(func(t map[string]string) { t[strings.Repeat("k", 129)] = "v" }), "InvalidTag"},
		{"a value that is too long", with(func(t map[string]string) { t["k"] = strings.Repeat("v", 257) }), "InvalidTag"},
		{"a value with other characters", with(func(t map[string]string) { t["k"] = "a;b" }), "InvalidTag"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			bucket := w.Bucket(t, ours)
			_, err := w.Client.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: &bucket, Tagging: tagging(test.put)})
			if code := awsclient.Code(err); code != test.want || (err != nil) != (test.want != "") {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			want := test.put
			if test.want != "" {
				want = ours
			}
			if got := w.tags(t, bucket); !maps.Equal(got, want) {
				t.Errorf("the bucket has the tags %v, want %v", got, want)
			}
		})
	}
	t.Run("a key twice", func(t *testing.T) {
		w := newWorld(t)
		bucket := w.Bucket(t, nil)
		twice := &types.Tagging{TagSet: append(tagging(ours).TagSet[1:], tagging(ours).TagSet[1:]...)}
		_, err := w.Client.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: &bucket, Tagging: twice})
		if awsclient.Code(err) != "InvalidTag" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a bucket without tags", func(t *testing.T) {
		w := newWorld(t)
		bucket := w.Bucket(t, nil)
		if _, err := w.Client.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: &bucket}); !awsclient.IsUntagged(err) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no bucket", func(t *testing.T) {
		w := newWorld(t)
		missing := aws.String("missing")
		if _, err := w.Client.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: missing}); awsclient.Code(err) != "NoSuchBucket" {
			t.Errorf("read: %v", err)
		}
		_, err := w.Client.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: missing, Tagging: tagging(ours)})
		if awsclient.Code(err) != "NoSuchBucket" {
			t.Errorf("written: %v", err)
		}
	})
}

func (w World) tags(t *testing.T, bucket string) map[string]string {
	t.Helper()
	out, err := w.Client.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for _, tag := range out.TagSet {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags
}

// tagging words tags, AWS's own first.
func tagging(tags map[string]string) *types.Tagging {
	out := &types.Tagging{TagSet: []types.Tag{}}
	if value, ok := tags[system]; ok {
		out.TagSet = append(out.TagSet, types.Tag{Key: aws.String(system), Value: &value})
	}
	for key, value := range tags {
		if key != system {
			out.TagSet = append(out.TagSet, types.Tag{Key: &key, Value: &value})
		}
	}
	return out
}
