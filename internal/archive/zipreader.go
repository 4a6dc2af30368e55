package archive

import (
	"bufio"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// Signatures and sizes of a zip's records, without what follows them (APPNOTE 4.3.7 to 4.3.16).
const (
	localSignature      = 0x04034b50
	descriptorSignature = 0x08074b50
	directorySignature  = 0x02014b50
	end64Signature      = 0x06064b50
	locator64Signature  = 0x07064b50
	endSignature        = 0x06054b50

	localSize, directorySize        = 30, 46
	end64Size, locatorSize          = 56, 20
	endSize                         = 22
	max16                           = 1<<16 - 1
	max32                           = 1<<32 - 1
	stored                   uint16 = 0
	deflated                 uint16 = 8
	flagDescriptor           uint16 = 1 << 3
	flagUTF8                 uint16 = 1 << 11
)

// zipReader reads a zip from its first byte to its last, once, and accounts for each: there is nothing in front
// of, between or behind what it is told to expect. So the local headers, which who unpacks a stream believes, and
// the directory, which all others believe, are proven to say the same.
//
// The directory would have to be held in memory, or the zip be sought in, to compare the two entry by entry.
// Instead the records of both are summed up in one digest each, in the same form.
type zipReader struct {
	in     *bufio.Reader
	at     int64 // bytes read
	whole  hash.Hash
	locals hash.Hash
	listed hash.Hash
	count  uint64
	start  int64 // of the directory
	unpack io.ReadCloser
}

func newZipReader(from io.Reader) *zipReader {
	whole := sha256.New()
	return &zipReader{in: bufio.NewReaderSize(io.TeeReader(from, whole), bufferSize), whole: whole, locals: sha256.New(), listed: sha256.New()}
}

// ReadByte keeps the unpacker from reading ahead: it takes byte by byte what is a reader of bytes.
func (z *zipReader) ReadByte() (byte, error) {
	b, err := z.in.ReadByte()
	if err == nil {
		z.at++
	}
	return b, err
}

func (z *zipReader) Read(p []byte) (int, error) {
	n, err := z.in.Read(p)
	z.at += int64(n)
	return n, err
}

// record is what local header and directory say of an entry.
type record struct {
	name          string
	flags, method uint16
	time, date    uint16
	extra         string // the time in seconds
	crc           uint32
	packed, size  uint64
	offset        int64
	isDir         bool
}

func (r record) sum(into hash.Hash) {
	fmt.Fprintf(into, "%q %d %d %d %d %q %d %d %d %d\n", r.name, r.flags, r.method, r.time, r.date, r.extra, r.crc, r.packed, r.size, r.offset)
}

// entry reads the local header of the next entry, which must be that of c, lets read have what it holds, and
// reads what is behind that.
func (z *zipReader) entry(c Content, read func(io.Reader) error) error {
	r, err := z.local(c.Name)
	if err != nil {
		return err
	}
	begin := z.at
	content := &counted{in: z.contents(r, c)}
	err = read(content)
	if err == nil {
		// What is packed ends here, or there is more than there should be.
		_, err = io.Copy(io.Discard, io.LimitReader(content, c.Size-content.n+1))
	}
	// Who reads the content may word what it was given in its own way: the zip is to blame first.
	if content.err != nil && (content.n < c.Size || !errors.Is(content.err, io.EOF)) {
		return z.damage(c.Name, content.err)
	}
	if err != nil {
		return err
	}
	if content.n > c.Size {
		return fault(c.Name, "it has more than the %d bytes that it should have", c.Size)
	}
	r.packed, r.size, r.crc = uint64(z.at-begin), uint64(c.Size), c.CRC32
	if !r.isDir {
		if err := z.descriptor(r); err != nil {
			return err
		}
	}
	r.sum(z.locals)
	z.count++
	return nil
}

func (z *zipReader) local(name string) (record, error) {
	r := record{offset: z.at, isDir: strings.HasSuffix(name, "/")}
	head, err := z.take(localSize, name)
	if err != nil {
		return r, err
	}
	if head.uint32() != localSignature {
		return r, fault(name, "no entry begins at byte %d, where it should", r.offset)
	}
	version := head.uint16()
	r.flags, r.method, r.time, r.date = head.uint16(), head.uint16(), head.uint16(), head.uint16()
	sizes := [3]uint32{head.uint32(), head.uint32(), head.uint32()}
	nameSize, extraSize := int(head.uint16()), int(head.uint16())
	if version != 20 || sizes != [3]uint32{} || extraSize != 9 || nameSize != len(name) {
		return r, fault(name, "its header is not as it was written")
	}
	if r.flags&^(flagDescriptor|flagUTF8) != 0 || (r.flags&flagDescriptor == 0) != r.isDir ||
		r.method != stored && (r.method != deflated || r.isDir) {
		return r, fault(name, "its header has other flags or another method than were written")
	}
	rest, err := z.take(nameSize+extraSize, name)
	if err != nil {
		return r, err
	}
	if got := string(rest[:nameSize]); got != name {
		return r, fault(name, "its name in the zip is %q", got)
	}
	r.name, r.extra = name, string(rest[nameSize:])
	return r, nil
}

func (z *zipReader) contents(r record, c Content) io.Reader {
	if r.method == stored {
		return io.LimitReader(z, c.Size)
	}
	if z.unpack == nil {
		z.unpack = flate.NewReader(z)
	}
	_ = z.unpack.(flate.Resetter).Reset(z, nil) // has no error to return
	return z.unpack
}

func (z *zipReader) descriptor(r record) error {
	want := binary.LittleEndian.AppendUint32(nil, descriptorSignature)
	want = binary.LittleEndian.AppendUint32(want, r.crc)
	if r.packed >= max32 || r.size >= max32 {
		want = binary.LittleEndian.AppendUint64(want, r.packed)
		want = binary.LittleEndian.AppendUint64(want, r.size)
	} else {
		want = binary.LittleEndian.AppendUint32(want, uint32(r.packed))
		want = binary.LittleEndian.AppendUint32(want, uint32(r.size))
	}
	got, err := z.take(len(want), r.name)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fault(r.name, "size or CRC behind it are not what was read")
	}
	return nil
}

// take reads n bytes that belong to something.
func (z *zipReader) take(n int, where string) (fields, error) {
	raw := make([]byte, n)
	if _, err := io.ReadFull(z, raw); err != nil {
		return nil, z.damage(where, err)
	}
	return raw, nil
}

// damage makes a fault of an error that the zip's bytes are to blame for; others are those of the stream.
func (z *zipReader) damage(where string, err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault(where, "the zip ends in it, at byte %d", z.at)
	case errors.As(err, &corrupt):
		return fault(where, "it can't be unpacked: %v", err)
	default:
		return fmt.Errorf("read the zip at byte %d: %w", z.at, err)
	}
}

func fault(where, format string, args ...any) error {
	return &Fault{Where: where, What: fmt.Sprintf(format, args...)}
}

// fields are what is left of a record.
type fields []byte

func (f *fields) uint16() uint16 {
	v := binary.LittleEndian.Uint16(*f)
	*f = (*f)[2:]
	return v
}

func (f *fields) uint32() uint32 {
	v := binary.LittleEndian.Uint32(*f)
	*f = (*f)[4:]
	return v
}

func (f *fields) uint64() uint64 {
	v := binary.LittleEndian.Uint64(*f)
	*f = (*f)[8:]
	return v
}

// counted counts what is read, and keeps the error at its end.
type counted struct {
	in  io.Reader
	n   int64
	err error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
	return n, err
}
