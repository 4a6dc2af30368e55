package gatewaytest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/events"
	"headroom/internal/local/constraint"
)

// notification is an event that was asked for and has not been told.
type notification struct {
	id, detailType string
	share, gateway string // ARNs
	upTo           int    // changes that must be in the bucket first
	late           int    // calls of Take that it does not come with
	asked          time.Time
}

// Write has a client write a file to a share, by its ARN: that is acknowledged, and uploaded unless uploads are held.
func (s *Service) Write(arn, file string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if share := s.share(arn); share != nil && !share.leaving {
		share.written++
		share.waiting = append(share.waiting, file)
		s.upload(share)
	}
}

// Hold has nothing of a share uploaded, as when a file fails to, or lets it go on.
func (s *Service) Hold(arn string, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if share := s.share(arn); share != nil {
		share.held = held
		s.upload(share)
	}
}

// Away takes a gateway off Storage Gateway's reach, or gives it back.
func (s *Service) Away(arn string, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.gateways {
		if g.ARN == arn {
			g.gone = away
		}
	}
	for _, share := range s.shares {
		s.upload(share)
	}
}

// upload brings to the bucket what can be brought.
func (s *Service) upload(share *Share) {
	if !share.held && s.there(share) {
		share.uploaded, share.waiting = share.written, nil
	}
}

// there reports whether the gateway of a share can be reached.
func (s *Service) there(share *Share) bool {
	return slices.ContainsFunc(s.gateways, func(g *Gateway) bool { return g.ARN == share.Gateway && !g.gone })
}

// Take returns the events that are due, as a queue behind a rule gets them, and forgets them. One that was asked
// for comes once all that was written before is uploaded, and Late calls later.
func (s *Service) Take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due [][]byte
	s.asked = slices.DeleteFunc(s.asked, func(n *notification) bool {
		share := s.share(n.share)
		if share == nil {
			return true // it never comes
		}
		if share.uploaded < n.upTo || !s.there(share) {
			return false
		}
		if n.late > 0 {
			n.late--
			return false
		}
		due = append(due, s.told(n))
		if s.Doubled {
			due = append(due, s.told(n))
		}
		return true
	})
	return due
}

// told is an event as EventBridge delivers it.
func (s *Service) told(n *notification) []byte {
	now := events.At(s.now())
	var detail any = events.FileUpload{
		EventType: events.FileUploadComplete, NotificationID: n.id, RequestReceived: events.At(n.asked), Completed: now,
	}
	if n.detailType != events.TypeFileUpload {
		detail = map[string]any{
			"event-type": "refresh-complete", "notification-id": n.id, "folderList": []string{"/"}, "started": events.At(n.asked), "completed": now,
		}
	}
	body, _ := json.Marshal(events.Envelope[any]{ // can't fail: it is made of texts
		Version: "0", ID: "event-of-" + n.id, DetailType: n.detailType, Source: "aws.storagegateway", Account: "123456789012",
		Time: now, Region: "eu-west-1", Resources: []string{n.share, n.gateway}, Detail: detail,
	})
	return body
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return s.Now()
}

// serving finds a share that can be asked for something: it is there, its gateway is connected, it is not leaving.
func (s *Service) serving(arn *string) (*Share, error) {
	share, err := s.named(arn)
	if err != nil {
		return nil, err
	}
	if _, err := s.gateway(&share.Gateway); err != nil {
		return nil, err
	}
	if share.leaving || s.Missing[share.Role] || s.Missing[share.Bucket] {
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	return share, nil
}

// named finds a share.
func (s *Service) named(arn *string) (*Share, error) {
	if r := constraint.OnShare(arn); r != nil {
		return nil, refused(r)
	}
	share := s.share(*arn)
	if share == nil || share.leaving && s.left(share) {
		return nil, refuse("FileShareNotFound")
	}
	return share, nil
}

func (s *Service) notify(share *Share, detailType string, upTo int) string {
	s.notified++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", s.notified)
	s.asked = append(s.asked, &notification{
		id: id, detailType: detailType, share: share.ARN, gateway: share.Gateway, upTo: upTo, late: s.Late, asked: s.now(),
	})
	return id
}

// NotifyWhenUploaded is Storage Gateway's.
func (s *Service) NotifyWhenUploaded(ctx context.Context, in *storagegateway.NotifyWhenUploadedInput, _ ...func(*storagegateway.Options)) (*storagegateway.NotifyWhenUploadedOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	share, err := s.serving(in.FileShareARN)
	if err != nil {
		return nil, err
	}
	id := s.notify(share, events.TypeFileUpload, share.written)
	return &storagegateway.NotifyWhenUploadedOutput{FileShareARN: &share.ARN, NotificationId: &id}, nil
}

// RefreshCache is Storage Gateway's.
func (s *Service) RefreshCache(ctx context.Context, in *storagegateway.RefreshCacheInput, _ ...func(*storagegateway.Options)) (*storagegateway.RefreshCacheOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	share, err := s.serving(in.FileShareARN)
	if err != nil {
		return nil, err
	}
	id := s.notify(share, "Storage Gateway Refresh Cache Event", 0)
	return &storagegateway.RefreshCacheOutput{FileShareARN: &share.ARN, NotificationId: &id}, nil
}

// DeleteFileShare is Storage Gateway's, without force. It ends over several looks, once all that was written is
// uploaded; a share that is leaving can't be asked for it again.
func (s *Service) DeleteFileShare(ctx context.Context, in *storagegateway.DeleteFileShareInput, _ ...func(*storagegateway.Options)) (*storagegateway.DeleteFileShareOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	share, err := s.named(in.FileShareARN)
	if err != nil {
		return nil, err
	}
	if _, err := s.gateway(&share.Gateway); err != nil {
		return nil, err
	}
	if share.leaving || in.ForceDelete { // force is nothing that Headroom may do
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	share.leaving, share.looks = true, s.Late+1
	if s.Now != nil {
		share.updated = s.Now()
	}
	return &storagegateway.DeleteFileShareOutput{FileShareARN: aws.String(share.ARN)}, nil
}

// Leaving reports whether the share's deletion was asked for.
func (s Share) Leaving() bool { return s.leaving }

// left looks at a share that is leaving, and reports whether it is gone.
func (s *Service) left(share *Share) bool {
	if share.uploaded < share.written || !s.there(share) {
		return false
	}
	if s.Settles > 0 && s.Now().Sub(share.updated) >= s.Settles { // whoever looks
		share.looks = 0
	}
	if share.looks > 0 {
		share.looks--
		return false
	}
	s.spend(share.Token)
	s.shares = slices.DeleteFunc(s.shares, func(other *Share) bool { return other == share })
	return true
}
