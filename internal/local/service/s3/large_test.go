package s3_test

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
)

var long = flag.Bool("long", false, "send an object of 5 GiB, where 64 MiB will do otherwise")

// zeros is a file that is all hole.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A sparse file of any size goes through in little memory, and takes no room.
func TestALargeSparseObject(t *testing.T) {
	size := int64(64 << 20)
	if *long {
		size = 5 << 30
	}
	w := newWorld(t)
	b := w.bucket(t, versioned)
	peak := watchMemory(t)
	// Without the SDK, which reads a body twice to sign it where there is no TLS.
	const unsigned = "UNSIGNED-PAYLOAD"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.url+"/b/k", io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = size
	req.Header.Set("X-Amz-Content-Sha256", unsigned)
	if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "owner", SecretAccessKey: "secret"}, req, unsigned, "s3", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	written := time.Since(began)
	out, err := w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: b, Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	n, err := io.Copy(io.Discard, out.Body)
	if err != nil || n != size {
		t.Errorf("read %d bytes, want %d: %v", n, size, err)
	}
	grown := peak()
	t.Logf("%d MiB: written in %v, read in %v, peak of the heap %d MiB, on the disk %d KiB",
		size>>20, written.Round(time.Millisecond), time.Since(began.Add(written)).Round(time.Millisecond), grown>>20, w.room(t)>>10)
	if grown > 32<<20 {
		t.Errorf("it took %d MiB of memory", grown>>20)
	}
	if room := w.room(t); room > 1<<20 {
		t.Errorf("it takes %d KiB of the disk", room>>10)
	}
}

// watchMemory measures how much the heap grows until it is asked.
func watchMemory(t *testing.T) (peak func() uint64) {
	t.Helper()
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	base, most := stats.HeapAlloc, stats.HeapAlloc
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				runtime.ReadMemStats(&stats)
				most = max(most, stats.HeapAlloc)
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-stopped
		return most - base
	}
}

// room is how many bytes of the disk the objects take.
func (w *world) room(t *testing.T) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(w.dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("no blocks of %s", entry.Name())
		}
		bytes += stat.Blocks * 512
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
