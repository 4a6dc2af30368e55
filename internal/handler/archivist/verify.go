package archivist

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"headroom/internal/archive"
	"headroom/internal/pool"
)

// verify reads an archive back as a whole, by other code than wrote it, and compares it: every byte of the zip with the
// manifest, the manifest with what the share's bucket and the database hold now, and the dump, restored, with the
// database. It returns the proof in words, or what it found; an error says nothing of the archive.
func (t *task) verify(ctx context.Context) (proof string, found []string, err error) {
	c := &comparison{t: t, ctx: ctx}
	proof, err = c.compare()
	// An archive that can't be made head or tail of, or is not there, is no good either.
	if errors.Is(err, archive.ErrDamaged) || errors.Is(err, pool.ErrBadDump) || errors.Is(err, errGone) {
		c.found.add("%v", err)
		err = nil
	}
	return proof, c.found.all(), err
}

// errGone means that a version of the archive's, or of its manifest, is not there.
var errGone = errors.New("it is not there any more")

// comparison is a verification under way.
type comparison struct {
	t   *task
	ctx context.Context

	manifestSize int64
	dump         archive.Content

	login   pool.Login
	slot    string
	catalog pool.Catalog
	tables  map[[2]string]archive.Table // that the manifest has not named yet

	source   cursor
	restored bool
	found    findings
}

func (c *comparison) compare() (string, error) {
	t, ref := c.t, c.t.job.Archive
	if err := c.look(); err != nil {
		return "", err
	}
	if t.job.Database != nil {
		if err := c.ask(); err != nil {
			return "", err
		}
	}
	c.source = cursor{t: t, ctx: c.ctx, more: t.job.Bucket != ""}
	size, err := c.size(ref.Key, ref.VersionID)
	if err != nil {
		return "", err
	}
	if size != ref.Bytes {
		return "", fmt.Errorf("%w: it has %d bytes, and %d bytes were written", archive.ErrDamaged, size, ref.Bytes)
	}
	zip, err := c.open(ref.Key, ref.VersionID, size)
	if err != nil {
		return "", err
	}
	defer func() { _ = zip.Close() }()
	want := header(t.job)
	t.total.Store(ref.Bytes)
	verified, err := archive.Verify(archive.Verification{
		Zip: t.counted(c.ctx, zip), Manifest: c.manifest, ZipSHA256: ref.SHA256, ManifestSHA256: ref.ManifestSHA256, Want: &want,
		Object: c.object, Dump: c.restore, Table: c.table,
	})
	if err != nil {
		return "", err
	}
	if err := c.rest(); err != nil {
		return "", err
	}
	totals := verified.Totals
	if held := totals.Objects + totals.Databases; held != ref.Entries {
		c.found.add("it has %d entries, and %d were written", held, ref.Entries)
	}
	proof := fmt.Sprintf("%d bytes of zip read back, SHA-256 %s; %d files (%d bytes) as the manifest has them, and the manifest as the bucket is now",
		verified.Bytes, verified.ZipSHA256, totals.Objects, totals.Bytes)
	switch {
	case totals.Databases == 0:
	case c.restored:
		proof += fmt.Sprintf("; the dump (%d bytes) restored, %d tables with %d rows as in the database", totals.DumpBytes, totals.Tables, totals.Rows)
	default:
		proof += fmt.Sprintf("; the dump (%d bytes) read section by section, too large to be restored; %d tables with %d rows counted in the database",
			totals.DumpBytes, totals.Tables, totals.Rows)
	}
	return proof, nil
}

// look reads the manifest once before the zip: what the dump must be has to be known before it is restored.
func (c *comparison) look() error {
	var err error
	if c.manifestSize, err = c.size(c.t.job.Archive.ManifestKey, c.t.job.Archive.ManifestVersionID); err != nil {
		return err
	}
	in, err := c.manifest()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	m, err := archive.NewManifestReader(in)
	if err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	for {
		item, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the manifest: %w", err)
		}
		if item.Database != nil {
			c.dump = item.Content
		}
	}
	if dumps := m.Totals().Databases; (dumps > 0) != (c.t.job.Database != nil) {
		c.found.add("it has %d dumps, and the tenant has a database: %v", dumps, c.t.job.Database != nil)
	}
	return nil
}

func (c *comparison) manifest() (io.ReadCloser, error) {
	ref := c.t.job.Archive
	return c.open(ref.ManifestKey, ref.ManifestVersionID, c.manifestSize)
}

// size is how long a version in the archives' bucket is.
func (c *comparison) size(key, version string) (int64, error) {
	stored, err := c.t.Objects.Head(c.ctx, pool.ObjectRef{Bucket: c.t.job.Archive.Bucket, Key: key, Version: version})
	if err != nil {
		return 0, c.gone(key, err)
	}
	return stored.Size, nil
}

