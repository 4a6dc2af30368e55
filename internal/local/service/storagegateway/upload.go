package storagegateway

import (
	"context"
	"time"

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

// shareAndDevice finds a share and its appliance, which must be reachable.
func (g *Gateway) shareAndDevice(call endpoint.Call) (onShare, *share, *appliance.Appliance, error) {
	var input onShare
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, nil, nil, invalid(err.Error())
	}
	g.mu.Lock()
	s, ok := g.shares[input.FileShareARN]
	g.mu.Unlock()
	if !ok {
		return input, nil, nil, errShareNotFound
	}
	_, device, err := g.device(s.gateway)
	return input, s, device, err
}

// deleteShare ends a share. Without force it waits until all of it is in its bucket.
func (g *Gateway) deleteShare(_ context.Context, call endpoint.Call) (any, error) {
	input, s, device, err := g.shareAndDevice(call)
	if err != nil && !(bool(input.ForceDelete) && s != nil) {
		return nil, err
	}
	g.mu.Lock()
	s.status = deleting
	if input.ForceDelete {
		s.status = forceDeleting
	}
	g.mu.Unlock()
	g.work.Go(func() {
		if device != nil {
			if !input.ForceDelete {
				if err := device.AwaitUploaded(g.life, s.id); err != nil {
					g.cfg.Log.Warn("file share is not deleted: its data is not uploaded", "share", s.arn, "error", err)
					return
				}
			}
			if err := device.Unexport(s.id); err != nil {
				g.cfg.Log.Warn("file share is not ended cleanly", "share", s.arn, "error", err)
			}
		}
		if g.pause(g.cfg.Delete) {
			g.mu.Lock()
			defer g.mu.Unlock()
			delete(g.shares, s.arn)
		}
	})
	return map[string]any{"FileShareARN": s.arn}, nil
}

// notifyWhenUploaded promises an event for when all that was written until now is in the bucket.
func (g *Gateway) notifyWhenUploaded(_ context.Context, call endpoint.Call) (any, error) {
	_, s, device, err := g.shareAndDevice(call)
	if err != nil {
		return nil, err
	}
	id, received := newID("notification"), g.cfg.Clock.Now().UTC()
	g.work.Go(func() {
		if err := device.AwaitUploaded(g.life, s.id); err != nil {
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
	input, s, device, err := g.shareAndDevice(call)
	if err != nil {
		return nil, err
	}
	if len(input.FolderList) == 0 {
		input.FolderList = []string{"/"}
	}
	id, started := newID("notification"), g.cfg.Clock.Now().UTC()
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
