package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnArchiveIsReadBackAsItWasMade(t *testing.T) {
	s := sample()
	a := s.archive(t)
	v := a.verification()
	v.ManifestSHA256 = a.manifestSum
	var header Header
	var objects []Object
	var tables []Table
	var dump []byte
	v.Header = func(h Header) error { header = h; return nil }
	v.Object = func(o Object, c Content) error {
		if c.Size != o.Size || c.Name == "" {
			t.Errorf("%q: content %+v", o.Key, c)
		}
		objects = append(objects, o)
		return nil
	}
	v.Table = func(table Table) error { tables = append(tables, table); return nil }
	v.Dump = func(d Database, content io.Reader) (err error) {
		if d != (Database{Name: "t_4711", ServerVersion: "15.9", Bytes: 8 << 20}) {
			t.Errorf("database %+v", d)
		}
		dump, err = io.ReadAll(content)
		return err
	}
	got, err := Verify(v)
	check(t, err)
	want := Totals{Objects: 5, Bytes: 168, Databases: 1, DumpBytes: 22, Tables: 2, Rows: 10}
	if got.Totals != want || a.totals != want || got.Header != sampleHeader || header != sampleHeader {
		t.Errorf("totals %+v, header %+v", got.Totals, got.Header)
	}
	if got.Entries != 7 || got.Bytes != int64(len(a.zip)) || got.ManifestSHA256 != a.manifestSum || len(got.ZipSHA256) != 64 {
		t.Errorf("verified %+v", got)
	}
	if diff := cmp.Diff(s.objects, objects); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.tables, tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if string(dump) != string(s.dump) {
		t.Errorf("dump %q", dump)
	}
}

func TestAnArchiveOfNothing(t *testing.T) {
	got, err := Verify((&source{}).archive(t).verification())
	check(t, err)
	if got.Totals != (Totals{}) || got.Entries != 1 {
		t.Errorf("verified %+v", got)
	}
}

// A bit of each byte is flipped. Only in packed content there are bits that mean nothing: those are found by the
// zip's own sum, which is kept beside it.
func TestEveryFlippedByteIsFound(t *testing.T) {
	a := sample().archive(t)
	whole, err := Verify(a.verification())
	check(t, err)
	for i := range a.zip {
		packed := slices.ContainsFunc([]string{"a.txt", "日本語", "/etc", ManifestName}, func(name string) bool { return within(a.zip, i, name) })
		a.zip[i] ^= 1 << (i * 5 % 8)
		what := fmt.Sprintf("byte %d", i)
		_, err := Verify(a.verification())
		if err != nil || !packed {
			found(t, what, err)
		}
		v := a.verification()
		v.ZipSHA256 = whole.ZipSHA256
		_, err = Verify(v)
		found(t, what+", by the sum", err)
		a.zip[i] ^= 1 << (i * 5 % 8)
	}
}

// within reports whether a byte lies between the header of an entry and what is behind it.
func within(zip []byte, i int, name string) bool {
	from := bytes.Index(zip, []byte(name)) + len(name)
	to := from + bytes.Index(zip[from:], []byte("PK\x07\x08"))
	return from <= i && i < to
}

func TestEveryFlippedByteOfTheManifestIsFound(t *testing.T) {
	a := sample().archive(t)
	for i := range a.manifest {
		a.manifest[i] ^= 1 << (i * 5 % 8)
		_, err := Verify(a.verification())
		found(t, fmt.Sprintf("byte %d", i), err)
		a.manifest[i] ^= 1 << (i * 5 % 8)
	}
}

func TestEveryTruncationIsFound(t *testing.T) {
	a := sample().archive(t)
	for n := range a.zip {
		short := a
		short.zip = a.zip[:n]
		_, err := Verify(short.verification())
		found(t, fmt.Sprintf("the zip's first %d bytes", n), err)
	}
	for n := range a.manifest {
		short := a
		short.manifest = a.manifest[:n]
		_, err := Verify(short.verification())
		found(t, fmt.Sprintf("the manifest's first %d bytes", n), err)
	}
}

