package decommission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

const (
	// reportWait is the time between two looks at a report, which a gateway makes in about half a minute.
	reportWait = 30 * time.Second
	// reportGood is for how long a report that lists nothing lets a share be deleted.
	reportGood = time.Hour
)

// failing has a share's gateway report which files fail to upload, one call to it a look: a report is asked for, read once
// it is made, and deleted, with the object that it is in. found is what was read now; nil: nothing was. People are told of
// it when it is not what they were told before. Nothing that fails is ever thrown away.
func (h *Handler) failing(ctx context.Context, id pool.DepartureID, has pool.Holding, ref pool.ShareRef, f pool.Failing) (next pool.Failing, found *pool.FailingFiles, err error) {
	if f, err = h.reportOf(ctx, id, ref, f); err != nil {
		return f, nil, err
	}
	if f.Report == "" {
		// Commit point: killed after this, the same token finds the report again.
		report, err := h.Shares.StartReport(ctx, pool.ReportSpec{
			Token: reportToken(id, ref, f.Reports), Share: ref, Bucket: h.Reports, Role: h.Reporter,
		})
		if err != nil {
			return f, nil, err
		}
		return f.Begun(report), nil, nil
	}
	report, err := h.Shares.Report(ctx, f.Report)
	switch {
	case errors.Is(err, pool.ErrNotFound): // it was deleted, and who did that was killed before that was recorded
		return f.Ended(), nil, nil
	case err != nil:
		return f, nil, err
	case report.State == pool.ReportRunning:
		return f, nil, nil
	case f.Read || report.State == pool.ReportFailed:
		if !f.Read {
			h.Log.WarnContext(ctx, "gateway could not report what fails to upload", "departure", id, "share", ref.ID, "report", f.Report)
		}
		if err := h.deleteReport(ctx, f.Report, report.Key); err != nil {
			return f, nil, err
		}
		return f.Ended(), nil, nil
	}
	files, err := h.readReport(ctx, report.Key)
	if errors.Is(err, pool.ErrNoObject) { // it has expired
		h.Log.WarnContext(ctx, "report of what fails to upload is gone", "departure", id, "share", ref.ID, "report", f.Report)
		return f.Ended(), nil, h.Shares.DeleteReport(ctx, f.Report)
	}
	if err != nil {
		return f, nil, fmt.Errorf("read which files of share %s fail to upload: %w", ref.ID, err)
	}
	next = f.Found(files, h.Now())
	if !next.Same(f.FailingFiles) {
		h.Log.ErrorContext(ctx, "files fail to upload", "departure", id, "share", ref.ID, "count", files.Count, "files", files.Names)
		// Killed after this, people are told once more.
		if err := h.Announce.FilesFailing(ctx, id, has, files); err != nil {
			return f, nil, err
		}
	}
	return next, &files, nil
}

// reportOf is what is known of a share, without what is of one that another took the place of. The report of that, which has
// names of a tenant's files, is deleted; one that can't be expires.
func (h *Handler) reportOf(ctx context.Context, id pool.DepartureID, ref pool.ShareRef, f pool.Failing) (pool.Failing, error) {
	of := f.Of(ref.ID)
	if f.Report == "" || of.Report != "" {
		return of, nil
	}
	report, err := h.Shares.Report(ctx, f.Report)
	if err == nil {
		err = h.deleteReport(ctx, f.Report, report.Key)
	}
	if ctx.Err() != nil {
		return f, err
	}
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		h.Log.WarnContext(ctx, "report of a share whose gateway was given up is left to expire", "departure", id, "share", f.Share, "report", f.Report, "error", err)
	}
	return of, nil
}

// reportsOf is a clearance that is about the share which its slot has now.
func (h *Handler) reportsOf(ctx context.Context, c pool.Clearance, ref pool.ShareRef) (pool.Clearance, error) {
	failing, err := h.reportOf(ctx, c.Departure, ref, c.Failing)
	if err != nil {
		return c, err
	}
	c = c.Clone()
	c.Failing = failing
	return c, nil
}

// reportToken names the n-th report that a departure has of a share.
func reportToken(id pool.DepartureID, ref pool.ShareRef, n int) string {
	_, mark, _ := strings.Cut(string(id), ".")
	return fmt.Sprintf("%s-%s-%d", ref.ID, mark, n)
}

// readReport reads which files a report lists.
func (h *Handler) readReport(ctx context.Context, key string) (pool.FailingFiles, error) {
	content, _, err := h.Objects.Open(ctx, pool.ObjectRef{Bucket: h.Reports, Key: key}, pool.SizeUnknown)
	if err != nil {
		return pool.FailingFiles{}, err
	}
	defer content.Close()
	return h.Shares.FilesIn(content)
}

