package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// What the directory says of the modes of files and folders: see header.
const (
	fileMode   = 0o100644 << 16
	folderMode = 0o040755<<16 | 0x10
)

// listing reads the directory's record of the next entry, which must be that of c.
func (z *zipReader) listing(c Content) error {
	where := "directory, " + c.Name
	head, err := z.take(directorySize, where)
	if err != nil {
		return err
	}
	r := record{isDir: strings.HasSuffix(c.Name, "/")}
	signature, madeBy, needed := head.uint32(), head.uint16(), head.uint16()
	r.flags, r.method, r.time, r.date, r.crc = head.uint16(), head.uint16(), head.uint16(), head.uint16(), head.uint32()
	packed, size := head.uint32(), head.uint32()
	nameSize, extraSize, comment, disk, internal := int(head.uint16()), int(head.uint16()), head.uint16(), head.uint16(), head.uint16()
	mode, offset := head.uint32(), head.uint32()
	if signature != directorySignature {
		return fault(where, "no record of it is where it should be")
	}
	wantMode := uint32(fileMode)
	if r.isDir {
		wantMode = folderMode
	}
	if madeBy != 3<<8|20 || comment != 0 || disk != 0 || internal != 0 || mode != wantMode || nameSize != len(c.Name) || extraSize < 9 || extraSize > 9+28 {
		return fault(where, "its record is not as it was written")
	}
	rest, err := z.take(nameSize+extraSize, where)
	if err != nil {
		return err
	}
	r.name, r.extra = string(rest[:nameSize]), string(rest[nameSize:nameSize+9])
	if r.name != c.Name {
		return fault(where, "its name there is %q", r.name)
	}
	r.packed, r.size, r.offset = uint64(packed), uint64(size), int64(offset)
	if extra := rest[nameSize+9:]; len(extra) > 0 {
		if err := r.large(extra, offset); err != nil {
			return fault(where, "%v", err)
		}
	}
	wantNeeded := uint16(20)
	if r.packed >= max32 || r.size >= max32 {
		wantNeeded = 45
	}
	if r.crc != c.CRC32 || r.size != uint64(c.Size) || needed != wantNeeded {
		return fault(where, "size or CRC are others there")
	}
	r.sum(z.listed)
	return nil
}

var errLarge = errors.New("its large sizes are not as they were written")

// large takes sizes and offset from zip64's field, where one of them has no room in the record.
func (r *record) large(extra fields, offset uint32) error {
	if len(extra) != 28 || extra.uint16() != 1 || extra.uint16() != 24 || r.packed != max32 || r.size != max32 {
		return errLarge
	}
	r.size, r.packed = extra.uint64(), extra.uint64()
	r.offset = int64(extra.uint64())
	if offset != max32 && int64(offset) != r.offset {
		return errLarge
	}
	return nil
}

// directory compares the directory with the entries, once all records of it were read, and reads what ends the zip.
func (z *zipReader) directory() error {
	if hexOf(z.locals) != hexOf(z.listed) {
		return fault("directory", "it has other times, flags, sizes or places than the entries themselves")
	}
	size, records := uint64(z.at-z.start), z.count
	start := uint64(z.start)
	var want []byte
	le := binary.LittleEndian
	if records >= max16 || size >= max32 || start >= max32 {
		at := uint64(z.at)
		want = le.AppendUint32(want, end64Signature)
		want = le.AppendUint64(want, end64Size-12)
		want = le.AppendUint16(le.AppendUint16(want, 45), 45)
		want = append(want, make([]byte, 8)...) // disks
		want = le.AppendUint64(le.AppendUint64(want, records), records)
		want = le.AppendUint64(le.AppendUint64(want, size), start)
		want = le.AppendUint32(le.AppendUint32(want, locator64Signature), 0)
		want = le.AppendUint32(le.AppendUint64(want, at), 1)
		records, size, start = max16, max32, max32
	}
	want = le.AppendUint32(le.AppendUint32(want, endSignature), 0)
	want = le.AppendUint16(le.AppendUint16(want, uint16(records)), uint16(records))
	want = le.AppendUint32(le.AppendUint32(want, uint32(size)), uint32(start))
	want = le.AppendUint16(want, 0) // comment
	got, err := z.take(len(want), "end")
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fault("end", "it is not as it was written")
	}
	if _, err := z.ReadByte(); err == nil {
		return fault("end", "something comes behind it")
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the zip at byte %d: %w", z.at, err)
	}
	return nil
}