func (c *comparison) open(key, version string, size int64) (io.ReadCloser, error) {
	in, _, err := c.t.Objects.Open(c.ctx, pool.ObjectRef{Bucket: c.t.job.Archive.Bucket, Key: key, Version: version}, size)
	if err != nil {
		return nil, c.gone(key, err)
	}
	return in, nil
}

func (c *comparison) gone(what string, err error) error {
	if errors.Is(err, pool.ErrNoObject) {
		err = fmt.Errorf("%w: %w", errGone, err)
	}
	return fmt.Errorf("open %s: %w", what, err)
}

// ask reads what the database holds now. The tenant is shut out: it is what it held when it was dumped.
func (c *comparison) ask() (err error) {
	if c.login, c.slot, err = c.t.login(c.ctx); err != nil {
		return err
	}
	if c.catalog, err = c.t.Databases.Catalog(c.ctx, c.login, c.slot); err != nil {
		return fmt.Errorf("read what the database holds: %w", err)
	}
	c.tables = map[[2]string]archive.Table{}
	for _, table := range tablesOf(c.catalog) {
		c.tables[[2]string{table.Schema, table.Name}] = table
	}
	return nil
}

// object compares what the manifest has of an object with what the bucket has of it now. Both come in the same order.
func (c *comparison) object(o archive.Object, _ archive.Content) error {
	c.t.entries.Add(1)
	for {
		now, ok, err := c.source.peek()
		if err != nil {
			return err
		}
		switch {
		case !ok || now.Key > o.Key:
			c.found.add("object %q is in the archive, and not in the bucket", o.Key)
			return nil
		case now.Key < o.Key:
			c.found.add("object %q is in the bucket, and not in the archive", now.Key)
			c.source.skip()
		default:
			if now.Version != o.Version || now.Size != o.Size {
				c.found.add("object %q is version %s (%d bytes) in the bucket, and version %s (%d bytes) in the archive",
					o.Key, now.Version, now.Size, o.Version, o.Size)
			}
			c.source.skip()
			return nil
		}
	}
}

// restore has the dump restored, and compared with the database.
func (c *comparison) restore(d archive.Database, dump io.Reader) error {
	c.t.entries.Add(1)
	job := c.t.job.Database
	if job == nil {
		return nil // which was found already
	}
	if d.Name != job.Name || d.ServerVersion != serverVersion(c.catalog.Version) {
		c.found.add("the dump is of database %q of version %s, not %q of %s", d.Name, d.ServerVersion, job.Name, serverVersion(c.catalog.Version))
	}
	want := pool.DumpFile{Bytes: c.dump.Size, Catalog: c.catalog}
	if n, err := hex.Decode(want.SHA256[:], []byte(c.dump.SHA256)); err != nil || n != len(want.SHA256) {
		return fmt.Errorf("%w: its checksum is none", archive.ErrDamaged)
	}
	checked, err := c.t.Dumps.Check(c.ctx, dump, want)
	if err != nil {
		return err
	}
	c.restored = checked.Restored
	return nil
}

func (c *comparison) table(m archive.Table) error {
	name := [2]string{m.Schema, m.Name}
	now, there := c.tables[name]
	delete(c.tables, name)
	switch {
	case !there:
		c.found.add("table %s.%s is in the archive, and not in the database", m.Schema, m.Name)
	case now != m:
		c.found.add("table %s.%s has %d rows (forced %v) in the database, and %d (forced %v) in the archive",
			m.Schema, m.Name, now.Rows, now.Forced, m.Rows, m.Forced)
	}
	return nil
}

// rest finds what bucket and database have and the archive has not.
func (c *comparison) rest() error {
	for {
		now, ok, err := c.source.peek()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		c.found.add("object %q is in the bucket, and not in the archive", now.Key)
		c.source.skip()
	}
	for _, table := range tablesOf(c.catalog) {
		if _, left := c.tables[[2]string{table.Schema, table.Name}]; left {
			c.found.add("table %s.%s is in the database, and not in the archive", table.Schema, table.Name)
		}
	}
	return nil
}

// cursor goes through the current versions of the share's bucket whose keys have a prefix.
type cursor struct {
	t      *task
	ctx    context.Context
	prefix string
	page   []pool.ObjectVersion
	next   pool.ObjectCursor
	more   bool
}

// peek is the next one, if there is any.
func (c *cursor) peek() (pool.ObjectVersion, bool, error) {
	for len(c.page) == 0 && c.more {
		page, err := c.t.Objects.Current(c.ctx, c.t.job.Bucket, c.prefix, c.next)
		if err != nil {
			return pool.ObjectVersion{}, false, fmt.Errorf("list the share's objects: %w", err)
		}
		c.page, c.next, c.more = page.Versions, page.Next, page.More
	}
	if len(c.page) == 0 {
		return pool.ObjectVersion{}, false, nil
	}
	return c.page[0], true, nil
}

func (c *cursor) skip() { c.page = c.page[1:] }
