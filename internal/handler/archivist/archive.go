package archivist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"headroom/events"
	"headroom/internal/archive"
	"headroom/internal/pool"
)

// errOvertaken means that a later attempt is under way: this one is a task that was taken for dead.
var errOvertaken = errors.New("a later attempt is under way")

// errTooMany means that a share has more files than there is memory for.
var errTooMany = errors.New("the share has more files than one archive can be made of")

// lineSize is about what a line of the manifest has, in bytes. Parts of an upload grow, should it be more.
const lineSize = 512

// attemptTag is what an archive has that nobody has verified: by it, what is left of attempts that died goes away.
var attemptTag = map[string]string{"headroom:archive": "attempt"}

// source is what there is to archive.
type source struct {
	objects, bytes int64
	login          pool.Login
	slot           string
	catalog        pool.Catalog
}

// archive writes the tenant's files and a dump of its database into one zip, as they come, and a manifest of
// them into the zip and beside it.
func (t *task) archive(ctx context.Context) (*events.ArchiveRef, error) {
	if err := t.abortOlder(ctx); err != nil {
		return nil, err
	}
	from, err := t.survey(ctx)
	if err != nil {
		return nil, err
	}
	head := header(t.job)
	head.Made = t.Now().UTC()
	out := events.ArchiveRef{Bucket: t.job.Archive.Bucket, Key: t.job.Archive.Key, ManifestKey: t.job.Archive.ManifestKey}
	stored, err := t.Objects.Store(ctx, t.spec(out.Key, "application/zip"), t.total.Load(), func(zip io.Writer) error {
		var w *archive.Writer
		manifest, err := t.Objects.Store(ctx, t.spec(out.ManifestKey, "application/jsonl"), from.objects*lineSize, func(manifest io.Writer) (err error) {
			if w, err = archive.NewWriter(zip, manifest, head); err != nil {
				return err
			}
			if err := t.fill(ctx, w, from); err != nil {
				return err
			}
			totals, sum, err := w.Finish()
			out.Entries, out.ManifestSHA256 = totals.Objects+totals.Databases, sum
			return err
		})
		if err != nil {
			return fmt.Errorf("write the manifest: %w", err)
		}
		out.ManifestVersionID = manifest.Version
		// What goes into the zip is what can be read beside it.
		back, _, err := t.Objects.Open(ctx, pool.ObjectRef{Bucket: out.Bucket, Key: out.ManifestKey, Version: manifest.Version}, manifest.Size)
		if err != nil {
			return fmt.Errorf("read the manifest back: %w", err)
		}
		return errors.Join(w.Close(back), back.Close())
	})
	// Commit point: the archive is there, but nobody knows of it before the report. A task that dies here leaves it
	// for nobody: the next attempt writes its own.
	if err != nil {
		return nil, fmt.Errorf("write the archive: %w", err)
	}
	out.VersionID, out.Bytes, out.SHA256 = stored.Version, stored.Size, stored.SHA256
	if out.VersionID == "" || out.ManifestVersionID == "" || out.SHA256 == "" {
		return nil, errors.New("write the archive: its versions or its checksum are not known")
	}
	return &out, nil
}

func (t *task) spec(key, content string) pool.ObjectSpec {
	return pool.ObjectSpec{Bucket: t.job.Archive.Bucket, Key: key, KMSKey: t.Key, ContentType: content, Tags: attemptTag}
}

// abortOlder ends what earlier attempts at this departure have left half done, also those that are not as dead as
// they were taken for. What a later one is doing is left alone.
func (t *task) abortOlder(ctx context.Context) error {
	id, bucket := pool.DepartureID(t.job.ID), t.job.Archive.Bucket
	var from pool.UploadCursor
	for {
		page, err := t.Objects.Uploads(ctx, bucket, string(id)+"/", from)
		if err != nil {
			return fmt.Errorf("look for uploads of earlier attempts: %w", err)
		}
		for _, u := range page.Uploads {
			if attemptOf(id, u.Key) > t.job.Attempt {
				return errOvertaken
			}
			if err := t.Objects.AbortUpload(ctx, bucket, u); err != nil {
				return fmt.Errorf("abort an upload of an earlier attempt: %w", err)
			}
		}
		if !page.More {
			return nil
		}
		from = page.Next
	}
}

