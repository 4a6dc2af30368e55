package s3

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"headroom/internal/local/endpoint"
)

// S3's quotas of tags.
const (
	tagsPerBucket = 50
	tagsPerObject = 10
)

func (s *S3) getBucketTagging(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		if len(b.settings.Tags) == 0 {
			return nil, refusal("NoSuchTagSet", "The TagSet does not exist", http.StatusNotFound)
		}
		return tagging(b.settings.Tags), nil
	})
}

func (s *S3) putBucketTagging(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		tags, err := readTags(call.Body, tagsPerBucket, "Bucket")
		if err != nil {
			return nil, err
		}
		if err := keepsSystemTags(b.settings.Tags, tags); err != nil {
			return nil, err
		}
		b.settings.Tags = tags
		return nil, nil
	})
}

// tagging is the document of tags.
func tagging(tags map[string]string) endpoint.Raw {
	d := newDocument("Tagging")
	d.open("TagSet")
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		d.open("Tag")
		d.element("Key", key)
		d.element("Value", tags[key])
		d.close("Tag")
	}
	d.close("TagSet")
	return d.answer("Tagging")
}

// readTags checks a request's body.
func readTags(body []byte, most int, of string) (map[string]string, error) {
	var tagging struct {
		Tags []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if err := readXML(body, &tagging); err != nil {
		return nil, err
	}
	if len(tagging.Tags) > most {
		return nil, refusal("BadRequest", of+" tag count cannot be greater than "+map[int]string{tagsPerBucket: "50", tagsPerObject: "10"}[most], 0)
	}
	tags := map[string]string{}
	for _, tag := range tagging.Tags {
		if _, twice := tags[tag.Key]; twice {
			return nil, refusal("InvalidTag", "Cannot provide multiple Tags with the same key", 0)
		}
		tags[tag.Key] = tag.Value
	}
	return tags, CheckTags(tags)
}

// text is what S3 takes in keys and values.
var text = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)

// CheckTags refuses tags whose keys or values S3 doesn't take.
func CheckTags(tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if n := utf8.RuneCountInString(key); n < 1 || n > 128 || !text.MatchString(key) {
			return refusal("InvalidTag", "The TagKey you have provided is invalid", 0)
		}
		if utf8.RuneCountInString(tags[key]) > 256 || !text.MatchString(tags[key]) {
			return refusal("InvalidTag", "The TagValue you have provided is invalid", 0)
		}
	}
	return nil
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

func (s *S3) getTagging(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		v, err := s.find(b, call)
		if err != nil {
			return nil, err
		}
		reply := tagging(v.tags)
		b.nameVersion(v, reply.Header)
		return reply, nil
	})
}

func (s *S3) putTagging(_ context.Context, call endpoint.Call) (any, error) {
	return s.in(call, func(b *bucket) (any, error) {
		tags, err := readTags(call.Body, tagsPerObject, "Object")
		if err != nil {
			return nil, err
		}
		if err := keepsSystemTags(nil, tags); err != nil {
			return nil, err
		}
		v, err := s.find(b, call)
		if err != nil {
			return nil, err
		}
		v.tags, v.tagged = tags, s.cfg.Now()
		header := http.Header{}
		b.nameVersion(v, header)
		return empty(http.StatusOK, header), nil
	})
}
