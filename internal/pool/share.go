package pool

import (
	"errors"
	"strings"
)

// What a gateway answers that is not ready: come back later.
var (
	// ErrBooting means that the gateway's appliance does not answer yet, or not now.
	ErrBooting = errors.New("the appliance does not answer yet")
	// ErrKey means that the activation key is expired or unknown: ask the appliance for another.
	ErrKey = errors.New("the activation key is no good")
	// ErrUnreachable means that the gateway's appliance is not connected now, as while it reboots.
	ErrUnreachable = errors.New("the gateway is not reachable now")
	// ErrNoDisk means that the gateway has not found a disk for its cache yet.
	ErrNoDisk = errors.New("the gateway has no disk for its cache yet")
)

const (
	// ShareAvailable is the status of a share that serves its clients.
	ShareAvailable = "AVAILABLE"
	// ShareUnavailable is the status of one whose gateway does not reach its bucket.
	ShareUnavailable = "UNAVAILABLE"
	// ShareDeleting is the status of one that is gone once all that it acknowledged is in its bucket.
	ShareDeleting = "DELETING"
)

// Nobody is the client list of a share that no tenant has: an address that is nobody's (RFC 5737). What an empty list means
// is not documented.
const Nobody = "192.0.2.1/32"

// ShareSpec is what a share is made of.
type ShareSpec struct {
	Token   string // client token: the same again makes nothing new
	Gateway string // ARN of the gateway
	Bucket  string // ARN of the bucket
	Role    string // ARN of the role by which the gateway reaches the bucket
	Name    string // the path that clients mount, without the slash
	Key     string // ARN of the KMS key of the objects
	Clients []string
	Tags    map[string]string
}

// BucketName is the name of a bucket by its ARN, such as "arn:aws:s3:::name".
func BucketName(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }

// ShareRef names a share.
type ShareRef struct {
	Gateway string // ARN of its gateway
	ID      string // "share-…"
}

// ShareRef names the share of a claimed slot.
func (s Side) ShareRef() ShareRef { return ShareRef{Gateway: s.Access.Gateway, ID: s.Offer.Share} }

// ShareRef names the share of the slot with an index; false when the host has no such share.
func (h Host) ShareRef(index int) (ref ShareRef, ok bool) {
	slot := h.Slot(index)
	if slot == nil || slot.Share == "" || h.Access.Gateway == "" {
		return ShareRef{}, false
	}
	return ShareRef{Gateway: h.Access.Gateway, ID: slot.Share}, true
}
