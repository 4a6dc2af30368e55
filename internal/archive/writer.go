package archive

import (
	"archive/zip"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
)

// What a Writer refuses.
var (
	// ErrSize means that a stream was shorter or longer than its object is said to be.
	ErrSize = errors.New("it is not as long as it is said to be")
	// ErrOrder means that something came in another order than it must.
	ErrOrder = errors.New("it comes out of order")
	// ErrKey means that a key is empty or longer than S3's are.
	ErrKey = errors.New("it is no key")
	// ErrManifest means that the manifest that is to be put into the zip is not the one that was written.
	ErrManifest = errors.New("it is not the manifest that was written")
)

// bufferSize is what a Writer copies through.
const bufferSize = 256 << 10

// A Writer makes an archive of streams. Calls come in this order: Object for each object, by ascending key as
// S3 lists them; Database once or never, at any time; Table behind Database, for each of its tables; Finish;
// Close. Nothing can be done with a Writer that has failed, nor with what it wrote.
//
// What it holds is some 2 MB, and of each entry what a Load says: its name (up to 3.2 KB where every byte of a key
// must be escaped, its length as a rule), and some 240 bytes for the zip's directory, which comes last, and for the
// names that are taken.
type Writer struct {
	zip      *zip.Writer
	manifest *manifestWriter
	names    taken
	last     string // key
	buffer   []byte
	deflate  *flate.Writer
	ending   io.Writer // the manifest's entry, once there is no other to come
	made     Header
	err      error
}

// NewWriter begins an archive. It writes the zip to one stream and the manifest to another, as entries come:
// the manifest of millions of files is neither held in memory nor on a disk until the zip ends.
func NewWriter(to, manifest io.Writer, h Header) (*Writer, error) {
	w := &Writer{zip: zip.NewWriter(to), names: taken{}, buffer: make([]byte, bufferSize), made: h}
	w.zip.RegisterCompressor(zip.Deflate, w.compressor)
	var err error
	w.manifest, err = newManifestWriter(manifest, h)
	return w, err
}

// compressor packs quickly rather than tightly: two processors have to keep up with S3. One at a time is used,
// so one is kept.
func (w *Writer) compressor(to io.Writer) (io.WriteCloser, error) {
	if w.deflate == nil {
		var err error
		if w.deflate, err = flate.NewWriter(to, flate.BestSpeed); err != nil {
			return nil, err
		}
	}
	w.deflate.Reset(to)
	return w.deflate, nil
}

// Object adds an object with its content, which must be as long as the object is said to be.
func (w *Writer) Object(o Object, content io.Reader) (Content, error) {
	if err := w.begin(false); err != nil {
		return Content{}, err
	}
	if o.Key == "" || len(o.Key) > keyMax {
		return Content{}, w.fail("key", o.Key, ErrKey)
	}
	if o.Key <= w.last {
		return Content{}, w.fail("object", o.Key, ErrOrder)
	}
	w.last = o.Key
	header := &zip.FileHeader{Name: ShareFolder + w.names.name(o), Method: zip.Deflate, Modified: zipTime(o.Modified)}
	if o.Size == 0 {
		header.Method = zip.Store
	}
	c, err := w.add(header, io.LimitReader(content, o.Size+1))
	if err == nil && c.Size != o.Size {
		err = fmt.Errorf("%w: %d bytes or more, and not %d", ErrSize, c.Size, o.Size)
	}
	if err == nil {
		err = w.manifest.object(o, c)
	}
	if err != nil {
		return Content{}, w.fail("object", o.Key, err)
	}
	return c, nil
}

// Database adds the dump of the tenant's database. It is stored as it is: pg_dump packs.
func (w *Writer) Database(d Database, dump io.Reader) (Content, error) {
	if err := w.begin(false); err != nil {
		return Content{}, err
	}
	if w.manifest.totals.Databases > 0 {
		return Content{}, w.fail("database", d.Name, ErrOrder)
	}
	c, err := w.add(&zip.FileHeader{Name: DumpName, Method: zip.Store, Modified: zipTime(w.made.Made)}, dump)
	if err == nil {
		err = w.manifest.database(d, c)
	}
	if err != nil {
		return Content{}, w.fail("database", d.Name, err)
	}
	return c, nil
}

// Table says of a table what the dump has of it, and what it has not.
func (w *Writer) Table(t Table) error {
	if err := w.begin(false); err != nil {
		return err
	}
	if w.manifest.totals.Databases == 0 {
		return w.fail("table", t.Name, ErrOrder)
	}
	if err := w.manifest.table(t); err != nil {
		return w.fail("table", t.Name, err)
	}
	return nil
}

// Finish ends the manifest, which is whole on its stream then. It is to be stored, read back, and given to Close.
func (w *Writer) Finish() (totals Totals, manifestSHA256 string, err error) {
	if err := w.begin(false); err != nil {
		return Totals{}, "", err
	}
	if err := w.manifest.end(); err != nil {
		return Totals{}, "", w.fail("manifest", ManifestName, err)
	}
	w.ending, err = w.zip.CreateHeader(header(&zip.FileHeader{Name: ManifestName, Method: zip.Deflate, Modified: zipTime(w.made.Made)}))
	if err != nil {
		return Totals{}, "", w.fail("manifest", ManifestName, err)
	}
	return w.manifest.totals, hexOf(w.manifest.digest), nil
}

// Close puts the manifest that Finish ended into the zip, and ends that.
func (w *Writer) Close(manifest io.Reader) error {
	if err := w.begin(true); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.CopyBuffer(io.MultiWriter(w.ending, sum), onlyReader{io.LimitReader(manifest, w.manifest.size+1)}, w.buffer); err != nil {
		return w.fail("manifest", ManifestName, err)
	}
	if hexOf(sum) != hexOf(w.manifest.digest) {
		return w.fail("manifest", ManifestName, ErrManifest)
	}
	if err := w.zip.Close(); err != nil {
		return w.fail("directory", "", err)
	}
	w.err = fmt.Errorf("the archive is closed: %w", ErrOrder)
	return nil
}

func (w *Writer) begin(closing bool) error {
	if w.err == nil && (w.ending != nil) != closing {
		return fmt.Errorf("archive: %w", ErrOrder)
	}
	return w.err
}

func (w *Writer) fail(what, name string, err error) error {
	w.err = fmt.Errorf("archive %s %q: %w", what, name, err)
	return w.err
}

func (w *Writer) add(h *zip.FileHeader, content io.Reader) (Content, error) {
	entry, err := w.zip.CreateHeader(header(h))
	if err != nil {
		return Content{}, err
	}
	sum, crc := sha256.New(), crc32.NewIEEE()
	n, err := io.CopyBuffer(io.MultiWriter(entry, sum, crc), onlyReader{content}, w.buffer)
	if err != nil {
		return Content{}, err
	}
	return Content{Name: h.Name, Size: n, SHA256: hexOf(sum), CRC32: crc.Sum32()}, nil
}

// header gives an entry a mode that anybody can unpack and nobody is hurt by: the true one is in the manifest.
func header(h *zip.FileHeader) *zip.FileHeader {
	if h.Name[len(h.Name)-1] == '/' {
		h.SetMode(fs.ModeDir | 0o755)
	} else {
		h.SetMode(0o644)
	}
	return h
}

// onlyReader hides what else a reader can do, so that it is copied through the buffer.
type onlyReader struct{ io.Reader }
