package decommission

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"headroom/internal/archive"
	"headroom/internal/pool"
)

const (
	// goneWait is the time between two looks at a share that is being deleted, or made.
	goneWait = 5 * time.Second
	// compareReserve is what must be left of an invocation's time to read another page of a bucket.
	compareReserve = 10 * time.Second
)

// errOutOfTime ends a look that is gone on with by another invocation.
var errOutOfTime = errors.New("the invocation's time is over")

// slotOf reads the host and the slot of a clearance.
func (h *Handler) slotOf(ctx context.Context, c pool.Clearance) (pool.Host, pool.Slot, error) {
	host, err := h.Ledger.Host(ctx, c.Holding.Host)
	if err != nil {
		return host, pool.Slot{}, fmt.Errorf("read the host of clearance %s: %w", c.ID(), err)
	}
	slot := host.Slot(c.Holding.Index)
	if slot == nil {
		return host, pool.Slot{}, fmt.Errorf("look up slot %s/%d: it is not there", host.ID, c.Holding.Index)
	}
	return host, *slot, nil
}

// withdrawShare deletes the share, never by force, and waits until it is gone. Its bucket stays.
func (h *Handler) withdrawShare(ctx context.Context, c pool.Clearance) (clearing, error) {
	host, slot, err := h.slotOf(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	ref, there := host.ShareRef(slot.Index)
	if !there { // it was deleted at a gateway that was given up, and the new one was made without it
		return clearing{Record: c.Proven(pool.StepCompare, h.Now(), fmt.Sprintf("gateway %s of host %s has no share of the slot", host.Access.GatewayID(), host.ID))}, nil
	}
	if c, err = h.reportsOf(ctx, c, ref); err != nil {
		return clearing{}, err
	}
	status, err := h.Shares.ShareStatus(ctx, ref)
	switch {
	case errors.Is(err, pool.ErrNotFound):
		return clearing{Record: c.Proven(pool.StepCompare, h.Now(), fmt.Sprintf("share %s of gateway %s is deleted, and its gateway had nothing left to upload", ref.ID, host.ID))}, nil
	case err != nil:
		return clearing{}, err
	case status == pool.ShareDeleting:
		return h.hangs(ctx, clearing{Record: c, Wait: goneWait, Because: fmt.Errorf("share %s is being deleted", ref.ID)}, ref), nil
	}
	// A deletion can't be called off. A report that is not to be had all the same is no reason to wait for it for ever:
	// a share is never deleted by force.
	if !c.Failing.Clean(h.Now(), reportGood) && (c.Tries == 0 || c.Failing.Count > 0) {
		return h.lookForFailing(ctx, c, ref)
	}
	return h.deleteShare(ctx, h.withoutReport(ctx, c, ref), host, slot, host.HeldMark(c.Holding))
}

// deleteShare has the share of a slot's generation deleted, whose bucket bears a mark.
func (h *Handler) deleteShare(ctx context.Context, c pool.Clearance, host pool.Host, slot pool.Slot, mark string) (clearing, error) {
	target := pool.Target{What: shareTarget, Name: slot.Name, Want: c.Holding.Name, WantMark: mark}
	var err error
	if target.Mark, err = h.Buckets.MarkOf(ctx, slot.Bucket); err != nil {
		return clearing{}, err
	}
	if err := h.allow(ctx, c, target); err != nil {
		return h.whether(ctx, c, err)
	}
	if err := h.Shares.DeleteShare(ctx, pool.ShareRef{Gateway: host.Access.Gateway, ID: slot.Share}); err != nil {
		return clearing{}, err
	}
	return clearing{Record: c, Wait: goneWait}, nil
}

// whether tells a refusal of the guard from other errors.
func (h *Handler) whether(ctx context.Context, c pool.Clearance, err error) (clearing, error) {
	if errors.Is(err, errRefused) {
		return h.refused(ctx, c, err)
	}
	return clearing{}, err
}

// compare compares the bucket once more with the manifest of the archive: what is not in the archive is not destroyed.
func (h *Handler) compare(ctx context.Context, c pool.Clearance) (clearing, error) {
	d, err := h.Ledger.Departure(ctx, c.Departure)
	if err != nil {
		return clearing{}, err
	}
	_, slot, err := h.slotOf(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	a := d.Archive
	content, _, err := h.Objects.Open(ctx, pool.ObjectRef{Bucket: a.Bucket, Key: a.Manifest, Version: a.ManifestID}, pool.SizeUnknown)
	if err != nil {
		return clearing{}, fmt.Errorf("open the manifest of departure %s: %w", d.ID(), err)
	}
	defer content.Close()
	manifest, err := archive.NewManifestReader(content)
	if err != nil {
		return clearing{}, fmt.Errorf("read the manifest of departure %s: %w", d.ID(), err)
	}
	result, err := archive.Compare(manifest, c.Cursor, h.listed(ctx, pool.BucketName(slot.Bucket), c.Cursor))
	if len(result.Differences) > 0 {
		return h.quarantine(ctx, c, "its bucket is not as it was archived: "+strings.Join(result.Differences, "; "))
	}
	c = c.Clone()
	if errors.Is(err, errOutOfTime) {
		if result.Last != c.Cursor { // it comes on
			c.Cursor, c.Due = result.Last, h.Now().Add(pool.Deadline(pool.StepCompare))
		}
		return clearing{Record: c, Wait: time.Second}, nil
	}
	switch {
	case err != nil:
		return clearing{}, fmt.Errorf("compare bucket %s with its manifest: %w", pool.BucketName(slot.Bucket), err)
	case manifest.SHA256() != a.ManifestSHA256:
		return h.quarantine(ctx, c, fmt.Sprintf("the manifest of its archive has the SHA-256 %s, and was verified with %s", manifest.SHA256(), a.ManifestSHA256))
	}
	return clearing{Record: c.Proven(pool.StepEmpty, h.Now(), fmt.Sprintf("bucket %s holds what is archived, and nothing else", pool.BucketName(slot.Bucket)))}, nil
}

// listed lists the current versions of a bucket's objects behind a key, as long as there is time.
func (h *Handler) listed(ctx context.Context, bucket, after string) func() (archive.Object, error) {
	var page pool.ObjectPage
	page.More, page.Next = true, pool.ObjectCursor{Key: after}
	return func() (archive.Object, error) {
		for len(page.Versions) == 0 {
			if !page.More {
				return archive.Object{}, io.EOF
			}
			if deadline, ok := ctx.Deadline(); ok && h.Until(deadline) < compareReserve {
				return archive.Object{}, errOutOfTime
			}
			var err error
			if page, err = h.Objects.Current(ctx, bucket, "", page.Next); err != nil {
				return archive.Object{}, err
			}
		}
		v := page.Versions[0]
		page.Versions = page.Versions[1:]
		return archive.Object{Key: v.Key, Version: v.Version, Size: v.Size}, nil
	}
}

// empty deletes some of what is in the bucket: versions and delete markers, then unfinished uploads. A page at a time:
// millions outlast an invocation, and what is deleted is not listed again.
func (h *Handler) empty(ctx context.Context, c pool.Clearance) (clearing, error) {
	host, slot, err := h.slotOf(ctx, c)
	if err != nil {
		return clearing{}, err
	}
	bucket := pool.BucketName(slot.Bucket)
	page, err := h.Objects.Versions(ctx, bucket, "", pool.ObjectCursor{})
	if err != nil {
		return clearing{}, err
	}
	uploads, err := h.Objects.Uploads(ctx, bucket, "", pool.UploadCursor{})
	if err != nil {
		return clearing{}, err
	}
	if len(page.Versions) == 0 && !page.More && len(uploads.Uploads) == 0 && !uploads.More {
		return clearing{Record: c.Proven(pool.StepRemake, h.Now(), fmt.Sprintf(
			"%d object versions, delete markers and unfinished uploads of bucket %s are known to be deleted, and none is listed any more", c.Destroyed, bucket))}, nil
	}
	c = c.Clone()
	target := pool.Target{What: objectsTarget, Name: bucket, Want: bucket, WantMark: host.HeldMark(c.Holding)}
	if target.Mark, err = h.Buckets.MarkOf(ctx, slot.Bucket); err != nil {
		return clearing{}, err
	}
	if len(page.Versions) > 0 {
		if err := h.allow(ctx, c, target); err != nil {
			return h.whether(ctx, c, err)
		}
		kept, err := h.Objects.Delete(ctx, bucket, page.Versions)
		if err != nil {
			return clearing{}, err
		}
		c.Destroyed += int64(len(page.Versions) - len(kept))
		if len(kept) > 0 {
			return clearing{Record: c, Wait: goneWait, Because: fmt.Errorf("%d of %d versions of bucket %s were not deleted: %q: %s: %s",
				len(kept), len(page.Versions), bucket, kept[0].Object.Key, kept[0].Code, kept[0].Message)}, nil
		}
		c.Cursor = page.Versions[len(page.Versions)-1].Key
	}
	for _, u := range uploads.Uploads {
		if err := h.allow(ctx, c, target); err != nil {
			return h.whether(ctx, c, err)
		}
		if err := h.Objects.AbortUpload(ctx, bucket, u); err != nil {
			return clearing{}, err
		}
		c.Destroyed++
	}
	c.Due = h.Now().Add(pool.Deadline(pool.StepEmpty)) // it comes on
	return clearing{Record: c}, nil
}
