package archive

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestWhatAWriterRefuses(t *testing.T) {
	object := func(key string, size int64, content string) func(*Writer) error {
		return func(w *Writer) error {
			_, err := w.Object(Object{Key: key, Size: size}, strings.NewReader(content))
			return err
		}
	}
	database := func(w *Writer) error {
		_, err := w.Database(Database{Name: "d"}, strings.NewReader("dump"))
		return err
	}
	finish := func(w *Writer) error { _, _, err := w.Finish(); return err }
	closing := func(w *Writer) error { return w.Close(strings.NewReader("")) }
	table := func(w *Writer) error { return w.Table(Table{Name: "t"}) }
	for _, test := range []struct {
		name  string
		calls []func(*Writer) error // of which the last is refused
		want  error
	}{
		{"a stream that is too short", []func(*Writer) error{object("a", 5, "four")}, ErrSize},
		{"a stream that is too long", []func(*Writer) error{object("a", 5, "sixsix")}, ErrSize},
		{"something where nothing should be", []func(*Writer) error{object("a", 0, "x")}, ErrSize},
		{"a key twice", []func(*Writer) error{object("a", 0, ""), object("a", 0, "")}, ErrOrder},
		{"a key out of order", []func(*Writer) error{object("b", 0, ""), object("a", 0, "")}, ErrOrder},
		{"an empty key", []func(*Writer) error{object("", 0, "")}, ErrKey},
		{"a key that is too long", []func(*Writer) error{object(strings.Repeat("k", 1025), 0, "")}, ErrKey},
		{"two dumps", []func(*Writer) error{database, database}, ErrOrder},
		{"a table of no dump", []func(*Writer) error{table}, ErrOrder},
		{"an object after the end", []func(*Writer) error{finish, object("a", 0, "")}, ErrOrder},
		{"closed before the end", []func(*Writer) error{closing}, ErrOrder},
		{"another manifest", []func(*Writer) error{finish, closing}, ErrManifest},
		{"a stream that fails", []func(*Writer) error{func(w *Writer) error {
			_, err := w.Object(Object{Key: "a", Size: 5}, iotest.ErrReader(errStream))
			return err
		}}, errStream},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, err := NewWriter(io.Discard, io.Discard, sampleHeader)
			check(t, err)
			for i, call := range test.calls {
				err := call(w)
				if i < len(test.calls)-1 {
					check(t, err)
				} else if !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			}
		})
	}
}

func TestAWriterThatFailedStaysSo(t *testing.T) {
	var manifest bytes.Buffer
	w, err := NewWriter(io.Discard, &manifest, sampleHeader)
	check(t, err)
	if _, err := w.Object(Object{Key: "a", Size: 1}, strings.NewReader("")); !errors.Is(err, ErrSize) {
		t.Fatal(err)
	}
	if _, err := w.Object(Object{Key: "b"}, strings.NewReader("")); !errors.Is(err, ErrSize) {
		t.Errorf("another object: %v", err)
	}
	if _, _, err := w.Finish(); !errors.Is(err, ErrSize) {
		t.Errorf("the end: %v", err)
	}
}

// full takes n bytes, and then no more.
type full struct{ n int }

func (f *full) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errStream
	}
	return len(p), nil
}

func TestAStreamThatTakesNoMoreIsAnError(t *testing.T) {
	a := sample().archive(t)
	for n := 0; n < len(a.zip); n += 13 {
		if err := sample().into(&full{n}, io.Discard, a.manifest); !errors.Is(err, errStream) {
			t.Errorf("the zip's stream is full after %d bytes: got %v", n, err)
		}
	}
	for n := 0; n < len(a.manifest); n += 13 {
		if err := sample().into(io.Discard, &full{n}, a.manifest); !errors.Is(err, errStream) {
			t.Errorf("the manifest's stream is full after %d bytes: got %v", n, err)
		}
	}
}

// into writes an archive onto streams, until the first error.
func (s *source) into(to, manifestTo io.Writer, manifest []byte) error {
	w, err := NewWriter(to, manifestTo, sampleHeader)
	if err != nil {
		return err
	}
	for _, o := range s.objects {
		if _, err := w.Object(o, strings.NewReader(s.content[o.Key])); err != nil {
			return err
		}
	}
	if _, err := w.Database(Database{Name: "t_4711", ServerVersion: "15.9", Bytes: 8 << 20}, bytes.NewReader(s.dump)); err != nil {
		return err
	}
	for _, table := range s.tables {
		if err := w.Table(table); err != nil {
			return err
		}
	}
	if _, _, err := w.Finish(); err != nil {
		return err
	}
	return w.Close(bytes.NewReader(manifest))
}

func TestTheSameIsArchivedTheSame(t *testing.T) {
	a, b := sample().archive(t), sample().archive(t)
	if !bytes.Equal(a.zip, b.zip) || !bytes.Equal(a.manifest, b.manifest) {
		t.Error("two archives of the same differ")
	}
}
