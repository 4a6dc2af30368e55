package objects

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

// all lists what there is, for Delete.
func (w *world) all(t *testing.T, bucket string) []pool.ObjectVersion {
	t.Helper()
	var all []pool.ObjectVersion
	var from pool.ObjectCursor
	for {
		page, err := w.Versions(t.Context(), bucket, "", from)
		check(t, err)
		all = append(all, page.Versions...)
		if from = page.Next; !page.More {
			return all
		}
	}
}

func TestEverythingOfABucketIsDeleted(t *testing.T) {
	w := newWorld(t)
	for _, key := range oddKeys {
		w.put(t, share, key, "1")
		w.put(t, share, key, "2")
		w.hide(t, share, key)
	}
	// This one is there as well, and goes by its own name.
	w.put(t, share, "b\uFFFD", "another")
	for i := range 2100 {
		w.put(t, share, fmt.Sprintf("many %04d", i), "")
	}
	all := w.all(t, share)
	for range 2 {
		refused, err := w.Delete(t.Context(), share, all)
		if err != nil || len(refused) > 0 {
			t.Fatal(refused, err)
		}
		if left := w.versions(t, w.Versions, share, ""); len(left) > 0 {
			t.Fatalf("left: %q", left)
		}
	}
	if many, one := w.calls["DeleteObjects"], w.calls["DeleteObject"]-len(oddKeys); many != 2*3 || one != 2*3 {
		t.Errorf("deleted by %d requests for many and %d for one", many, one)
	}
}

func TestAKeyThatXMLCantHoldTakesNoOtherWithIt(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"a\x01", "a\uFFFD", "a\uFFFE"} {
		w.put(t, share, key, "")
	}
	all := w.all(t, share)
	for i, v := range all {
		refused, err := w.Delete(t.Context(), share, all[i:i+1])
		if err != nil || len(refused) > 0 {
			t.Fatal(refused, err)
		}
		if left := w.all(t, share); len(left) != len(all)-i-1 {
			t.Errorf("deleted %q, and left is %v", v.Key, left)
		}
	}
}

func TestWhatIsRefusedIsNamedAndKeepsNobodyElse(t *testing.T) {
	w := newWorld(t)
	for _, key := range []string{"free", "free\x01", "locked", "locked\x01", "unlucky"} {
		ref := w.put(t, store, key, "")
		if key[0] == 'l' {
			check(t, w.Retain(t.Context(), ref, noon.Add(time.Hour)))
		}
	}
	w.fake.Keep = func(key string) string {
		if key == "unlucky" {
			return "InternalError"
		}
		return ""
	}
	all := w.all(t, store)
	refused, err := w.Delete(t.Context(), store, all)
	check(t, err)
	slices.SortFunc(refused, func(a, b pool.ObjectRefusal) int { return cmp.Compare(a.Object.Key, b.Object.Key) })
	var got []string
	for _, r := range refused {
		if !slices.Contains(all, r.Object) || r.Message == "" {
			t.Errorf("refused %+v", r)
		}
		got = append(got, r.Object.Key+" "+r.Code)
	}
	if want := []string{"locked AccessDenied", "locked\x01 AccessDenied", "unlucky InternalError"}; !slices.Equal(got, want) {
		t.Errorf("refused %q, want %q", got, want)
	}
	if left := w.all(t, store); len(left) != 3 {
		t.Errorf("left: %v", left)
	}
}

func TestWithoutAVersionNothingIsDeleted(t *testing.T) {
	w := newWorld(t)
	w.put(t, share, "a", "")
	w.put(t, share, "b", "")
	some := w.all(t, share)
	some[1].Version = ""
	if _, err := w.Delete(t.Context(), share, some); !errors.Is(err, errNoVersion) {
		t.Errorf("got %v", err)
	}
	if left := w.all(t, share); len(left) != 2 || w.calls["DeleteObjects"]+w.calls["DeleteObject"] != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestADeletionWhoseReplyWasLostIsRepeatable(t *testing.T) {
	for _, operation := range []string{"DeleteObject", "DeleteObjects", "AbortMultipartUpload"} {
		for _, applied := range []bool{false, true} {
			w := newWorld(t)
			w.put(t, share, "a", "")
			w.put(t, share, "b\x01", "")
			u, err := w.Upload(t.Context(), pool.ObjectSpec{Bucket: share, Key: "c", KMSKey: kmsKey}, 0)
			check(t, err)
			all := w.all(t, share)
			destroy := func() error {
				_, err := w.Delete(t.Context(), share, all)
				return errors.Join(err, w.AbortUpload(t.Context(), share, u.Open()))
			}
			w.once(operation, applied)
			if err := destroy(); !errors.Is(err, errLost) {
				t.Errorf("%s (applied: %t): %v", operation, applied, err)
			}
			check(t, destroy())
			page, err := w.Uploads(t.Context(), share, "", pool.UploadCursor{})
			check(t, err)
			if left := w.all(t, share); len(left)+len(page.Uploads) > 0 {
				t.Errorf("%s (applied: %t): left: %v, %v", operation, applied, left, page.Uploads)
			}
		}
	}
}
