package objects

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/pool"
)

func spec(until time.Time) pool.ObjectSpec {
	return pool.ObjectSpec{
		Bucket: store, Key: "acme/certificate.json", KMSKey: kmsKey, ContentType: "application/json",
		Metadata: map[string]string{"headroom-mark": "m"}, Until: until,
	}
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestASmallObjectIsStoredOnceAndLocked(t *testing.T) {
	until := noon.Add(24 * time.Hour)
	for _, lost := range []struct {
		name    string
		fails   bool
		applied bool
	}{{"stored", false, false}, {"failed", true, false}, {"stored, and the reply was lost", true, true}} {
		t.Run(lost.name, func(t *testing.T) {
			w := newWorld(t)
			if lost.fails {
				w.once("PutObject", lost.applied)
			}
			first, err := w.Put(t.Context(), spec(until), []byte("content"))
			if failed := lost.fails && !lost.applied; failed != (err != nil) {
				t.Fatal(err)
			}
			again, err := w.Put(t.Context(), spec(until), []byte("content"))
			check(t, err)
			for _, got := range []pool.StoredObject{first, again} {
				if got.Version != "" && (got.Version != again.Version || got.Size != 7 || got.SHA256 != digestOf("content") || !got.Until.Equal(until)) {
					t.Errorf("stored %+v", got)
				}
			}
			found, err := w.Head(t.Context(), pool.ObjectRef{Bucket: store, Key: spec(until).Key, Version: again.Version})
			check(t, err)
			if found.SHA256 != digestOf("content") || !found.Until.Equal(until) || !maps.Equal(found.Metadata, spec(until).Metadata) || found.Class != "STANDARD" {
				t.Errorf("found %+v", found)
			}
			if all := w.all(t, store); len(all) != 1 {
				t.Errorf("stored %v", all)
			}
			head, err := w.fake.HeadObject(t.Context(), headOf(w.all(t, store)[0]))
			if err != nil || *head.SSEKMSKeyId != kmsKey || *head.ContentType != "application/json" {
				t.Errorf("stored as %v, %v", head, err)
			}
		})
	}
}

func headOf(v pool.ObjectVersion) *s3.HeadObjectInput {
	bucket := store
	return &s3.HeadObjectInput{Bucket: &bucket, Key: &v.Key, VersionId: &v.Version}
}

func TestAnotherContentIsNotPutInItsPlace(t *testing.T) {
	w := newWorld(t)
	_, err := w.Put(t.Context(), spec(time.Time{}), []byte("content"))
	check(t, err)
	for _, other := range []string{"another", "content of another length", ""} {
		if _, err := w.Put(t.Context(), spec(time.Time{}), []byte(other)); !errors.Is(err, pool.ErrOtherObject) {
			t.Errorf("%q: got %v", other, err)
		}
	}
	if all := w.all(t, store); len(all) != 1 {
		t.Errorf("stored %v", all)
	}
}

func TestPutAgainItIsLockedForAsLong(t *testing.T) {
	w := newWorld(t)
	_, err := w.Put(t.Context(), spec(time.Time{}), []byte("content"))
	check(t, err)
	until := noon.Add(time.Hour)
	_, err = w.Put(t.Context(), spec(until), []byte("content"))
	check(t, err)
	refused, err := w.Delete(t.Context(), store, w.all(t, store))
	if err != nil || len(refused) != 1 {
		t.Errorf("it is not locked: %v, %v", refused, err)
	}
	found, err := w.Put(t.Context(), spec(noon.Add(time.Minute)), []byte("content"))
	if err != nil || !found.Until.Equal(until) {
		t.Errorf("put again, for a shorter time: %+v, %v", found, err)
	}
}

func TestRetentionAndTagsAreThoseOfAVersion(t *testing.T) {
	w := newWorld(t)
	first, second := w.put(t, store, "key", "1"), w.put(t, store, "key", "2")
	until := noon.Add(time.Hour)
	for range 2 {
		check(t, w.Retain(t.Context(), first, until))
		check(t, w.Tag(t.Context(), first, map[string]string{"b": "2", "a": "1"}))
	}
	if err := w.Retain(t.Context(), first, until.Add(-time.Minute)); err == nil {
		t.Error("the retention was shortened")
	}
	found, err := w.Head(t.Context(), first)
	if err != nil || !found.Until.Equal(until) {
		t.Errorf("found %+v, %v", found, err)
	}
	out, err := w.fake.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: &first.Bucket, Key: &first.Key, VersionId: &first.Version})
	if err != nil || len(out.TagSet) != 2 || *out.TagSet[0].Key != "a" || *out.TagSet[1].Value != "2" {
		t.Errorf("tags %v, %v", out, err)
	}
	if found, err = w.Head(t.Context(), second); err != nil || !found.Until.IsZero() {
		t.Errorf("the other: %+v, %v", found, err)
	}
	gone := first
	gone.Key = "missing"
	for what, err := range map[string]error{"retain": w.Retain(t.Context(), gone, until), "tag": w.Tag(t.Context(), gone, nil)} {
		if !errors.Is(err, pool.ErrNoObject) {
			t.Errorf("%s what is not there: %v", what, err)
		}
	}
	// What is current may be another than was meant.
	gone = first
	gone.Version = ""
	for what, err := range map[string]error{"retain": w.Retain(t.Context(), gone, until), "tag": w.Tag(t.Context(), gone, nil)} {
		if !errors.Is(err, errNoVersion) {
			t.Errorf("%s no version: %v", what, err)
		}
	}
}
