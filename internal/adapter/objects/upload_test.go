package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"headroom/internal/pool"
)

var archiveSpec = pool.ObjectSpec{Bucket: store, Key: "acme/1.zip", KMSKey: kmsKey, Metadata: map[string]string{"headroom-mark": "m"}}

// bulk is content of so many bytes.
func bulk(n int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n] }

func TestAStreamIsUploaded(t *testing.T) {
	for _, start := range []struct {
		name string
		run  func(func())
	}{{"one after the other", nil}, {"beside", func(run func()) { go run() }}} {
		for _, size := range []int{0, 1, partMin - 1, partMin, partMin + 1, 3*partMin + 5} {
			w := newWorld(t)
			w.Span = partMin
			if start.run != nil {
				w.Start = start.run
			}
			u, err := w.Upload(t.Context(), archiveSpec, 0)
			check(t, err)
			content := bulk(size)
			_, err = io.CopyBuffer(struct{ io.Writer }{u}, struct{ io.Reader }{bytes.NewReader(content)}, make([]byte, 1<<20+7))
			check(t, err)
			if len(w.all(t, store)) != 0 || u.Size() != int64(size) {
				t.Errorf("%s, %d bytes: it is seen before it is complete", start.name, size)
			}
			stored, err := u.Complete(t.Context())
			check(t, err)
			if stored.Size != int64(size) || stored.SHA256 != digestOf(string(content)) {
				t.Errorf("%s, %d bytes: stored %+v", start.name, size, stored)
			}
			ref := pool.ObjectRef{Bucket: store, Key: archiveSpec.Key, Version: stored.Version}
			if got, err := w.content(t, ref, int64(size)); err != nil || got != string(content) {
				t.Errorf("%s, %d bytes: read %d, %v", start.name, size, len(got), err)
			}
			found, err := w.Head(t.Context(), ref)
			if err != nil || found.SHA256 != "" || found.Metadata["headroom-mark"] != "m" || !found.Until.IsZero() {
				t.Errorf("%s, %d bytes: found %+v, %v", start.name, size, found, err)
			}
			if want := max(1, (size+partMin-1)/partMin); w.calls["UploadPart"] != want {
				t.Errorf("%s, %d bytes: %d parts, want %d", start.name, size, w.calls["UploadPart"], want)
			}
		}
	}
}

func TestACompletionWhoseReplyWasLost(t *testing.T) {
	for _, applied := range []bool{true, false} {
		w := newWorld(t)
		u, err := w.Upload(t.Context(), archiveSpec, 0)
		check(t, err)
		_, err = u.Write([]byte("content"))
		check(t, err)
		w.once("CompleteMultipartUpload", applied)
		stored, err := u.Complete(t.Context())
		if applied != (err == nil) || applied != (stored.Version != "") {
			t.Errorf("applied %t: %+v, %v", applied, stored, err)
		}
		check(t, u.Abort(t.Context()))
		page, err := w.Uploads(t.Context(), store, "", pool.UploadCursor{})
		check(t, err)
		if left := len(page.Uploads); left != 0 || applied != (len(w.all(t, store)) == 1) {
			t.Errorf("applied %t: %d uploads, %v", applied, left, w.all(t, store))
		}
	}
}

func TestAnUploadTakesNoKeyThatIsTaken(t *testing.T) {
	w := newWorld(t)
	u, err := w.Upload(t.Context(), archiveSpec, 0)
	check(t, err)
	_, err = u.Write([]byte("content"))
	check(t, err)
	w.put(t, store, archiveSpec.Key, "another")
	if _, err := u.Complete(t.Context()); err == nil {
		t.Error("the key was taken")
	}
	if all := w.all(t, store); len(all) != 1 || all[0].Size != 7 {
		t.Errorf("stored %v", all)
	}
}

func TestAnUploadThatFailsStaysSoAndIsAborted(t *testing.T) {
	for _, beside := range []bool{false, true} {
		w := newWorld(t)
		if beside {
			w.Start = func(run func()) { go run() }
		}
		w.faults(func(operation string) (bool, error) {
			if operation == "UploadPart" {
				return true, errLost
			}
			return false, nil
		})
		u, err := w.Upload(t.Context(), archiveSpec, 0)
		check(t, err)
		for range 5 {
			if _, err = u.Write(bulk(partMin)); err != nil {
				break
			}
		}
		if !errors.Is(err, errLost) {
			t.Errorf("write: %v", err)
		}
		if _, err := u.Write([]byte("x")); !errors.Is(err, errLost) {
			t.Errorf("write again: %v", err)
		}
		if _, err := u.Complete(t.Context()); !errors.Is(err, errLost) {
			t.Errorf("complete: %v", err)
		}
		for range 2 {
			check(t, u.Abort(t.Context()))
		}
		page, err := w.Uploads(t.Context(), store, "", pool.UploadCursor{})
		if err != nil || len(page.Uploads)+len(w.all(t, store)) > 0 {
			t.Errorf("left: %v, %v, %v", page, w.all(t, store), err)
		}
	}
}

