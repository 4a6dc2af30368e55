package dump

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os/exec"
	"strings"
	"sync/atomic"

	"headroom/internal/pool"
)

// differencesNamed is how many differences an error names.
const differencesNamed = 10

// Check reads a dump and makes sure that it is what was written, that it restores, as no superuser, on a server of the
// database's own version, and that it holds then what the database held. A database of more than RestoreMost bytes
// is not restored: each section of its dump is read and unpacked instead, and the result says so. The error of a dump
// that is not good is pool.ErrBadDump; any other one says nothing about the dump.
func (c *Copies) Check(ctx context.Context, dump io.Reader, want pool.DumpFile) (pool.DumpCheck, error) {
	read := &reading{from: dump, sum: sha256.New()}
	var checked pool.DumpCheck
	var err error
	if want.Catalog.Bytes > c.RestoreMost {
		err = c.unpack(ctx, read, want.Catalog.Version)
	} else {
		checked.Restored = true
		checked.Catalog, err = c.restore(ctx, read, want.Catalog)
	}
	// Whatever a program made of it: what could not be read, or was called off, is no fault of the dump.
	if failed := read.failed(); ctx.Err() != nil || failed != nil {
		return pool.DumpCheck{}, fmt.Errorf("check a dump: %w (%v)", errors.Join(ctx.Err(), failed), err)
	}
	if err == nil {
		// Programs stop reading where they know that nothing follows.
		if _, err = io.Copy(io.Discard, read); err != nil {
			return pool.DumpCheck{}, fmt.Errorf("read the end of a dump: %w", err)
		}
		err = read.refuse(want)
	}
	if err == nil && checked.Restored {
		err = refuseDifferences(want.Catalog.Differences(checked.Catalog))
	}
	if err != nil {
		return pool.DumpCheck{}, fmt.Errorf("check a dump: %w", err)
	}
	return checked, nil
}

// unpack has every section of a dump read and written out as a script, to nowhere.
func (c *Copies) unpack(ctx context.Context, dump io.Reader, version int) error {
	cmd, err := c.program(ctx, version, "pg_restore", nil, "--file=/dev/null", "--no-owner", "--no-privileges")
	if err != nil {
		return err
	}
	var said complaints
	cmd.Stdin, cmd.Stderr = dump, &said
	if err := cmd.Run(); err != nil {
		err = fmt.Errorf("unpack it: %w%s", err, said.text())
		if !errors.Is(err, exec.ErrWaitDelay) {
			err = fmt.Errorf("%w: %w", pool.ErrBadDump, err)
		}
		return err
	}
	return nil
}

func refuseDifferences(differences []string) error {
	if len(differences) == 0 {
		return nil
	}
	named := differences[:min(len(differences), differencesNamed)]
	return fmt.Errorf("%w: it differs from its database in %d things: %s", pool.ErrBadDump, len(differences), strings.Join(named, "; "))
}

// reading is a dump while it is read: it counts and sums what passes, and knows whether reading it failed.
type reading struct {
	from  io.Reader
	sum   hash.Hash
	bytes int64
	err   atomic.Pointer[error] // that ended it too early; a program that is not fed any more is not waited for
}

// failed is the error by which reading failed, or nil.
func (r *reading) failed() error {
	if err := r.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.sum.Write(p[:n])
	r.bytes += int64(n)
	if err != nil && err != io.EOF {
		r.err.Store(&err)
	}
	return n, err
}

// refuse says whether what was read to its end is what was written.
func (r *reading) refuse(want pool.DumpFile) error {
	if r.bytes != want.Bytes {
		return fmt.Errorf("%w: it has %d bytes, and %d were written", pool.ErrBadDump, r.bytes, want.Bytes)
	}
	if sum := r.sum.Sum(nil); !bytes.Equal(sum, want.SHA256[:]) {
		return fmt.Errorf("%w: its SHA-256 is %x, and %x was written", pool.ErrBadDump, sum, want.SHA256)
	}
	return nil
}