// deleteReport deletes a report, and the object that it was written to: it has names of a tenant's files. The object goes
// first, because the report knows its key. It is Headroom's own, so the guard has no say in it.
func (h *Handler) deleteReport(ctx context.Context, report, key string) error {
	if key != "" {
		page, err := h.Objects.Versions(ctx, h.Reports, key, pool.ObjectCursor{})
		if err != nil {
			return fmt.Errorf("find the object of report %s: %w", report, err)
		}
		its := slices.DeleteFunc(page.Versions, func(v pool.ObjectVersion) bool { return v.Key != key })
		kept, err := h.Objects.Delete(ctx, h.Reports, its)
		if err != nil {
			return fmt.Errorf("delete the object of report %s: %w", report, err)
		}
		if len(kept) > 0 {
			return fmt.Errorf("delete the object of report %s: %s: %s", report, kept[0].Code, kept[0].Message)
		}
	}
	return h.Shares.DeleteReport(ctx, report)
}

// nameFailing has a departure that waits for its gateway say what keeps it waiting. It waits on whatever comes of that.
func (h *Handler) nameFailing(ctx context.Context, next leaving, ref pool.ShareRef) leaving {
	d := next.Record
	next.Because = errUploading
	failing, found, err := h.failing(ctx, d.ID(), d.Tenant.Share, ref, d.Failing)
	if err != nil {
		h.Log.WarnContext(ctx, "it is not known what fails to upload", "departure", d.ID(), "share", ref.ID, "error", err)
		next.Because = fmt.Errorf("%w, and why is not known: %w", errUploading, err)
		return next
	}
	if found == nil {
		next.Wait = reportWait
	}
	next.Record.History = noted(d.History, d.Failing, failing)
	if next.Record.Failing = failing; failing.Count > 0 {
		next.Because = fmt.Errorf("%w: %s", errUploading, words(failing.FailingFiles))
	}
	return next
}

// lookForFailing looks whether anything fails to upload before a share is deleted. As long as something does, it is not.
func (h *Handler) lookForFailing(ctx context.Context, c pool.Clearance, ref pool.ShareRef) (clearing, error) {
	failing, found, err := h.failing(ctx, c.Departure, c.Holding, ref, c.Failing)
	if err != nil {
		return clearing{}, err
	}
	c = c.Clone()
	next := clearing{Wait: reportWait}
	switch {
	case found == nil:
	case found.Count == 0:
		failing = failing.None()
		next.Wait = time.Second // it is deleted at once
	default:
		next.Wait = uploadAgain
	}
	c.History = noted(c.History, c.Failing, failing)
	if c.Failing = failing; failing.Count > 0 {
		// People were told, and nothing can be done here: so it is not given up, either.
		c.Due = h.Now().Add(pool.Deadline(c.Step))
		next.Because = fmt.Errorf("share %s is not deleted: %s", ref.ID, words(failing.FailingFiles))
	}
	next.Record = c
	return next, nil
}

// withoutReport deletes a report that is gone on without. One that can't be deleted expires.
func (h *Handler) withoutReport(ctx context.Context, c pool.Clearance, ref pool.ShareRef) pool.Clearance {
	if c.Failing.Report == "" {
		return c
	}
	c = c.Clone()
	c.Failing.Read = true
	failing, _, err := h.failing(ctx, c.Departure, c.Holding, ref, c.Failing)
	if err != nil {
		h.Log.WarnContext(ctx, "report of what fails to upload is left to expire", "clearance", c.ID(), "report", c.Failing.Report, "error", err)
	}
	c.Failing = failing
	return c
}

// hangs looks what keeps a share from being deleted that takes longer for it than it should. Whether a gateway makes a
// report of such a share is not documented.
func (h *Handler) hangs(ctx context.Context, next clearing, ref pool.ShareRef) clearing {
	if next.Record.Tries == 0 {
		return next
	}
	c := next.Record.Clone()
	failing, _, err := h.failing(ctx, c.Departure, c.Holding, ref, c.Failing)
	next.Wait = reportWait
	if err != nil {
		next.Because = fmt.Errorf("%w, and what of it fails to upload is not known: %w", next.Because, err)
		return next
	}
	c.History = noted(c.History, c.Failing, failing)
	if c.Failing = failing; failing.Count > 0 {
		next.Because = fmt.Errorf("%w: %s", next.Because, words(failing.FailingFiles))
	}
	next.Record = c
	return next
}

// noted notes in a history that files have begun to fail. Which these are now, the record says: a history is short.
func noted(history []pool.Entry, before, after pool.Failing) []pool.Entry {
	if before.Count > 0 || after.Count == 0 {
		return history
	}
	return pool.Append(history, pool.Entry{At: after.At, What: after.FailingFiles.String(), Why: "the gateway can't bring them into the bucket, as " + after.Names[0]})
}

// words names some files that fail to upload: an error in a record is short.
func words(files pool.FailingFiles) string {
	return files.String() + ", as " + strings.Join(files.Names[:min(len(files.Names), 3)], ", ")
}
