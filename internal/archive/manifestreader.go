package archive

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
)

// Item is what one line of a manifest says: an object or a database, with what its entry holds, or a table.
type Item struct {
	Content  Content // of objects and databases
	Object   *Object
	Database *Database
	Table    *Table
}

// A ManifestReader reads a manifest line by line. It takes nothing for true that it was not told whole: what
// was read is to be believed once Next has said io.EOF.
type ManifestReader struct {
	in     *bufio.Reader
	digest hash.Hash
	crc    hash.Hash32
	header Header
	totals Totals
	last   string // key
	line   int
	ended  bool
}

// NewManifestReader reads a manifest's header. What is wrong with a manifest is a *Fault; other errors are
// those of the stream.
func NewManifestReader(from io.Reader) (*ManifestReader, error) {
	m := &ManifestReader{in: bufio.NewReaderSize(from, lineMax), digest: sha256.New(), crc: crc32.NewIEEE()}
	raw, err := m.next()
	if err != nil {
		return nil, err
	}
	var h headerLine
	if err := m.decode(raw, &h); err != nil {
		return nil, err
	}
	if h.Kind != kindHeader || h.Form != form {
		return nil, m.fault("it is no header of form %d", form)
	}
	m.header = Header{
		Tenant: string(h.Tenant), Mark: string(h.Mark), ShareMark: string(h.ShareMark), DatabaseMark: string(h.DatabaseMark),
		Bucket: string(h.Bucket), Attempt: string(h.Attempt), Made: h.Made,
	}
	return m, nil
}

// Header is the manifest's first line.
func (m *ManifestReader) Header() Header { return m.header }

// Totals are what was read so far: all there is, once Next has said io.EOF.
func (m *ManifestReader) Totals() Totals { return m.totals }

// SHA256 is that of the whole manifest, once Next has said io.EOF.
func (m *ManifestReader) SHA256() string { return hexOf(m.digest) }

// Next reads a line. After the last one, whose totals and digest agree with what was read, it says io.EOF.
func (m *ManifestReader) Next() (Item, error) {
	if m.ended {
		return Item{}, io.EOF
	}
	before := hexOf(m.digest)
	raw, err := m.next()
	if err != nil {
		return Item{}, err
	}
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return Item{}, m.fault("it can't be read: %v", err)
	}
	switch kind.Kind {
	case kindObject:
		return m.object(raw)
	case kindDatabase:
		return m.database(raw)
	case kindTable:
		return m.table(raw)
	case kindEnd:
		return Item{}, m.end(raw, before)
	default:
		return Item{}, m.fault("it is of a kind that is not known")
	}
}

func (m *ManifestReader) object(raw []byte) (Item, error) {
	var l objectLine
	if err := m.decode(raw, &l); err != nil {
		return Item{}, err
	}
	o := Object{Key: string(l.Key), Version: string(l.Version), Size: l.Size, Modified: l.Modified}
	for name, value := range l.Metadata {
		if o.Metadata == nil {
			o.Metadata = map[string]string{}
		}
		o.Metadata[name] = string(value)
	}
	if o.Key <= m.last {
		return Item{}, m.fault("key %q comes out of order", o.Key)
	}
	m.last = o.Key
	c, err := m.content(l.contentLine)
	if err != nil {
		return Item{}, err
	}
	// The name must lead to the key: so names can be no more alike than keys are, and none leads out of share/.
	if len(c.Name) <= len(ShareFolder) || c.Name[:len(ShareFolder)] != ShareFolder {
		return Item{}, m.fault("%q does not lie in %s", c.Name, ShareFolder)
	}
	if key, err := Key(c.Name[len(ShareFolder):]); err != nil || key != o.Key {
		return Item{}, m.fault("%q is no name of key %q", c.Name, o.Key)
	}
	m.totals.Objects++
	m.totals.Bytes += c.Size
	return Item{Content: c, Object: &o}, nil
}

func (m *ManifestReader) database(raw []byte) (Item, error) {
	var l databaseLine
	if err := m.decode(raw, &l); err != nil {
		return Item{}, err
	}
	c, err := m.content(l.contentLine)
	if err != nil {
		return Item{}, err
	}
	if c.Name != DumpName || m.totals.Databases > 0 {
		return Item{}, m.fault("%q is a second dump, or none", c.Name)
	}
	m.totals.Databases++
	m.totals.DumpBytes += c.Size
	return Item{Content: c, Database: &Database{Name: string(l.Database), ServerVersion: string(l.ServerVersion), Bytes: l.Bytes}}, nil
}

func (m *ManifestReader) table(raw []byte) (Item, error) {
	var l tableLine
	if err := m.decode(raw, &l); err != nil {
		return Item{}, err
	}
	if m.totals.Databases == 0 || l.Rows < 0 {
		return Item{}, m.fault("a table of no database, or of fewer rows than none")
	}
	m.totals.Tables++
	m.totals.Rows += l.Rows
	return Item{Table: &Table{Schema: string(l.Schema), Name: string(l.Table), Rows: l.Rows, Forced: l.Forced}}, nil
}

func (m *ManifestReader) end(raw []byte, digest string) error {
	var l endLine
	if err := m.decode(raw, &l); err != nil {
		return err
	}
	if l.Digest != digest {
		return m.fault("the digest is %.64q, and the lines before it have %s", l.Digest, digest)
	}
	said := Totals{Objects: l.Objects, Bytes: l.Bytes, Databases: l.Databases, DumpBytes: l.DumpBytes, Tables: l.Tables, Rows: l.Rows}
	if said != m.totals {
		return m.fault("the totals are said to be %+v, and are %+v", said, m.totals)
	}
	if _, err := m.in.ReadByte(); err == nil {
		return m.fault("something comes behind it")
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the manifest: %w", err)
	}
	m.ended = true
	return io.EOF
}

func (m *ManifestReader) content(l contentLine) (Content, error) {
	crc, err := strconv.ParseUint(l.CRC32, 16, 32)
	if err != nil || len(l.CRC32) != 8 || len(l.SHA256) != 2*sha256.Size || l.Size < 0 {
		return Content{}, m.fault("size or checksums of %q are none", l.Name)
	}
	return Content{Name: l.Name, Size: l.Size, SHA256: l.SHA256, CRC32: uint32(crc)}, nil
}

// next reads a line with its newline; it is good until the next is read.
func (m *ManifestReader) next() ([]byte, error) {
	m.line++
	raw, err := m.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, m.fault("it is too long")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, m.fault("the manifest ends here, and has no last line")
	case err != nil:
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	m.digest.Write(raw)
	m.crc.Write(raw)
	return raw, nil
}

func (m *ManifestReader) decode(raw []byte, into any) error {
	if err := json.Unmarshal(raw, into, json.RejectUnknownMembers(true)); err != nil {
		return m.fault("it can't be read: %v", err)
	}
	return nil
}

func (m *ManifestReader) fault(format string, args ...any) error {
	return &Fault{Where: fmt.Sprintf("manifest, line %d", m.line), What: fmt.Sprintf(format, args...)}
}