// survey looks how much there is, for the estimate, and for the size of an upload's parts. It bounds the number of
// files alone: of each something is held until the archive ends, and a task that has no memory left is killed hours
// later, without a word.
func (t *task) survey(ctx context.Context) (source, error) {
	var found source
	if t.job.Bucket != "" {
		var load archive.Load
		err := t.each(ctx, func(v pool.ObjectVersion) error {
			found.objects, found.bytes = found.objects+1, found.bytes+v.Size
			if load.Add(v.Key); load.Bytes() > t.Memory {
				return fmt.Errorf("%w: of the first %d of them %d MiB would have to be held", errTooMany, found.objects, load.Bytes()>>20)
			}
			return nil
		})
		if err != nil {
			return found, err
		}
	}
	if t.job.Database != nil {
		var err error
		if found.login, found.slot, err = t.login(ctx); err != nil {
			return found, err
		}
		// Nobody is in there but us: what is counted now is what the dump has.
		if found.catalog, err = t.Databases.Catalog(ctx, found.login, found.slot); err != nil {
			return found, fmt.Errorf("read what the database holds: %w", err)
		}
	}
	t.total.Store(found.bytes + found.catalog.Bytes)
	return found, nil
}

// each goes through the current versions of the share's bucket.
func (t *task) each(ctx context.Context, do func(pool.ObjectVersion) error) error {
	var from pool.ObjectCursor
	for {
		page, err := t.Objects.Current(ctx, t.job.Bucket, "", from)
		if err != nil {
			return fmt.Errorf("list the share's objects: %w", err)
		}
		for _, v := range page.Versions {
			if err := do(v); err != nil {
				return err
			}
		}
		t.say(ctx)
		if !page.More {
			return nil
		}
		from = page.Next
	}
}

func (t *task) fill(ctx context.Context, w *archive.Writer, from source) error {
	if t.job.Database != nil {
		if err := t.dump(ctx, w, from); err != nil {
			return err
		}
	}
	if t.job.Bucket == "" {
		return nil
	}
	return t.each(ctx, func(v pool.ObjectVersion) error { return t.object(ctx, w, v) })
}

// dump adds the database. It comes first: what fails, fails early.
func (t *task) dump(ctx context.Context, w *archive.Writer, from source) error {
	stream, err := t.Dumps.Dump(ctx, from.login, from.slot, from.catalog.Version)
	if err != nil {
		return fmt.Errorf("dump the database: %w", err)
	}
	defer func() { _ = stream.Close() }()
	content, err := w.Database(archive.Database{
		Name: t.job.Database.Name, ServerVersion: serverVersion(from.catalog.Version), Bytes: from.catalog.Bytes,
	}, t.counted(ctx, stream))
	if err != nil {
		return err
	}
	t.entries.Add(1)
	t.total.Add(content.Size - from.catalog.Bytes) // as is known by now
	for _, table := range tablesOf(from.catalog) {
		if err := w.Table(table); err != nil {
			return err
		}
	}
	return nil
}

func (t *task) object(ctx context.Context, w *archive.Writer, v pool.ObjectVersion) error {
	body, stored, err := t.Objects.Open(ctx, v.Ref(t.job.Bucket), v.Size)
	if err != nil {
		return fmt.Errorf("open an object of the share: %w", err)
	}
	defer func() { _ = body.Close() }()
	_, err = w.Object(archive.Object{
		Key: v.Key, Version: v.Version, Size: v.Size, Modified: v.Modified, Metadata: stored.Metadata,
	}, t.counted(ctx, body))
	if err == nil {
		t.entries.Add(1)
	}
	return err
}

// serverVersion words a server's version as the server does: 150014 is 15.14.
func serverVersion(number int) string { return fmt.Sprintf("%d.%d", number/10000, number%10000) }

// tablesOf are a catalog's tables as a manifest has them.
func tablesOf(c pool.Catalog) []archive.Table {
	tables := make([]archive.Table, len(c.Tables))
	for i, table := range c.Tables {
		schema, name := split(table.Name)
		tables[i] = archive.Table{Schema: schema, Name: name, Rows: table.Rows, Forced: slices.Contains(c.Forced, table.Name)}
	}
	return tables
}

// split takes a qualified name of SQL apart: app."we""ird; name" is app and we"ird; name.
func split(qualified string) (schema, name string) {
	var parts []string
	var part strings.Builder
	quoted := false
	for i := 0; i < len(qualified); i++ {
		switch c := qualified[i]; {
		case c == '"' && quoted && i+1 < len(qualified) && qualified[i+1] == '"':
			part.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted && len(parts) == 0:
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	if len(parts) == 0 {
		return "", part.String()
	}
	return parts[0], part.String()
}
