package archivist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"headroom/events"
	"headroom/internal/pool"
)

// vast are a share that is nowhere, however large, and archives on a disk. It watches the heap while they are written.
type vast struct {
	objects
	t     testing.TB
	dir   string
	files int // of fileSize, and one that is
	large int64
	keep  bool // the zip too, and not its manifest alone
	peak  uint64
	wrote int
}

const fileSize = 1000

func (v *vast) key(i int) string { return fmt.Sprintf("folder %04d/file %08d", i/1000, i) }

func (v *vast) Current(_ context.Context, _, _ string, from pool.ObjectCursor) (page pool.ObjectPage, err error) {
	first := 0
	if from.Version != "" {
		_, err = fmt.Sscan(from.Version, &first)
	}
	last := min(first+1000, v.files+1)
	for i := first; i < last; i++ {
		o := pool.ObjectVersion{Key: v.key(i), Version: fmt.Sprint(i), Size: fileSize, Modified: noon, Latest: true}
		if i == v.files {
			o.Size = v.large
		}
		page.Versions = append(page.Versions, o)
	}
	page.More, page.Next = last <= v.files, pool.ObjectCursor{Key: v.key(last), Version: fmt.Sprint(last)}
	return page, err
}

// pattern is content that packs about as well as a text.
type pattern struct{ at int64 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(p.at>>4) ^ byte(p.at*p.at>>9)&7
		p.at++
	}
	return len(b), nil
}

func (v *vast) path(key string) string { return filepath.Join(v.dir, filepath.Base(key)) }

func (v *vast) Open(_ context.Context, ref pool.ObjectRef, size int64) (io.ReadCloser, pool.StoredObject, error) {
	if ref.Bucket == store {
		f, err := os.Open(v.path(ref.Key))
		return f, pool.StoredObject{}, err
	}
	return io.NopCloser(io.LimitReader(&pattern{}, size)), pool.StoredObject{Metadata: map[string]string{"file-owner": "1000"}}, nil
}

func (v *vast) Head(_ context.Context, ref pool.ObjectRef) (pool.StoredObject, error) {
	info, err := os.Stat(v.path(ref.Key))
	if err != nil {
		return pool.StoredObject{}, err
	}
	return pool.StoredObject{Size: info.Size()}, nil
}

func (v *vast) Store(_ context.Context, spec pool.ObjectSpec, _ int64, write func(io.Writer) error) (pool.StoredObject, error) {
	var file io.WriteCloser = struct {
		io.Writer
		io.Closer
	}{io.Discard, io.NopCloser(nil)}
	if v.keep || filepath.Base(spec.Key) != "archive.zip" {
		f, err := os.Create(v.path(spec.Key))
		if err != nil {
			return pool.StoredObject{}, err
		}
		file = f
	}
	sum, size := sha256.New(), &counter{v: v}
	err := errors.Join(write(io.MultiWriter(file, sum, size)), file.Close())
	return pool.StoredObject{Version: "1", Size: size.n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

func (v *vast) Uploads(context.Context, string, string, pool.UploadCursor) (pool.UploadPage, error) {
	return pool.UploadPage{}, nil
}
func (v *vast) AbortUpload(context.Context, string, pool.OpenUpload) error { return nil }

// look looks how large the heap is, now and then.
func (v *vast) look() {
	if v.wrote++; v.wrote%500 == 0 {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		v.peak = max(v.peak, memory.HeapInuse)
	}
}

type counter struct {
	v *vast
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	c.v.look()
	return len(p), nil
}

// run archives, and verifies where the zip is kept.
func (v *vast) run(t testing.TB, w *world) events.ArchiveRef {
	t.Helper()
	w.Objects = v
	verify := w.archived()
	if v.keep {
		if report := w.do(verify); report.Proof == "" {
			t.Errorf("verified: %+v", report)
		}
	}
	return *verify.Archive
}

func TestMemoryIsBoundedWhateverTheSize(t *testing.T) {
	for _, test := range []struct {
		name  string
		files int
		large int64
		keep  bool
		most  uint64 // MiB
	}{
		{"one of half a gigabyte", 0, 1 << 29, false, 16},
		{"fifty thousand", 50_000, 1, true, 64}, // names, and places in the directory: half a kilobyte each
	} {
		t.Run(test.name, func(t *testing.T) {
			runtime.GC()
			v := &vast{t: t, dir: t.TempDir(), files: test.files, large: test.large, keep: test.keep}
			ref := v.run(t, newWorld(t, nil))
			t.Logf("%d entries, %d MiB of zip: the heap had %d MiB at most", ref.Entries, ref.Bytes>>20, v.peak>>20)
			if ref.Entries != int64(test.files)+2 || v.peak == 0 || v.peak > test.most<<20 {
				t.Errorf("%d entries, and the heap had %d MiB", ref.Entries, v.peak>>20)
			}
		})
	}
}

// BenchmarkTask says how fast a tenant's data goes through the whole task, from a share that takes no time to a
// bucket that takes none, and what is in memory meanwhile.
func BenchmarkTask(b *testing.B) {
	for _, test := range []struct {
		name  string
		files int
		large int64
	}{{"1GiB", 0, 1 << 30}, {"10GiB", 0, 10 << 30}, {"200000files", 200_000, 1}} {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(test.large + int64(test.files)*fileSize)
			v := &vast{t: b, dir: b.TempDir(), files: test.files, large: test.large}
			for b.Loop() {
				v.run(b, newWorld(b, nil))
			}
			b.ReportMetric(float64(v.peak)/(1<<20), "peak-MiB")
		})
	}
}
