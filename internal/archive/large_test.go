package archive

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var long = flag.Bool("long", false, "archive what takes minutes and gigabytes as well")

// What takes more than 32 bits is zip64, and what is held meanwhile stays the same.
func TestAFileOfFiveGiB(t *testing.T) {
	if !*long {
		t.Skip("takes minutes: -long")
	}
	unzip, python := tool(t, "unzip"), tool(t, "python3")
	file := filepath.Join(t.TempDir(), "archive.zip")
	out, err := os.Create(file)
	check(t, err)
	var manifest bytes.Buffer
	w, err := NewWriter(out, &manifest, sampleHeader)
	check(t, err)
	peak := watch()
	const size = 5 << 30
	for _, key := range []string{"a sparse one", "b"} {
		n := int64(size)
		if key == "b" {
			n = 10
		}
		_, err = w.Object(Object{Key: key, Size: n}, io.LimitReader(zeros{}, n))
		check(t, err)
	}
	// The dump is stored: so what is packed has more than 32 bits too, and so has the place of the next.
	_, err = w.Database(Database{Name: "d"}, io.LimitReader(zeros{}, size))
	check(t, err)
	_, _, err = w.Finish()
	check(t, err)
	check(t, w.Close(bytes.NewReader(manifest.Bytes())))
	_, err = out.Seek(0, io.SeekStart)
	check(t, err)
	_, err = Verify(Verification{Zip: out, Manifest: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(manifest.Bytes())), nil }})
	check(t, err)
	grown := peak()
	t.Logf("the heap grew by %d KB at most", grown>>10)
	if grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if out, err := exec.Command(unzip, "-tq", file).CombinedOutput(); err != nil {
		t.Errorf("unzip: %v\n%s", err, out)
	}
	if out, err := exec.Command(python, "-c", "import sys, zipfile; assert zipfile.ZipFile(sys.argv[1]).testzip() is None", file).CombinedOutput(); err != nil {
		t.Errorf("Python: %v\n%s", err, out)
	}
}

// A zip has 65,535 entries, one with zip64 as many as come.
func TestMoreEntriesThanSixteenBits(t *testing.T) {
	s := &source{}
	for i := range 70_000 {
		s.add(fmt.Sprintf("%05d", i), "")
	}
	file := onDisk(t, s)
	if out, err := exec.Command(tool(t, "unzip"), "-tq", file).CombinedOutput(); err != nil {
		t.Errorf("unzip: %v\n%s", err, out)
	}
}

// What the Writer holds of each entry is what a Load says, which is not far from it.
func TestWhatIsKeptOfEachEntry(t *testing.T) {
	const entries = 30_000
	for _, test := range []struct {
		name string
		key  func(int) string
	}{
		{"short names", func(i int) string { return fmt.Sprintf("%06d", i) }},
		{"long names", func(i int) string { return fmt.Sprintf("%0200d", i) }},
		{"names that are escaped", func(i int) string { return strings.Repeat("\x01", 60) + fmt.Sprintf("%06d", i) }},
		{"a folder for each", func(i int) string { return fmt.Sprintf("%06d/file", i) }},
		{"three folders for each", func(i int) string { return fmt.Sprintf("%06d/a/b/file", i) }},
		{"a hundred in a folder", func(i int) string { return fmt.Sprintf("%04d/some folder/a file %06d.txt", i/100, i) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, err := NewWriter(io.Discard, io.Discard, sampleHeader)
			check(t, err)
			before := heap()
			var load Load
			for i := range entries {
				key := test.key(i)
				load.Add(key)
				_, err := w.Object(Object{Key: key, Modified: made}, strings.NewReader(""))
				check(t, err)
			}
			held, said := (heap()-before)/entries, uint64(load.Bytes())/entries
			t.Logf("%d bytes an entry, and it is said to be %d", held, said)
			if held > said || said > held*3/2 {
				t.Error("that is too far from what it is")
			}
			runtime.KeepAlive(w)
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// watch returns a function that says by how much the heap has grown since, at most: what is reachable or not yet
// collected.
func watch() func() uint64 {
	before, done, answer := heap(), make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		looks := time.NewTicker(5 * time.Millisecond)
		defer looks.Stop()
		for {
			select {
			case <-done:
				answer <- most
				return
			case <-looks.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				if m.HeapAlloc > before {
					most = max(most, m.HeapAlloc-before)
				}
			}
		}
	}()
	return func() uint64 { close(done); return <-answer }
}
