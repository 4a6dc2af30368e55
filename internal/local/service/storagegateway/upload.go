package storagegateway

import (
	"context"
	"errors"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/weakjson"
)

// onShare is the input of the operations that are about one share.
type onShare struct {
	FileShareARN string        `json:"FileShareARN"`
	ForceDelete  weakjson.Bool `json:"ForceDelete"`
	FolderList   []string      `json:"FolderList"`
}

// shareOf finds the share that a call is about.
func (g *Gateway) shareOf(call endpoint.Call) (onShare, *share, error) {
	var input onShare
	if r := constraint.OnShare(constraint.Text(call.Params, "FileShareARN")); r != nil {
		return input, nil, endpoint.Refused(r)
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, nil, invalid(err.Error())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.shares[input.FileShareARN]
	if !ok {
		return input, nil, errShareNotFound
	}
	return input, s, nil
}

// serving finds the share that a call is about, and its appliance, which must be reachable and serve it.
func (g *Gateway) serving(call endpoint.Call) (onShare, *share, *appliance.Appliance, error) {
	input, s, err := g.shareOf(call)
	if err != nil {
		return input, nil, nil, err
	}
	_, device, err := g.device(s.gateway)
	if err != nil {
		return input, nil, nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.status != available && s.status != updating {
		return input, nil, nil, s.refusal()
	}
	return input, s, device, nil
}

// notifyWhenUploaded promises an event for when all that was written until now is in the bucket. An appliance that
// ends before never tells.
func (g *Gateway) notifyWhenUploaded(_ context.Context, call endpoint.Call) (any, error) {
	_, s, device, err := g.serving(call)
	if err != nil {
		return nil, err
	}
	wait, err := device.Uploads(s.id)
	if err != nil {
		return nil, deviceError(err)
	}
	id, received := newUUID(), g.cfg.Clock.Now().UTC()
	g.work.Go(func() {
		if err := wait(g.life); err != nil {
			g.cfg.Log.Warn("no upload notification", "share", s.arn, "error", err)
			return
		}
		g.cfg.Emit(g.life, "aws.storagegateway", "Storage Gateway File Upload Event", []string{s.arn, s.gateway}, map[string]any{
			"event-type": "upload-complete", "notification-id": id,
			"request-received": received.Format(time.RFC3339), "completed": g.cfg.Clock.Now().UTC().Format(time.RFC3339),
		})
	})
	return map[string]any{"FileShareARN": s.arn, "NotificationId": id}, nil
}

// refreshCache brings what the bucket has into the share, and tells by an event that it has.
func (g *Gateway) refreshCache(_ context.Context, call endpoint.Call) (any, error) {
	input, s, device, err := g.serving(call)
	if err != nil {
		return nil, err
	}
	if len(input.FolderList) == 0 {
		input.FolderList = []string{"/"}
	}
	id, started := newUUID(), g.cfg.Clock.Now().UTC()
	g.work.Go(func() {
		if err := device.Refresh(g.life, s.id); err != nil {
			g.cfg.Log.Warn("cache is not refreshed", "share", s.arn, "error", err)
			return
		}
		g.cfg.Emit(g.life, "aws.storagegateway", "Storage Gateway Refresh Cache Event", []string{s.arn, s.gateway}, map[string]any{
			"event-type": "refresh-complete", "notification-id": id, "folderList": input.FolderList,
			"started": started.Format(time.RFC3339), "completed": g.cfg.Clock.Now().UTC().Format(time.RFC3339),
		})
	})
	return map[string]any{"FileShareARN": s.arn, "NotificationId": id}, nil
}

// deletePoll is how often a deletion that is held up is tried again.
const deletePoll = 50 * time.Millisecond

// deleteShare ends a share. Without force that ends only when all that was acknowledged is in the bucket, however
// long the gateway is away or a file fails to upload; and it can't be called off. What AWS answers who asks again
// meanwhile is not documented: a refusal is what is harder to live with.
func (g *Gateway) deleteShare(_ context.Context, call endpoint.Call) (any, error) {
	input, s, err := g.shareOf(call)
	if err != nil {
		return nil, err
	}
	_, device, err := g.device(s.gateway)
	if err != nil && !bool(input.ForceDelete) {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.status == forceDeleting || s.status == deleting && !bool(input.ForceDelete) {
		return nil, s.refusal()
	}
	s.status = deleting
	if input.ForceDelete {
		s.status = forceDeleting
	}
	g.work.Go(func() { g.finish(s, device, bool(input.ForceDelete)) })
	return map[string]any{"FileShareARN": s.arn}, nil
}

// finish is the end of a share.
func (g *Gateway) finish(s *share, device *appliance.Appliance, force bool) {
	for !force && !g.retired(s) {
		if !g.pause(deletePoll) {
			return
		}
	}
	if device != nil {
		if err := device.Unexport(s.id); err != nil {
			g.cfg.Log.Warn("file share is not ended cleanly", "share", s.arn, "error", err)
		}
	}
	if g.pause(g.cfg.Delete) {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.shares, s.arn)
		g.forgetReports(s.arn) // whether AWS keeps them is not documented
	}
}

// retired waits for a share's uploads as long as its appliance is there, and reports whether it has ended. A share
// that was never served, for its role or bucket was not there, has nothing to upload.
func (g *Gateway) retired(s *share) bool {
	_, device, err := g.device(s.gateway)
	if err == nil {
		err = device.Retire(g.life, s.id)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.shares[s.arn] == nil: // it went with its gateway, or by force
		return true
	case errors.Is(err, appliance.ErrNoShare):
		return !s.served
	}
	return err == nil
}