// found wants a fault with a place.
func found(t *testing.T, what string, err error) {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) || f.Where == "" || f.What == "" || !errors.Is(err, ErrDamaged) {
		t.Errorf("%s: got %v", what, err)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	a := sample().archive(t)
	other := sample()
	other.content["a.txt"] = strings.Replace(other.content["a.txt"], "c", "C", 1)
	changed := other.archive(t)
	more := sample()
	more.add("more", "x")
	more2 := more.archive(t)
	for _, test := range []struct {
		name          string
		zip, manifest []byte
		where, what   string
	}{
		{"a flipped byte of a stored file", flip(a.zip, "PGDMP"), a.manifest, "database.dump", "SHA-256"},
		{"a name that was changed", flip(a.zip, "share/empty"), a.manifest, "share/empty", "its name in the zip"},
		{"a name that was changed in the directory", flipLast(a.zip, "share/empty"), a.manifest, "directory, share/empty", "its name there"},
		{"a file with another content", changed.zip, a.manifest, "share/a.txt", "SHA-256"},
		{"a file that is missing", a.zip, more2.manifest, "share/more", "its header"},
		{"a file that is too much", more2.zip, a.manifest, "share/%FF.%2E/%2E%2E/etc", "its header"},
		{"something behind the end", append(bytes.Clone(a.zip), 0), a.manifest, "end", "behind"},
		{"a line that was changed", a.zip, bytes.Replace(a.manifest, []byte("a.txt"), []byte("b.txt"), 1), "manifest, line 2", "no name of key"},
		{"a version that was changed", a.zip, bytes.Replace(a.manifest, []byte(`"v1"`), []byte(`"v7"`), 1), "manifest, line 10", "digest"},
		{"a line that was taken out", a.zip, append(bytes.Clone(a.manifest[:bytes.IndexByte(a.manifest, '\n')+1]), a.manifest[bytes.Index(a.manifest, []byte(`{"kind":"object","name":"share/empty"`)):]...), "share/empty", ""},
		{"rows that were changed", a.zip, bytes.Replace(a.manifest, []byte(`"rows":10,`), []byte(`"rows":11,`), 1), "manifest, line 10", "digest"},
		{"no manifest", a.zip, nil, "manifest, line 1", "ends here"},
		{"a manifest of another archive", a.zip, changed.manifest, "share/a.txt", "SHA-256"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Verify(archived{zip: test.zip, manifest: test.manifest}.verification())
			var f *Fault
			if !errors.As(err, &f) || f.Where != test.where || !strings.Contains(f.What, test.what) {
				t.Errorf("got %v, want %q in %q", err, test.what, test.where)
			}
		})
	}
}

func flip(zip []byte, at string) []byte {
	out := bytes.Clone(zip)
	out[bytes.Index(out, []byte(at))+len(at)-1] ^= 1
	return out
}

func flipLast(zip []byte, at string) []byte {
	out := bytes.Clone(zip)
	out[bytes.LastIndex(out, []byte(at))+len(at)-1] ^= 1
	return out
}

func TestAnotherArchiveOfTheSameFilesIsFoundByItsSums(t *testing.T) {
	a, b := sample().archive(t), sample()
	b.objects[0].Version = "another"
	other := b.archive(t)
	v := other.verification()
	v.ManifestSHA256 = a.manifestSum
	_, err := Verify(v)
	found(t, "another manifest", err)
}

