package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/go-json-experiment/json"
)

// errLine means that what is to be said of an entry is longer than any key and metadata of S3's.
var errLine = errors.New("its line in the manifest is too long")

// manifestWriter writes a manifest line by line.
type manifestWriter struct {
	to     io.Writer
	digest hash.Hash
	size   int64
	totals Totals
}

func newManifestWriter(to io.Writer, h Header) (*manifestWriter, error) {
	m := &manifestWriter{to: to, digest: sha256.New()}
	return m, m.write(headerLine{
		Kind: kindHeader, Form: form, Tenant: text(h.Tenant), Mark: text(h.Mark), ShareMark: text(h.ShareMark),
		DatabaseMark: text(h.DatabaseMark), Bucket: text(h.Bucket), Attempt: text(h.Attempt), Made: h.Made.UTC(),
	})
}

func (m *manifestWriter) object(o Object, c Content) error {
	line := objectLine{
		Kind: kindObject, contentLine: lineOf(c), Key: text(o.Key), Version: text(o.Version), Modified: o.Modified.UTC(),
		Metadata: make(map[string]text, len(o.Metadata)),
	}
	for name, value := range o.Metadata {
		line.Metadata[name] = text(value)
	}
	m.totals.Objects++
	m.totals.Bytes += c.Size
	return m.write(line)
}

func (m *manifestWriter) database(d Database, c Content) error {
	m.totals.Databases++
	m.totals.DumpBytes += c.Size
	return m.write(databaseLine{
		Kind: kindDatabase, contentLine: lineOf(c), Database: text(d.Name), ServerVersion: text(d.ServerVersion), Bytes: d.Bytes,
	})
}

func (m *manifestWriter) table(t Table) error {
	m.totals.Tables++
	m.totals.Rows += t.Rows
	return m.write(tableLine{Kind: kindTable, Schema: text(t.Schema), Table: text(t.Name), Rows: t.Rows, Forced: t.Forced})
}

func (m *manifestWriter) end() error {
	t := m.totals
	return m.write(endLine{
		Kind: kindEnd, Objects: t.Objects, Bytes: t.Bytes, Databases: t.Databases, DumpBytes: t.DumpBytes,
		Tables: t.Tables, Rows: t.Rows, Digest: hexOf(m.digest),
	})
}

func (m *manifestWriter) write(line any) error {
	encoded, err := json.Marshal(line, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode a line of the manifest: %w", err)
	}
	encoded = append(encoded, '\n')
	if len(encoded) > lineMax {
		return errLine
	}
	m.digest.Write(encoded)
	m.size += int64(len(encoded))
	if _, err := m.to.Write(encoded); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return nil
}

func lineOf(c Content) contentLine {
	return contentLine{Name: c.Name, Size: c.Size, SHA256: c.SHA256, CRC32: fmt.Sprintf("%08x", c.CRC32)}
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// zipTime is a time that zip can say: it has years from 1980 on, in seconds that end in 2106.
func zipTime(t time.Time) time.Time {
	first, last := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2099, 12, 31, 23, 59, 58, 0, time.UTC)
	switch t = t.UTC(); {
	case t.Before(first):
		return first
	case t.After(last):
		return last
	default:
		return t
	}
}
