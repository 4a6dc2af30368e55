package s3

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// blob is the bytes of an object: files one after the other, one for each part of an upload. It never
// changes once it is whole.
type blob []segment

type segment struct {
	path string
	size int64
}

func (b blob) size() int64 {
	var size int64
	for _, s := range b {
		size += s.size
	}
	return size
}

// remove deletes the files. One who is reading the first of them reads on.
func (b blob) remove() {
	for _, s := range b {
		_ = os.Remove(s.path) // the folder goes with the cloud
	}
}

// block is what is written at a time, and what is left out of a file if it is all zeros.
const block = 64 << 10

var zeros [block]byte

// writeSegment writes what it reads to a new file in dir. Blocks of zeros become holes, so that a sparse file
// that is 5 GiB long takes no room here either. Nothing is left if it fails.
func writeSegment(dir string, from io.Reader) (_ segment, err error) {
	path := filepath.Join(dir, rand.Text())
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return segment{}, fmt.Errorf("make an object's file: %w", err)
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	var size int64
	buffer := make([]byte, block)
	for {
		n, readErr := io.ReadFull(from, buffer)
		if n > 0 && !bytes.Equal(buffer[:n], zeros[:n]) {
			if _, err := file.WriteAt(buffer[:n], size); err != nil {
				return segment{}, fmt.Errorf("write an object's file: %w", err)
			}
		}
		size += int64(n)
		if readErr == io.EOF || readErr == io.ErrUnexpectedEOF {
			break
		}
		if readErr != nil {
			return segment{}, readErr
		}
	}
	if err := file.Truncate(size); err != nil {
		return segment{}, fmt.Errorf("write an object's file: %w", err)
	}
	return segment{path, size}, nil
}

// open reads length bytes from an offset on. The first file is opened at once, the others when it is their turn.
func (b blob) open(offset, length int64) (io.ReadCloser, error) {
	for len(b) > 0 && offset >= b[0].size {
		offset -= b[0].size
		b = b[1:]
	}
	r := &blobReader{rest: b, offset: offset, left: length}
	if length > 0 {
		if err := r.next(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

type blobReader struct {
	rest   blob
	offset int64 // into the first of rest
	left   int64 // in all
	file   *os.File
}

func (r *blobReader) next() error {
	if err := r.Close(); err != nil {
		return err
	}
	if len(r.rest) == 0 {
		return io.ErrUnexpectedEOF
	}
	file, err := os.Open(r.rest[0].path)
	if err != nil {
		return fmt.Errorf("read an object's file: %w", err)
	}
	r.file = file
	if _, err := file.Seek(r.offset, io.SeekStart); err != nil {
		return fmt.Errorf("read an object's file: %w", err)
	}
	r.rest, r.offset = r.rest[1:], 0
	return nil
}

func (r *blobReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.file.Read(p)
	r.left -= int64(n)
	if errors.Is(err, io.EOF) {
		if err = nil; n == 0 {
			err = r.next()
		}
	}
	return n, err
}

func (r *blobReader) Close() error {
	if r.file == nil {
		return nil
	}
	file := r.file
	r.file = nil
	return file.Close()
}
