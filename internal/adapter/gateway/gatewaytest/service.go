// Package gatewaytest is an in-memory Storage Gateway, and an appliance's activation page. As the
// real one it is asynchronous: gateways are listed late and reboot once activated, disks are found
// late, shares are created and updated over several looks.
package gatewaytest

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/local/constraint"
)

// Share is one share.
type Share struct {
	ARN, ID, Token, Gateway, Bucket, Role, Name, Key string
	Squash, ACL                                      string
	Clients                                          []string
	Tags                                             map[string]string

	creating int      // looks until it is known at all, then until it is available
	updating int      // looks that still show the old clients as available, then looks until it is updated
	before   []string // the clients until the last update
	updated  time.Time

	written, uploaded int      // changes of files: acknowledged, and in the bucket
	waiting           []string // the files that are not
	held              bool     // nothing of it is uploaded: each upload is denied
	leaving           bool     // DeleteFileShare was called
	looks             int      // that show it as DELETING once all is uploaded
}

// Gateway is one gateway.
type Gateway struct {
	ARN, Name string
	Tags      map[string]string
	Cached    bool

	unlisted int // lists that it is missing from
	untagged int // looks at its tags that show none
	gone     bool
	state    string // that it is said to be in; empty: it runs
	answers  int    // good answers before the reboot
	reboot   int    // looks that fail in the reboot
	diskless int    // looks without a disk
}

// Service is Storage Gateway. Late is how many looks each of its changes takes to be seen; 0 makes
// them immediate.
type Service struct {
	Late int
	// Settles is how long a change of a share takes at most, however few looks there were at it; 0: only looks count.
	Settles time.Duration
	// Keys are the activation keys that are good; each is good for one activation.
	Keys map[string]bool
	// Missing are the ARNs of roles and buckets that are not there. A share of one is made, and is
	// unavailable until it is there.
	Missing map[string]bool
	// Page is how many gateways an answer lists, if the caller wants more; 0: as many as the caller wants.
	Page int
	// Doubled has each event come twice.
	Doubled bool
	// Put writes a report into a bucket; nil: no report can be written.
	Put func(bucket, key string, content []byte) error
	// Now is the time that events tell; nil: the first second of 2026.
	Now func() time.Time

	mu        sync.Mutex
	gateways  []*Gateway
	activated int // gateways, ever
	shares    []*Share
	made      int             // shares, ever
	spent     map[string]bool // the tokens of shares that are gone
	asked     []*notification
	forced    int // shares that went with their gateway
	notified  int // notifications, ever
	reports   []*Report
	reported  int // reports, ever
}

const prefix = "arn:aws:storagegateway:eu-west-1:123456789012:"

// Gateways returns the gateways, in the order of activation.
func (s *Service) Gateways() []Gateway {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Gateway
	for _, g := range s.gateways {
		out = append(out, *g)
	}
	return out
}

// Shares returns the shares, in the order of creation.
func (s *Service) Shares() []Share {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Share, 0, len(s.shares))
	for _, share := range s.shares {
		out = append(out, *share)
	}
	return out
}

// ActivateGateway is Storage Gateway's.
func (s *Service) ActivateGateway(ctx context.Context, in *storagegateway.ActivateGatewayInput, _ ...func(*storagegateway.Options)) (*storagegateway.ActivateGatewayOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := constraint.Activation(in.ActivationKey, in.GatewayName, in.GatewayTimezone, in.GatewayRegion, tagForm(in.Tags)); r != nil {
		return nil, refused(r)
	}
	if !s.Keys[aws.ToString(in.ActivationKey)] {
		return nil, refuse(types.ErrorCodeActivationKeyNotFound)
	}
	if aws.ToString(in.GatewayType) != "FILE_S3" { // the default is CACHED, which its appliance is not
		return nil, refuse(types.ErrorCodeActivationKeyInvalid)
	}
	delete(s.Keys, *in.ActivationKey)
	g := &Gateway{
		ARN: s.nextARN(), Name: aws.ToString(in.GatewayName), Tags: tags(in.Tags),
		unlisted: s.Late, untagged: s.Late, answers: s.Late, reboot: s.Late, diskless: s.Late,
	}
	s.gateways = append(s.gateways, g)
	return &storagegateway.ActivateGatewayOutput{GatewayARN: &g.ARN}, nil
}

func (s *Service) nextARN() string {
	s.activated++
	return fmt.Sprintf("%sgateway/sgw-%08d", prefix, s.activated)
}

func (s *Service) gateway(arn *string) (*Gateway, error) {
	for _, g := range s.gateways {
		if g.ARN != aws.ToString(arn) {
			continue
		}
		if g.gone {
			return nil, refuse(types.ErrorCodeGatewayNotConnected)
		}
		if g.answers == 0 && g.reboot > 0 {
			g.reboot--
			return nil, refuse(types.ErrorCodeGatewayNotConnected)
		}
		g.answers = max(0, g.answers-1)
		return g, nil
	}
	return nil, &types.InvalidGatewayRequestException{Message: aws.String("The specified gateway was not found.")}
}

// Says sets the state that a gateway, by its ARN, is said to be in from now on.
func (s *Service) Says(arn, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.gateways {
		if g.ARN == arn {
			g.state = state
		}
	}
}

// DescribeGatewayInformation is Storage Gateway's.
func (s *Service) DescribeGatewayInformation(ctx context.Context, in *storagegateway.DescribeGatewayInformationInput, _ ...func(*storagegateway.Options)) (*storagegateway.DescribeGatewayInformationOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.gateway(in.GatewayARN)
	if err != nil {
		return nil, err
	}
	return &storagegateway.DescribeGatewayInformationOutput{
		GatewayARN: &g.ARN, GatewayName: &g.Name, GatewayState: aws.String(cmp.Or(g.state, "RUNNING")), Tags: g.tags(),
	}, nil
}

// ListLocalDisks is Storage Gateway's.
func (s *Service) ListLocalDisks(ctx context.Context, in *storagegateway.ListLocalDisksInput, _ ...func(*storagegateway.Options)) (*storagegateway.ListLocalDisksOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.gateway(in.GatewayARN)
	if err != nil {
		return nil, err
	}
	out := &storagegateway.ListLocalDisksOutput{GatewayARN: &g.ARN}
	if g.diskless > 0 {
		g.diskless--
		return out, nil
	}
	use := "AVAILABLE"
	if g.Cached {
		use = "CACHE_STORAGE" // AWS also spells it with a space
	}
	out.Disks = []types.Disk{
		{DiskId: aws.String("disk-0"), DiskAllocationType: aws.String("AVAILABLE"), DiskSizeInBytes: 80 << 30}, // no cache
		{DiskId: aws.String("disk-1"), DiskAllocationType: &use, DiskSizeInBytes: 150 << 30},
	}
	return out, nil
}

// AddCache is Storage Gateway's.
func (s *Service) AddCache(ctx context.Context, in *storagegateway.AddCacheInput, _ ...func(*storagegateway.Options)) (*storagegateway.AddCacheOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.gateway(in.GatewayARN)
	if err != nil {
		return nil, err
	}
	if g.Cached {
		return nil, refuse(types.ErrorCodeDiskAlreadyAllocated)
	}
	if strings.Join(in.DiskIds, " ") != "disk-1" {
		return nil, refuse(types.ErrorCodeDiskDoesNotExist)
	}
	g.Cached = true
	return &storagegateway.AddCacheOutput{GatewayARN: &g.ARN}, nil
}
