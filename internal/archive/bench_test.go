package archive

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// fileSize is how long the files are that the benchmarks archive.
const fileSize = 4 << 20

// tenant is a tenant whose files are half text and half noise, as many as it takes.
type tenant struct {
	files   int
	content []byte
}

func newTenant(size int64) tenant {
	text := strings.Repeat("2026-11-26T12:00:00Z INFO an order was taken, as they are all day long\n", fileSize/64)
	return tenant{files: int(size / fileSize), content: append([]byte(text[:fileSize/2]), noise(fileSize/2)...)}
}

// archive writes the tenant's archive; its manifest, once whole, is put in as it is given, or as it was written.
func (n tenant) archive(b *testing.B, to io.Writer, given []byte) []byte {
	var manifest bytes.Buffer
	w, err := NewWriter(to, &manifest, sampleHeader)
	check(b, err)
	for i := range n.files {
		o := Object{Key: fmt.Sprintf("folder %d/file %08d", i/1000, i), Size: fileSize, Modified: made}
		_, err := w.Object(o, bytes.NewReader(n.content))
		check(b, err)
	}
	_, _, err = w.Finish()
	check(b, err)
	if given == nil {
		given = manifest.Bytes()
	}
	check(b, w.Close(bytes.NewReader(given)))
	return given
}

// BenchmarkArchive says how fast an archive is written, and how fast it is written and verified at once, on one
// processor each, and what is in memory meanwhile. Nothing of it goes to a disk.
func BenchmarkArchive(b *testing.B) {
	for _, gib := range []int64{1, 10} {
		n := newTenant(gib << 30)
		var manifest []byte
		b.Run(fmt.Sprintf("write/%dGiB", gib), func(b *testing.B) {
			measured(b, gib<<30, func() { manifest = n.archive(b, io.Discard, nil) })
		})
		b.Run(fmt.Sprintf("verify/%dGiB", gib), func(b *testing.B) {
			if manifest == nil {
				b.Skip("what is verified is not written")
			}
			measured(b, gib<<30, func() {
				from, to := io.Pipe()
				go func() {
					n.archive(b, to, manifest)
					_ = to.Close()
				}()
				_, err := Verify(Verification{
					Zip: from, Manifest: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(manifest)), nil },
				})
				check(b, err)
			})
		})
	}
}

func measured(b *testing.B, size int64, do func()) {
	b.SetBytes(size)
	peak := watch()
	for b.Loop() {
		do()
	}
	b.ReportMetric(float64(peak())/(1<<20), "peak-MiB")
}
