package decommission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

const (
	// uploadAgain is after how long the gateway is asked again: the event may never come, as of a gateway that was
	// restarted.
	uploadAgain = 5 * time.Minute
	// uploadsKept is how many questions are remembered: an answer may take longer than it takes to ask again.
	uploadsKept = 12
	// uploadMost is after how long people are told that it has not come.
	uploadMost = 24 * time.Hour
)

// errUploading is why a departure waits for its gateway.
var errUploading = errors.New("the gateway has not said yet that all is in the bucket")

// upload has the gateway say when all that it acknowledged is in the share's bucket. The answer is an event.
func (h *Handler) upload(ctx context.Context, d pool.Departure) (leaving, error) {
	if left := h.othersMayBeAt(d); left > 0 {
		return leaving{Record: d, Wait: left}, nil
	}
	database, share, err := h.hosts(ctx, d)
	if err != nil {
		return leaving{}, err
	}
	ref, err := shareRef(share, d.Tenant.Share)
	if err != nil {
		return leaving{}, err
	}
	// Somebody who was at work on its access when it left may have let it in again.
	if err := h.evict(ctx, d, share); err != nil {
		return leaving{}, err
	}
	if open, err := h.shutShare(ctx, ref, d.Count); open != nil || err != nil {
		d.Uploads = "" // what was written meanwhile is not in an answer to them
		return leaving{Record: d, Wait: serveWait, Because: open}, err
	}
	open, err := h.stillOpen(ctx, d, database)
	if err != nil {
		return leaving{}, err
	}
	if open != nil {
		d = d.Back(pool.StepShut, h.Now(), open.Error())
		d.Uploads = ""
		return leaving{Record: d}, nil
	}
	id, err := h.Shares.NotifyWhenUploaded(ctx, ref)
	if err != nil {
		return leaving{}, err
	}
	d = d.Clone()
	if h.Now().Before(d.Proofs[len(d.Proofs)-1].At.Add(uploadMost)) {
		d.Due = h.Now().Add(pool.Deadline(pool.StepUpload))
	}
	next := leaving{Record: d, Wait: uploadAgain}
	ids := strings.Fields(d.Uploads)
	if len(ids) > 0 {
		next = h.nameFailing(ctx, next, ref)
	}
	next.Record.Uploads = strings.Join(append(ids[max(0, len(ids)-uploadsKept+1):], id), " ")
	return next, nil
}

// uploaded hears that all of a share is in its bucket.
func (h *Handler) uploaded(ctx context.Context, resources []string, event events.FileUpload) error {
	if event.EventType != events.FileUploadComplete {
		return nil
	}
	ref, ok := refOf(resources)
	if !ok {
		return fmt.Errorf("hear of notification %s: its resources are no share and gateway", event.NotificationID)
	}
	tags, err := h.Shares.TagsOf(ctx, ref)
	if errors.Is(err, pool.ErrNotFound) {
		return nil // it is gone by now
	}
	if err != nil {
		return fmt.Errorf("look whose share %s is: %w", ref.ID, err)
	}
	all, err := h.Ledger.Departures(ctx, pool.TenantID(tags["headroom:tenant"]))
	if err != nil {
		return fmt.Errorf("read the departures of tenant %s: %w", tags["headroom:tenant"], err)
	}
	for _, d := range all {
		if d.State == pool.DepartureLeaving && asked(d, event.NotificationID) {
			return h.allUploaded(ctx, d, ref.Gateway, event)
		}
	}
	h.Log.InfoContext(ctx, "notification of a share that nobody waits for", "share", ref.ID, "notification", event.NotificationID)
	return nil
}

// asked reports whether a departure has asked its gateway so.
func asked(d pool.Departure, notification string) bool {
	return slices.Contains(strings.Fields(d.Uploads), notification)
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

// allUploaded takes a departure on whose share is in its bucket, as its gateway says. That of another gateway which was given up before is
// not: the departure goes on with what the bucket holds, and says so.
func (h *Handler) allUploaded(ctx context.Context, d pool.Departure, gateway string, event events.FileUpload) error {
	id := d.ID()
	// A gateway is asked only once its host's record names it, and the same write notes which one was given up for it. So that is
	// seen here, whoever answers, and however late.
	share, err := h.Ledger.Host(ctx, d.Tenant.Share.Host)
	if err != nil {
		return fmt.Errorf("look which gateways had the share of departure %s: %w", id, err)
	}
	missing := share.Missing(d.Tenant.Share, d.Tenant.ID, gateway)
	// Commit point: what the archive is made of is complete, or known not to be.
	before, d, err := ledger.UpdateDeparture(ctx, h.Ledger, id, func(d pool.Departure) (pool.Departure, error) {
		if d.Step != pool.StepUpload || !asked(d, event.NotificationID) {
			return d, ledger.ErrUnchanged
		}
		return d.Uploaded(fmt.Sprintf("the gateway said on notification %s that all that was written before %s is in the bucket",
			event.NotificationID, event.RequestReceived.UTC().Format(time.RFC3339)), missing, h.Now()), nil
	})
	if err != nil {
		return fmt.Errorf("record that the share of departure %s is uploaded: %w", id, err)
	}
	if len(d.Missing) > 0 && d.Version > before.Version {
		h.Log.WarnContext(ctx, "files may be missing in an archive", "departure", id, "missing", d.Missing)
	}
	if d.Version == before.Version && d.Step != pool.StepArchive {
		return nil // an earlier delivery was here, and was not cut short
	}
	h.moved(ctx, "departure", string(id), string(d.State), before.Progress, d.Progress)
	return h.departures().Go(ctx, string(id), d)
}
