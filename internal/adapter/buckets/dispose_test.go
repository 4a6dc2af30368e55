package buckets_test

import (
	"errors"
	"testing"

	"headroom/internal/adapter/buckets"
	"headroom/internal/adapter/buckets/bucketstest"
	"headroom/internal/pool"
)

const ours = "arn:aws:s3:::ours"

func TestABucketIsDeletedOnlyWhenItHoldsNothing(t *testing.T) {
	for _, held := range []string{bucketstest.Version, bucketstest.Marker, bucketstest.Upload} {
		fake := &bucketstest.S3{}
		fake.Add("ours", map[string]string{"headroom:slot": "m"})
		fake.Hold("ours", held)
		d := &buckets.Disposal{Client: fake}
		if found, err := d.Found(t.Context(), ours); err != nil || found == "" {
			t.Errorf("with a %s: found %q, %v", held, found, err)
		}
		if err := d.Delete(t.Context(), ours); held != bucketstest.Upload && (err == nil || len(fake.Names()) != 1) {
			t.Errorf("with a %s it was deleted: %v", held, err)
		}
	}
}

func TestABucketIsDeletedOnceHoweverOftenItIsAskedFor(t *testing.T) {
	fake := &bucketstest.S3{}
	fake.Add("ours", map[string]string{"headroom:slot": "m"})
	fake.Add("other", nil)
	d := &buckets.Disposal{Client: fake}
	if mark, err := d.MarkOf(t.Context(), ours); err != nil || mark != "m" {
		t.Errorf("its mark is %q, %v", mark, err)
	}
	if found, err := d.Found(t.Context(), ours); err != nil || found != "" {
		t.Errorf("found %q, %v", found, err)
	}
	for range 2 {
		if err := d.Delete(t.Context(), ours); err != nil {
			t.Error(err)
		}
	}
	if names := fake.Names(); len(names) != 1 || names[0] != "other" {
		t.Errorf("left are %v", names)
	}
	if _, err := d.Found(t.Context(), ours); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("in what is gone: %v", err)
	}
	if _, err := d.MarkOf(t.Context(), ours); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("the mark of what is gone: %v", err)
	}
	if err := d.Delete(t.Context(), "arn:aws:s3:::ours/*"); err == nil {
		t.Error("a pattern was deleted")
	}
}
