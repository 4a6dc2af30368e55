package buckets

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/buckets/bucketstest"
)

const (
	bucketARN = "arn:aws:s3:::headroom-dev-share-standard-1-sharebucket01-a1b2c3"
	bucket    = "headroom-dev-share-standard-1-sharebucket01-a1b2c3"
	mark      = "share-standard-1/k3v9x2m7qa/1/1"
)

var errLost = errors.New("the reply was lost")

// made are the tags of a bucket that CloudFormation made.
func made() map[string]string {
	return map[string]string{
		"aws:cloudformation:stack-name": "headroom-dev-share-standard-1", "aws:cloudformation:logical-id": "ShareBucket01",
		"headroom:stage": "dev",
	}
}

// with is tags with one more.
func with(tags map[string]string, mark string) map[string]string {
	tags["headroom:slot"] = mark
	return tags
}

func TestAMarkedBucketKeepsItsOtherTags(t *testing.T) {
	tests := []struct {
		name         string
		before, want map[string]string
		writes       int
	}{
		{"without tags", nil, with(map[string]string{}, mark), 1},
		{"with the tags of its stack", made(), with(made(), mark), 1},
		{"with the mark of an earlier generation", with(made(), "share-standard-1/k3v9x2m7qa/1/0"), with(made(), mark), 1},
		{"that bears the mark already", with(made(), mark), with(made(), mark), 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := &bucketstest.S3{}
			fake.Add(bucket, test.before)
			b := &Buckets{Client: fake}
			for range 2 {
				if err := b.Mark(t.Context(), bucketARN, mark); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.want, fake.Tags(bucket)); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			if fake.Writes() != test.writes {
				t.Errorf("written %d times, want %d", fake.Writes(), test.writes)
			}
		})
	}
}

func TestAMarkWhoseReplyWasLostIsRepeatable(t *testing.T) {
	for _, applied := range []bool{false, true} {
		for _, operation := range []string{"GetBucketTagging", "PutBucketTagging"} {
			fake := &bucketstest.S3{Fault: func(called string) (bool, error) {
				if called != operation {
					return false, nil
				}
				return applied, errLost
			}}
			fake.Add(bucket, made())
			b := &Buckets{Client: fake}
			if err := b.Mark(t.Context(), bucketARN, mark); !errors.Is(err, errLost) {
				t.Errorf("%s (applied: %v): %v", operation, applied, err)
			}
			fake.Fault = nil
			if err := b.Mark(t.Context(), bucketARN, mark); err != nil {
				t.Errorf("%s (applied: %v), again: %v", operation, applied, err)
			}
			if diff := cmp.Diff(with(made(), mark), fake.Tags(bucket)); diff != "" {
				t.Errorf("%s (applied: %v): tags (-want +got):\n%s", operation, applied, diff)
			}
		}
	}
}

// S3 may answer for a moment that a new bucket has no tags: then it refuses to lose AWS's, and the step
// comes again.
func TestTagsThatLagAreNotLost(t *testing.T) {
	fake := &bucketstest.S3{}
	fake.Add(bucket, made())
	fake.Fault = func(operation string) (bool, error) {
		if operation == "GetBucketTagging" {
			return false, &smithy.GenericAPIError{Code: "NoSuchTagSet"}
		}
		return false, nil
	}
	if err := (&Buckets{Client: fake}).Mark(t.Context(), bucketARN, mark); awsclient.Code(err) != "InvalidTag" {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(made(), fake.Tags(bucket)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestWhatIsNoBucketIsRefused(t *testing.T) {
	b := &Buckets{Client: &bucketstest.S3{Fault: func(operation string) (bool, error) {
		t.Errorf("%s was called", operation)
		return false, errLost
	}}}
	for _, bad := range []string{"", bucket, "arn:aws:s3:::", "arn:aws:s3:::bucket/key", "arn:aws:iam::123456789012:role/r"} {
		if err := b.Mark(t.Context(), bad, mark); !errors.Is(err, errNoBucket) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := b.Mark(t.Context(), bucketARN, ""); !errors.Is(err, errNoMark) {
		t.Errorf("without a mark: %v", err)
	}
}

func TestTheEndOfTheCallersTimeIsTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&Buckets{Client: &bucketstest.S3{}}).Mark(ctx, bucketARN, mark); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
