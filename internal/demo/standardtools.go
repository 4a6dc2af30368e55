package demo

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
	"headroom/internal/local/machine/postgresql"
)

const (
	archiveName = "archive.zip"
	dumpName    = "database.dump" // in the archive
)

// downloadTimeout bounds the download of an archive as small as the demo's.
const downloadTimeout = time.Minute

// readArchive downloads an archive, and has standard tools read it before one's eyes.
func (s show) readArchive(ctx context.Context, done *trials, ref events.ArchiveRef) error {
	folder := filepath.Join(s.o.Dir, "archive")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make a folder for the archive: %w", err)
	}
	s.p.print("\n")
	s.p.Line("the archive is downloaded to " + folder)
	sum, err := download(ctx, s3.NewFromConfig(s.cloud.AWS()), ref, filepath.Join(folder, archiveName))
	if err != nil {
		return fmt.Errorf("download the archive: %w", err)
	}
	if err := unpackDump(folder); err != nil {
		return fmt.Errorf("take the dump from the archive: %w", err)
	}
	done.try(ctx, readable, "the archive as it is downloaded", func(context.Context) error {
		if sum != ref.SHA256 {
			return fmt.Errorf("its SHA-256 is %s, and %s is certified", sum, ref.SHA256)
		}
		return nil
	})
	done.try(ctx, readable, "unzip reads the archive", func(ctx context.Context) error { return s.unzip(ctx, folder) })
	done.try(ctx, readable, "pg_restore reads the dump", func(ctx context.Context) error { return s.restore(ctx, folder) })
	return nil
}

// download writes an object of the archive's bucket into a file, and returns its SHA-256.
func download(ctx context.Context, client *s3.Client, ref events.ArchiveRef, file string) (sum string, err error) {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &ref.Bucket, Key: &ref.Key, VersionId: &ref.VersionID})
	if err != nil {
		return "", err
	}
	defer func() { _ = out.Body.Close() }()
	to, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, hash), out.Body)
	return hex.EncodeToString(hash.Sum(nil)), errors.Join(err, to.Close())
}

// unzip tests all of an archive; where there is no unzip, with Go's archive/zip.
func (s show) unzip(ctx context.Context, folder string) error {
	program, err := exec.LookPath("unzip")
	if err == nil {
		_, err = s.run(ctx, folder, program, "-t", archiveName)
		return err
	}
	n, err := checkZip(filepath.Join(folder, archiveName))
	if err == nil {
		s.p.Line(fmt.Sprintf("unzip is not installed here; Go's archive/zip finds the checksums of all %d entries right", n))
	}
	return err
}

// restore lists what a dump holds, which must have the table that was written.
func (s show) restore(ctx context.Context, folder string) error {
	bin, err := postgresql.Bin()
	if err != nil {
		return err
	}
	listed, err := s.run(ctx, folder, filepath.Join(bin, "pg_restore"), "--list", dumpName)
	if err == nil && !strings.Contains(listed, "TABLE DATA app orders") {
		err = errors.New("the dump does not hold the table that was written")
	}
	return err
}

// run runs a program in a folder, and prints how, and what it says but for comments.
func (s show) run(ctx context.Context, folder, program string, args ...string) (said string, err error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	s.p.ran(strings.Join(append([]string{filepath.Base(program)}, args...), " "), string(out))
	if err != nil {
		err = fmt.Errorf("%s: %w", filepath.Base(program), err)
	}
	return string(out), err
}

// ran shows a command and what it said; not what begins as comments of PostgreSQL's tools do.
func (p *Printer) ran(command, said string) {
	p.print("\n   " + p.screen.in(bold, "$ "+command) + "\n")
	for line := range strings.Lines(said) {
		if line = strings.TrimRight(line, "\n "); line != "" && !strings.HasPrefix(line, ";") {
			p.print("   " + p.screen.fold(line, 5) + "\n")
		}
	}
}

// checkZip reads all entries of a zip, whose checksums must be right, and counts them.
func checkZip(file string) (entries int, err error) {
	reader, err := zip.OpenReader(file)
	if err != nil {
		return 0, err
	}
	defer func() { _ = reader.Close() }()
	for _, entry := range reader.File {
		content, err := entry.Open()
		if err != nil {
			return 0, fmt.Errorf("open %s: %w", entry.Name, err)
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return 0, fmt.Errorf("read %s: %w", entry.Name, err)
		}
		_ = content.Close()
	}
	return len(reader.File), nil
}

// unpackDump takes the database's dump out of the archive of a folder, and puts it beside it.
func unpackDump(folder string) error {
	reader, err := zip.OpenReader(filepath.Join(folder, archiveName))
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	from, err := reader.Open(dumpName)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(filepath.Join(folder, dumpName), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}
