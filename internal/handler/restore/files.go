package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/bays"
	"headroom/internal/copytask"
	"headroom/internal/ledger"
	"headroom/internal/lifecycle"
	"headroom/internal/master"
	"headroom/internal/pool"
)

const (
	// uploadAgain is after how long the gateway is asked again: the event may never come, as of a gateway that was
	// restarted.
	uploadAgain = 5 * time.Minute
	// uploadsKept is how many questions are remembered: an answer may take longer than it takes to ask again.
	uploadsKept = 12
	// uploadLong is after how long people are told that it has not come, and uploadMost after how long it is a failure.
	uploadLong = 30 * time.Minute
	uploadMost = 24 * time.Hour
)

// errUploading is why a restoration waits for its gateway.
var errUploading = errors.New("the gateway has not said yet that all that the tenant wrote is in the bucket")

func afterNow(r pool.Restoration) lifecycle.Cursor { return lifecycle.After(r.Progress) }

// shareOf reads the host of the share, and names the share.
func (h *Handler) shareOf(ctx context.Context, r pool.Restoration) (pool.Host, pool.Slot, pool.ShareRef, error) {
	host, err := h.Ledger.Host(ctx, r.Share.Host)
	if err != nil {
		return host, pool.Slot{}, pool.ShareRef{}, fmt.Errorf("read the share host of restoration %s: %w", r.ID(), err)
	}
	ref, ok := host.ShareRef(r.Share.Index)
	slot := host.Slot(r.Share.Index)
	if !ok || slot == nil || slot.Generation != r.Share.Generation {
		return host, pool.Slot{}, ref, fmt.Errorf("look up share %s/%d of generation %d: it is not there", host.ID, r.Share.Index, r.Share.Generation)
	}
	return host, *slot, ref, nil
}

// upload has the gateway say when all that it acknowledged until now is in the share's bucket. The answer is an event.
func (h *Handler) upload(ctx context.Context, r pool.Restoration) (restoring, error) {
	_, _, ref, err := h.shareOf(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	id, err := h.Shares.NotifyWhenUploaded(ctx, ref)
	if err != nil {
		return restoring{}, err
	}
	now := h.Now()
	if r = r.Clone(); r.Asked.IsZero() {
		r.Asked = now.UTC()
	}
	ids := strings.Fields(r.Uploads)
	r.Uploads = strings.Join(append(ids[max(0, len(ids)-uploadsKept+1):], id), " ")
	switch waited := now.Sub(r.Asked); {
	case waited >= uploadMost:
		return restoring{Record: r, Wait: uploadAgain, Because: errUploading}, nil
	case waited >= uploadLong:
		return h.wait(ctx, r, errUploading, uploadAgain)
	}
	r.Due = now.Add(pool.Deadline(pool.StepUpload))
	return restoring{Record: r, Wait: uploadAgain}, nil
}

// uploaded hears that all of a share is in its bucket.
func (h *Handler) uploaded(ctx context.Context, resources []string, event events.FileUpload) error {
	ref, ok := refOf(resources)
	if event.EventType != events.FileUploadComplete || !ok {
		return nil
	}
	tags, err := h.Shares.TagsOf(ctx, ref)
	if errors.Is(err, pool.ErrNotFound) {
		return nil // it is gone by now
	}
	if err != nil {
		return fmt.Errorf("look whose share %s is: %w", ref.ID, err)
	}
	tenant := pool.TenantID(tags["headroom:tenant"])
	// Commit point: nothing is dirty any more that was written before the restoration was asked for.
	before, r, err := ledger.UpdateRestoration(ctx, h.Ledger, tenant, func(r pool.Restoration) (pool.Restoration, error) {
		if r.Step != pool.StepUpload || !slices.Contains(strings.Fields(r.Uploads), event.NotificationID) {
			return r, ledger.ErrUnchanged
		}
		return r.Proven(h.Now(), fmt.Sprintf("the gateway said on notification %s that all that was written before %s is in the bucket",
			event.NotificationID, event.RequestReceived.UTC().Format(time.RFC3339))), nil
	})
	if err != nil {
		return fmt.Errorf("record that the share of tenant %s is uploaded: %w", tenant, err)
	}
	if r.Version == before.Version && (r.Step != pool.StepEnter || r.Count > 0) {
		return nil // nobody waits for it, or an earlier delivery was here, and was not cut short
	}
	h.moved(ctx, before, r)
	return h.machine().Go(ctx, string(tenant), r)
}

// refOf finds the share and the gateway among ARNs.
func refOf(resources []string) (pool.ShareRef, bool) {
	var ref pool.ShareRef
	for _, arn := range resources {
		if _, id, found := strings.Cut(arn, ":share/"); found {
			ref.ID = id
		} else if strings.Contains(arn, ":gateway/") {
			ref.Gateway = arn
		}
	}
	return ref, ref.ID != "" && ref.Gateway != ""
}

// enter takes a place among those that are copied at once. For a database there must be room beside it: by what it has now.
func (h *Handler) enter(ctx context.Context, r pool.Restoration) (restoring, error) {
	if why, err := h.stopped(ctx, pool.StopRepair); why != nil || err != nil {
		if err != nil {
			return restoring{}, err
		}
		return h.wait(ctx, r, why, copytask.LookWait)
	}
	what := "it has its turn"
	if r.OfDatabase() && !r.Move {
		host, err := h.host(ctx, r)
		if err != nil {
			return restoring{}, err
		}
		slot := pool.MarkedSlot{Name: r.Database.Name, Mark: host.HeldMark(r.Database)}
		var size int64
		err = h.asMaster(ctx, master.Of(host), func(login pool.Login) error {
			size, err = h.Databases.Size(ctx, login, slot)
			return err
		})
		if err != nil {
			return restoring{}, fmt.Errorf("look how large the database is: %w", err)
		}
		why, err := h.room(ctx, host, size, 0)
		if err != nil {
			return restoring{}, err
		}
		if why != "" {
			return h.failed(ctx, r, why)
		}
		what += ", and its host has room for a copy"
	}
	took, err := h.bays().Take(ctx, bayOf(r))
	if err != nil {
		return restoring{}, err
	}
	if !took {
		r.Due = h.Now().Add(pool.Deadline(r.Step)) // it waits for its turn, which is no failure
		return restoring{Record: r, Wait: bayWait, Because: bays.ErrNone}, nil
	}
	return restoring{Record: r.Proven(h.Now(), what)}, nil
}

// files has a task copy what the bucket held into a folder of it.
func (h *Handler) files(ctx context.Context, r pool.Restoration) (restoring, error) {
	return h.attempt(ctx, r, events.JobRestoreFiles, func(ctx context.Context, r pool.Restoration) (events.ArchivistJob, error) {
		host, slot, _, err := h.shareOf(ctx, r)
		return events.ArchivistJob{
			Bucket: pool.BucketName(slot.Bucket), Mark: host.HeldMark(r.Share), At: events.At(r.To), Folder: r.Folder(),
		}, err
	})
}

// refresh has the gateway see the folder: what is put into a bucket behind its back it does not look for.
func (h *Handler) refresh(ctx context.Context, r pool.Restoration) (restoring, error) {
	_, _, ref, err := h.shareOf(ctx, r)
	if err != nil {
		return restoring{}, err
	}
	id, err := h.Shares.RefreshCache(ctx, ref)
	if err != nil {
		return restoring{}, err
	}
	return restoring{Record: r.Proven(h.Now(), fmt.Sprintf("the gateway looks at share %s anew (notification %s)", ref.ID, id))}, nil
}