// A part that arrives behind the abortion would be kept, and paid for.
func TestAnAbortionWaitsForThePartThatIsUnderWay(t *testing.T) {
	w := newWorld(t)
	w.Start = func(run func()) { go run() }
	u, err := w.Upload(t.Context(), archiveSpec, 0)
	check(t, err)
	began, goOn := make(chan struct{}), make(chan struct{})
	w.fake.Fault = func(operation string) (bool, error) {
		if operation == "UploadPart" {
			close(began)
			<-goOn
		}
		return false, nil
	}
	_, err = u.Write(bulk(partMin + 1))
	check(t, err)
	<-began
	aborted := make(chan error, 1)
	go func() { aborted <- u.Abort(t.Context()) }()
	select {
	case err := <-aborted:
		close(goOn)
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(goOn)
	if err := <-aborted; err != nil {
		t.Error(err)
	}
}

func TestAnUploadThatIsOverTakesNothing(t *testing.T) {
	w := newWorld(t)
	u, err := w.Upload(t.Context(), archiveSpec, 0)
	check(t, err)
	_, err = u.Complete(t.Context())
	check(t, err)
	if _, err := u.Write([]byte("x")); !errors.Is(err, errOver) {
		t.Errorf("write: %v", err)
	}
	if _, err := u.Complete(t.Context()); !errors.Is(err, errOver) {
		t.Errorf("complete: %v", err)
	}
	check(t, u.Abort(t.Context()))
	if all := w.all(t, store); len(all) != 1 {
		t.Errorf("stored %v", all)
	}
}

// mistaken is an S3 that has another checksum than what was sent.
type mistaken struct{ client }

func (m mistaken) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, _ ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	out, err := m.client.CompleteMultipartUpload(ctx, in)
	if err == nil {
		out.ChecksumSHA256 = aws.String("another-1")
	}
	return out, err
}

func TestAnotherChecksumIsAnError(t *testing.T) {
	w := newWorld(t)
	w.Client = mistaken{w.fake}
	u, err := w.Upload(t.Context(), archiveSpec, 0)
	check(t, err)
	if _, err := u.Complete(t.Context()); !errors.Is(err, errChecksum) {
		t.Errorf("got %v", err)
	}
}

func TestPartsHaveRoomForMoreThanWasExpected(t *testing.T) {
	for _, expect := range []int64{0, 1, partMin * expectedParts, 300 << 30, 5 << 40, 48 << 40} {
		var all, most int64
		for n := range partsMax {
			size := partSize(n+1, expect)
			if size < 5<<20 || size > partMax {
				t.Fatalf("expecting %d, part %d has %d bytes", expect, n+1, size)
			}
			all, most = all+size, max(most, size)
		}
		if all < expect || all < 180<<30-1<<30 || expect < 1<<40 && all < expect*28/10 {
			t.Errorf("expecting %d there is room for %d", expect, all)
		}
		if first := partSize(1, expect); first > max(partMin, expect/expectedParts+1) {
			t.Errorf("expecting %d a part has %d bytes, and it could have fewer", expect, first)
		}
	}
}

// nowhere is an S3 that forgets what it is sent.
type nowhere struct {
	client
	parts int
}

func (n *nowhere) UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	n.parts++
	return &s3.UploadPartOutput{ETag: aws.String("etag")}, nil
}

func TestAnUploadHoldsTwoPartsAtMost(t *testing.T) {
	w := newWorld(t)
	s3 := &nowhere{client: w.fake}
	w.Client = s3
	w.Start = func(run func()) { go run() }
	u, err := w.Upload(t.Context(), archiveSpec, 0)
	check(t, err)
	piece := bulk(1 << 20)
	var before, after, m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	for range 512 {
		_, err := u.Write(piece)
		check(t, err)
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(most) - int64(before.HeapAlloc); grown > 2*partMin+2<<20 {
		t.Errorf("the heap grew by %d bytes for 512 MiB", grown)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 3*partMin {
		t.Errorf("%d bytes were allocated", allocated)
	}
	check(t, u.Abort(t.Context()))
	if s3.parts < 63 {
		t.Errorf("%d parts were sent", s3.parts)
	}
}

func TestAnUploadOfFarMoreThanWasExpectedEnds(t *testing.T) {
	w := newWorld(t)
	w.Client = &nowhere{client: w.fake}
	u, err := w.Upload(t.Context(), archiveSpec, 0)
	check(t, err)
	u.parts = make([]types.CompletedPart, partsMax) // 180 GiB were written
	u.fill = make([]byte, 0, 1)
	_, err = u.Write(bulk(int(partSize(partsMax+1, 0)) + 1))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}
