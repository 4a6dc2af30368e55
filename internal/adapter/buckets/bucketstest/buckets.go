// Package bucketstest is an in-memory S3, as far as buckets have tags, and the suite that it and others
// that stand for S3 are held to.
package bucketstest

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// S3 is the fake. The zero value has no buckets.
type S3 struct {
	// Fault is asked before each call of an operation, by its name. An error is what the caller gets;
	// applied means that the call takes effect all the same: written, but the reply was lost.
	Fault func(operation string) (applied bool, err error)

	mu      sync.Mutex
	buckets map[string]map[string]string // tags by bucket
	held    map[string]string            // what a bucket holds, by bucket
	writes  int
}

// Add makes a bucket with tags, as CloudFormation does: its own, which begin with "aws:", among them.
func (f *S3) Add(bucket string, tags map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.buckets == nil {
		f.buckets = map[string]map[string]string{}
	}
	f.buckets[bucket] = maps.Clone(tags)
}

// Tags returns the tags of a bucket.
func (f *S3) Tags(bucket string) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.buckets[bucket])
}

// Writes returns how often tags were written.
func (f *S3) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// GetBucketTagging is S3's: a bucket without tags is an error.
func (f *S3) GetBucketTagging(ctx context.Context, in *s3.GetBucketTaggingInput, _ ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, fault := f.strike("GetBucketTagging"); fault != nil {
		return nil, fault
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	tags, ok := f.buckets[aws.ToString(in.Bucket)]
	if !ok {
		return nil, refuse("NoSuchBucket", "The specified bucket does not exist")
	}
	if len(tags) == 0 {
		return nil, refuse("NoSuchTagSet", "The TagSet does not exist")
	}
	out := &s3.GetBucketTaggingOutput{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.TagSet = append(out.TagSet, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out, nil
}

// PutBucketTagging is S3's: what a request does not name is gone, but for AWS's own tags, which a request
// has to name as they are.
func (f *S3) PutBucketTagging(ctx context.Context, in *s3.PutBucketTaggingInput, _ ...func(*s3.Options)) (*s3.PutBucketTaggingOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	applied, fault := f.strike("PutBucketTagging")
	if fault != nil && !applied {
		return nil, fault
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	bucket := aws.ToString(in.Bucket)
	before, ok := f.buckets[bucket]
	if !ok {
		return nil, refuse("NoSuchBucket", "The specified bucket does not exist")
	}
	after, err := read(in.Tagging)
	if err != nil {
		return nil, err
	}
	if err := keepsSystemTags(before, after); err != nil {
		return nil, err
	}
	f.buckets[bucket] = after
	f.writes++
	if fault != nil {
		return nil, fault
	}
	return &s3.PutBucketTaggingOutput{}, nil
}

// text is what S3 takes in keys and values.
var text = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)

// read checks what a request says.
func read(tagging *types.Tagging) (map[string]string, error) {
	if tagging == nil || len(tagging.TagSet) > 50 {
		return nil, refuse("BadRequest", "Bucket tag count cannot be greater than 50")
	}
	tags := map[string]string{}
	for _, tag := range tagging.TagSet {
		key, value := aws.ToString(tag.Key), aws.ToString(tag.Value)
		if _, twice := tags[key]; twice {
			return nil, refuse("InvalidTag", "Cannot provide multiple Tags with the same key")
		}
		if key == "" || len([]rune(key)) > 128 || !text.MatchString(key) {
			return nil, refuse("InvalidTag", "The TagKey you have provided is invalid")
		}
		if len([]rune(value)) > 256 || !text.MatchString(value) {
			return nil, refuse("InvalidTag", "The TagValue you have provided is invalid")
		}
		tags[key] = value
	}
	return tags, nil
}

func keepsSystemTags(before, after map[string]string) error {
	for key, value := range after {
		if was, ok := before[key]; strings.HasPrefix(key, "aws:") && (!ok || was != value) {
			return refuse("InvalidTag", "System tags cannot be added/updated by requester")
		}
	}
	for key := range before {
		if _, ok := after[key]; strings.HasPrefix(key, "aws:") && !ok {
			return refuse("InvalidTag", "System tags cannot be removed by requester")
		}
	}
	return nil
}

func (f *S3) strike(operation string) (applied bool, err error) {
	if f.Fault == nil {
		return false, nil
	}
	return f.Fault(operation)
}

func refuse(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }
