// Package s3 fakes what the real part that stands for S3 lacks: the tags of buckets. They are kept in memory,
// and only those of buckets that the part has.
package s3

import (
	"context"
	"encoding/xml"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"headroom/internal/local/endpoint"
)

// tagsPerBucket is S3's quota.
const tagsPerBucket = 50

// Config is what the fake needs, all of it required.
type Config struct {
	// Exists looks whether there is a bucket, such as In does.
	Exists func(ctx context.Context, bucket string) (bool, error)
}

// Tags are the tags of all buckets.
type Tags struct {
	cfg Config

	mu   sync.Mutex
	tags map[string]map[string]string // by bucket
}

// New makes a Tags without any.
func New(cfg Config) *Tags { return &Tags{cfg: cfg, tags: map[string]map[string]string{}} }

// Service answers the operations about tags.
func (t *Tags) Service() endpoint.Service {
	return endpoint.Service{Name: "s3", Operations: map[string]endpoint.Operation{
		"GetBucketTagging": t.get,
		"PutBucketTagging": t.put,
	}}
}

// Set gives a bucket its tags, as CloudFormation does when it makes one: those that begin with "aws:" are
// its own, and stay.
func (t *Tags) Set(bucket string, tags map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tags[bucket] = maps.Clone(tags)
}

// Forget takes the tags of a bucket away, when it is deleted.
func (t *Tags) Forget(bucket string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tags, bucket)
}

func refusal(code, message string, status int) error {
	return &endpoint.Error{Code: code, Message: message, Status: status}
}

// bucket is the bucket that a call is about, which must exist.
func (t *Tags) bucket(ctx context.Context, call endpoint.Call) (string, error) {
	bucket, _ := call.Params["Bucket"].(string)
	exists, err := t.cfg.Exists(ctx, bucket)
	if err != nil {
		return "", err
	}
	if !exists {
		t.Forget(bucket)
		return "", refusal("NoSuchBucket", "The specified bucket does not exist", http.StatusNotFound)
	}
	return bucket, nil
}

func (t *Tags) get(ctx context.Context, call endpoint.Call) (any, error) {
	bucket, err := t.bucket(ctx, call)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tags := t.tags[bucket]
	if len(tags) == 0 {
		return nil, refusal("NoSuchTagSet", "The TagSet does not exist", http.StatusNotFound)
	}
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, map[string]any{"Key": key, "Value": tags[key]})
	}
	return map[string]any{"Tagging": map[string]any{"TagSet": endpoint.List{Element: "Tag", Items: list}}}, nil
}

func (t *Tags) put(ctx context.Context, call endpoint.Call) (any, error) {
	bucket, err := t.bucket(ctx, call)
	if err != nil {
		return nil, err
	}
	after, err := read(call.Body)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := keepsSystemTags(t.tags[bucket], after); err != nil {
		return nil, err
	}
	t.tags[bucket] = after
	return nil, nil
}

// text is what S3 takes in keys and values.
var text = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)

// read checks a request's body.
func read(body []byte) (map[string]string, error) {
	var tagging struct {
		Tags []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if err := xml.Unmarshal(body, &tagging); err != nil {
		return nil, refusal("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 0)
	}
	if len(tagging.Tags) > tagsPerBucket {
		return nil, refusal("BadRequest", "Bucket tag count cannot be greater than 50", 0)
	}
	tags := map[string]string{}
	for _, tag := range tagging.Tags {
		if _, twice := tags[tag.Key]; twice {
			return nil, refusal("InvalidTag", "Cannot provide multiple Tags with the same key", 0)
		}
		if n := utf8.RuneCountInString(tag.Key); n < 1 || n > 128 || !text.MatchString(tag.Key) {
			return nil, refusal("InvalidTag", "The TagKey you have provided is invalid", 0)
		}
		if utf8.RuneCountInString(tag.Value) > 256 || !text.MatchString(tag.Value) {
			return nil, refusal("InvalidTag", "The TagValue you have provided is invalid", 0)
		}
		tags[tag.Key] = tag.Value
	}
	return tags, nil
}

// keepsSystemTags refuses what adds, changes or removes a tag of AWS's own.
func keepsSystemTags(before, after map[string]string) error {
	for key, value := range after {
		if was, ok := before[key]; strings.HasPrefix(key, "aws:") && (!ok || was != value) {
			return refusal("InvalidTag", "System tags cannot be added/updated by requester", 0)
		}
	}
	for key := range before {
		if _, ok := after[key]; strings.HasPrefix(key, "aws:") && !ok {
			return refusal("InvalidTag", "System tags cannot be removed by requester", 0)
		}
	}
	return nil
}