func TestAnArchiveOfAnotherIsFoundByItsHeader(t *testing.T) {
	a := sample().archive(t)
	for what, change := range map[string]func(*Header){
		"the tenant":                  func(h *Header) { h.Tenant = "another" },
		"the mark":                    func(h *Header) { h.Mark = "another" },
		"the share's mark":            func(h *Header) { h.ShareMark = "share-standard-1/k3v9x2m7qa/1/1" },
		"the database's mark":         func(h *Header) { h.DatabaseMark = "db-standard-1/k3v9x2m7qa/3/1" },
		"the share, as there is none": func(h *Header) { h.ShareMark = "" },
		"the bucket":                  func(h *Header) { h.Bucket = "another" },
		"the attempt":                 func(h *Header) { h.Attempt = "1" },
	} {
		v, want := a.verification(), sampleHeader
		change(&want)
		v.Want = &want
		v.Object = func(Object, Content) error {
			t.Errorf("%s: an object was told of", what)
			return nil
		}
		_, err := Verify(v)
		found(t, what, err)
	}
	v, want := a.verification(), sampleHeader
	want.Made = time.Time{}
	v.Want = &want
	_, err := Verify(v)
	check(t, err)
}

func TestAManifestThatChangesMeanwhileIsFound(t *testing.T) {
	a := sample().archive(t)
	s := sample()
	s.objects[1].Version = "another"
	second := s.archive(t)
	v, opened := a.verification(), 0
	v.Manifest = func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(bytes.NewReader([][]byte{nil, a.manifest, second.manifest}[opened])), nil
	}
	_, err := Verify(v)
	found(t, "another manifest the second time", err)
}

var errStream = errors.New("the network is down")

// An archive that could not be read, or that somebody did not like, is not damaged.
func TestOtherErrorsAreNoDamage(t *testing.T) {
	a := sample().archive(t)
	refuse := func(change func(*Verification)) error {
		v := a.verification()
		change(&v)
		_, err := Verify(v)
		return err
	}
	for n := range a.zip {
		err := refuse(func(v *Verification) {
			v.Zip = io.MultiReader(bytes.NewReader(a.zip[:n]), iotest.ErrReader(errStream))
		})
		if !errors.Is(err, errStream) || errors.Is(err, ErrDamaged) {
			t.Errorf("an error after %d bytes: got %v", n, err)
		}
	}
	for n := range a.manifest {
		err := refuse(func(v *Verification) {
			v.Manifest = func() (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(bytes.NewReader(a.manifest[:n]), iotest.ErrReader(errStream))), nil
			}
		})
		if !errors.Is(err, errStream) || errors.Is(err, ErrDamaged) {
			t.Errorf("an error after %d bytes of the manifest: got %v", n, err)
		}
	}
	for name, change := range map[string]func(*Verification){
		"the header":   func(v *Verification) { v.Header = func(Header) error { return errStream } },
		"an object":    func(v *Verification) { v.Object = func(Object, Content) error { return errStream } },
		"the dump":     func(v *Verification) { v.Dump = func(Database, io.Reader) error { return errStream } },
		"a table":      func(v *Verification) { v.Table = func(Table) error { return errStream } },
		"the manifest": func(v *Verification) { v.Manifest = func() (io.ReadCloser, error) { return nil, errStream } },
	} {
		if err := refuse(change); !errors.Is(err, errStream) || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// pg_restore words what it is fed in its own way; that the zip was cut off is said first.
func TestADumpThatIsCutOffIsDamage(t *testing.T) {
	a := sample().archive(t)
	a.zip = a.zip[:bytes.Index(a.zip, []byte("PGDMP"))+7]
	v := a.verification()
	v.Dump = func(_ Database, in io.Reader) error {
		_, _ = io.ReadAll(in)
		return errStream
	}
	_, err := Verify(v)
	found(t, "a dump that is cut off", err)
}

func TestADumpNeedNotBeReadToItsEnd(t *testing.T) {
	a := sample().archive(t)
	v := a.verification()
	v.Dump = func(_ Database, in io.Reader) error {
		_, err := io.ReadFull(in, make([]byte, 3))
		return err
	}
	_, err := Verify(v)
	check(t, err)
}
