package archivist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"headroom/internal/pool"
)

const (
	keyMost    = 1024 // bytes that S3 takes of a key
	copiesMost = 500  // that are asked for together
)

// restoreFiles copies what the share's bucket held at a time into a folder of it, within S3. What an earlier attempt has
// copied is not copied again. In the end both are listed anew and compared. It returns the proof in words, or what it found.
func (t *task) restoreFiles(ctx context.Context) (proof string, found []string, err error) {
	if err := t.abortCopies(ctx); err != nil {
		return "", nil, err
	}
	var all findings
	if err := t.copyThen(ctx); errors.Is(err, pool.ErrOtherObject) {
		all.add("%v", err)
		return "", all.all(), nil
	} else if err != nil {
		return "", nil, err
	}
	then := &past{t: t, ctx: ctx, then: pool.Then{At: t.job.At.Time}}
	there := &cursor{t: t, ctx: ctx, prefix: t.job.Folder, more: true}
	sum := sha256.New()
	var files, bytes int64
	for {
		v, ok, err := then.next()
		if err != nil {
			return "", nil, err
		}
		if !ok {
			break
		}
		now, ok, err := there.seek(t.job.Folder + v.Key)
		if err != nil {
			return "", nil, err
		}
		switch {
		case !ok:
			all.add("object %q was in the bucket, and is not in the folder", v.Key)
		case now.Size != v.Size:
			all.add("object %q had %d bytes, and has %d in the folder", v.Key, v.Size, now.Size)
		default:
			files, bytes = files+1, bytes+v.Size
			digest(sum, v)
		}
	}
	t.entries.Store(files)
	t.bytes.Store(bytes)
	proof = fmt.Sprintf("%d files (%d bytes) as they were in the bucket at %s; SHA-256 of their keys, versions and sizes %s",
		files, bytes, t.job.At.UTC().Format("2006-01-02T15:04:05Z"), hex.EncodeToString(sum.Sum(nil)))
	if then.left > 0 {
		proof += fmt.Sprintf("; %d are left out, whose names are too long for the folder, such as %q", then.left, then.long)
	}
	return proof, all.all(), nil
}

// digest adds a version to a sum. Keys have no zero byte.
func digest(sum hash.Hash, v pool.ObjectVersion) {
	_, _ = fmt.Fprintf(sum, "%s\x00%s\x00%d\n", v.Key, v.Version, v.Size) // never fails
}

// abortCopies ends uploads that earlier attempts have left: large files are copied by such.
func (t *task) abortCopies(ctx context.Context) error {
	for {
		page, err := t.Objects.Uploads(ctx, t.job.Bucket, t.job.Folder, pool.UploadCursor{})
		if err != nil {
			return fmt.Errorf("look for uploads of earlier attempts: %w", err)
		}
		for _, u := range page.Uploads {
			if err := t.Objects.AbortUpload(ctx, t.job.Bucket, u); err != nil {
				return fmt.Errorf("abort an upload of an earlier attempt: %w", err)
			}
		}
		if !page.More || len(page.Uploads) == 0 {
			return nil
		}
	}
}

// copyThen makes the copies that are not there yet.
func (t *task) copyThen(ctx context.Context) error {
	then := &past{t: t, ctx: ctx, then: pool.Then{At: t.job.At.Time}}
	there := &cursor{t: t, ctx: ctx, prefix: t.job.Folder, more: true}
	var copies []pool.ObjectCopy
	for {
		v, ok, err := then.next()
		if err != nil {
			return err
		}
		if ok {
			c := pool.ObjectCopy{From: v, To: t.job.Folder + v.Key}
			if _, c.There, err = there.seek(c.To); err != nil {
				return err
			}
			copies = append(copies, c)
		}
		if len(copies) == copiesMost || !ok && len(copies) > 0 {
			// Commit point: each copy is there once it is made, and known by what it is a copy of.
			if err := t.Objects.Copies(ctx, t.job.Bucket, copies); err != nil {
				return fmt.Errorf("copy files of the share: %w", err)
			}
			for _, c := range copies {
				t.bytes.Add(c.From.Size)
				t.entries.Add(1)
			}
			t.say(ctx)
			copies = copies[:0]
		}
		if !ok {
			return nil
		}
	}
}

// past goes through what the share's bucket held at a time, but for what can't be under the folder.
type past struct {
	t    *task
	ctx  context.Context
	then pool.Then
	page []pool.ObjectVersion
	from pool.ObjectCursor
	over bool   // there is no further page
	long string // key of the first that can't be
	left int    // how many can't
}

// next is the next one, if there is any.
func (p *past) next() (pool.ObjectVersion, bool, error) {
	for {
		for len(p.page) > 0 {
			v := p.page[0]
			p.page = p.page[1:]
			if !p.then.Takes(v) {
				continue
			}
			if len(p.t.job.Folder)+len(v.Key) > keyMost {
				if p.left++; p.left == 1 {
					p.long = v.Key
				}
				continue
			}
			return v, true, nil
		}
		if p.over {
			return pool.ObjectVersion{}, false, nil
		}
		page, err := p.t.Objects.Versions(p.ctx, p.t.job.Bucket, "", p.from)
		if err != nil {
			return pool.ObjectVersion{}, false, fmt.Errorf("list the versions of the share's objects: %w", err)
		}
		p.page, p.from, p.over = page.Versions, page.Next, !page.More
		p.t.say(p.ctx)
	}
}

// seek is the one of a key, if there is any, and goes past those before it.
func (c *cursor) seek(key string) (pool.ObjectVersion, bool, error) {
	for {
		v, ok, err := c.peek()
		if err != nil || !ok || v.Key > key {
			return pool.ObjectVersion{}, false, err
		}
		c.skip()
		if v.Key == key {
			return v, true, nil
		}
	}
}
