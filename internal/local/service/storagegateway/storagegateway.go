// Package storagegateway fakes the API of AWS Storage Gateway over appliances that really serve:
// what it says of a share is what the appliance does.
package storagegateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/clock"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/appliance"
)

// Config is what the fake needs.
type Config struct {
	Account string
	Region  string
	Clock   *clock.Clock // of events; nil: the machine's
	Fleet   *appliance.Fleet

	// Assume reports whether the service may take on a share's role for a gateway; nil: it may. A share
	// whose role it may not take on is UNAVAILABLE.
	Assume func(roleARN, gatewayARN string) error

	// Emit sends an event as the service would.
	Emit func(ctx context.Context, source, detailType string, resources []string, detail any)

	Create time.Duration // a share is CREATING for so long; default 300 ms
	Update time.Duration // a share is UPDATING for so long; default 200 ms
	Delete time.Duration // a share is DELETING for so long; default 200 ms
	Report time.Duration // a cache report is IN_PROGRESS for so long; default 300 ms
	Lag    time.Duration // a change does not show in answers for so long; default 30 ms

	Log *slog.Logger // default slog.Default
}

// Gateway is the fake: the account's gateways and their shares.
type Gateway struct {
	cfg Config

	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup

	mu       sync.Mutex
	gateways map[string]*gateway // by ARN
	shares   map[string]*share   // by ARN
	tokens   map[string]string   // share ARN by gateway ARN and client token
	made     int                 // counts shares and reports, which are listed in the order of their making

	reports      map[string]*report // by ARN
	reportTokens map[string]string  // report ARN by share ARN and client token
}

// gateway is one activated appliance.
type gateway struct {
	arn, id, name, timezone, kind string
	instance                      string
	endpoint                      string // the VPC endpoint that it was activated through; empty: the public one
	tags                          map[string]string
}

// New returns a fake without gateways.
func New(cfg Config) *Gateway {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&cfg.Create, 300 * time.Millisecond},
		{&cfg.Update, 200 * time.Millisecond},
		{&cfg.Delete, 200 * time.Millisecond},
		{&cfg.Report, 300 * time.Millisecond},
		{&cfg.Lag, 30 * time.Millisecond},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Emit == nil {
		cfg.Emit = func(context.Context, string, string, []string, any) {}
	}
	if cfg.Assume == nil {
		cfg.Assume = func(string, string) error { return nil }
	}
	g := &Gateway{
		cfg: cfg, gateways: map[string]*gateway{}, shares: map[string]*share{}, tokens: map[string]string{},
		reports: map[string]*report{}, reportTokens: map[string]string{},
	}
	g.life, g.end = context.WithCancel(context.Background())
	if cfg.Fleet != nil {
		cfg.Fleet.OnConnect(g.reconcile)
	}
	return g
}

// Service answers Storage Gateway's API.
func (g *Gateway) Service() endpoint.Service {
	return endpoint.Service{Name: "storagegateway", Operations: map[string]endpoint.Operation{
		"ActivateGateway":            g.activateGateway,
		"ListGateways":               g.listGateways,
		"DescribeGatewayInformation": g.describeGateway,
		"DeleteGateway":              g.deleteGateway,
		"ListLocalDisks":             g.listLocalDisks,
		"AddCache":                   g.addCache,
		"DescribeCache":              g.describeCache,
		"CreateNFSFileShare":         g.createShare,
		"UpdateNFSFileShare":         g.updateShare,
		"DescribeNFSFileShares":      g.describeShares,
		"ListFileShares":             g.listShares,
		"DeleteFileShare":            g.deleteShare,
		"NotifyWhenUploaded":         g.notifyWhenUploaded,
		"RefreshCache":               g.refreshCache,
		"StartCacheReport":           g.startReport,
		"DescribeCacheReport":        g.describeReport,
		"ListCacheReports":           g.listReports,
		"CancelCacheReport":          g.cancelReport,
		"DeleteCacheReport":          g.deleteReport,
		"ListTagsForResource":        g.listTags,
		"AddTagsToResource":          g.addTags,
		"RemoveTagsFromResource":     g.removeTags,
	}}
}

// Close ends what goes on in the background.
func (g *Gateway) Close() error {
	g.end()
	g.work.Wait()
	return nil
}

// refusal is an InvalidGatewayRequestException, with its inner code.
func refusal(code, message string) error {
	return &endpoint.Error{
		Code: "InvalidGatewayRequestException", Message: message,
		Fields: map[string]any{"error": map[string]any{"errorCode": code}},
	}
}

var (
	errGatewayNotFound     = refusal("GatewayNotFound", "The specified gateway was not found.")
	errGatewayNotConnected = refusal("GatewayNotConnected", "The specified gateway is not connected.")
	errShareNotFound       = refusal("FileShareNotFound", "The specified file share was not found.")
)

// invalid is what AWS answers when a request lacks a member or has one of a wrong form.
func invalid(message string) error {
	return &endpoint.Error{Code: "ValidationException", Message: message}
}

// device finds a gateway's appliance, which must be reachable.
func (g *Gateway) device(arn string) (*gateway, *appliance.Appliance, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gw, ok := g.gateways[arn]
	if !ok {
		return nil, nil, errGatewayNotFound
	}
	device, ok := g.cfg.Fleet.ByGateway(gw.id)
	if !ok || !device.Connected() {
		return gw, nil, errGatewayNotConnected
	}
	return gw, device, nil
}

// reconcile ends the shares of an appliance that has connected again, and that were deleted by force meanwhile.
func (g *Gateway) reconcile(device *appliance.Appliance) {
	g.mu.Lock()
	there := map[string]bool{}
	for _, s := range g.shares {
		there[s.id] = s.status != forceDeleting
	}
	g.mu.Unlock()
	for _, id := range device.Shares() {
		if there[id] {
			continue
		}
		if err := device.Unexport(id); err != nil {
			g.cfg.Log.Warn("file share is not ended cleanly", "share", id, "error", err)
		}
	}
}

// deviceError words an appliance's error as the API does.
func deviceError(err error) error {
	switch {
	case errors.Is(err, appliance.ErrNotConnected):
		return errGatewayNotConnected
	case errors.Is(err, appliance.ErrNoDisk):
		return refusal("DiskDoesNotExist", "The specified disk does not exist.")
	case errors.Is(err, appliance.ErrDiskTaken):
		return refusal("DiskAlreadyAllocated", "The specified disk is already allocated.")
	case errors.Is(err, appliance.ErrNoCache):
		return refusal("InvalidParameters", "The gateway has no cache disk configured.")
	case errors.Is(err, appliance.ErrKeyExpired):
		return refusal("ActivationKeyExpired", "The specified activation key has expired.")
	case errors.Is(err, appliance.ErrKeyRegion):
		return refusal("ActivationKeyInvalid", "The specified activation key is not valid.")
	}
	return err
}

// newID returns an id as the service makes them: a prefix and 8 capital hexadecimal digits.
func newID(prefix string) string {
	const digits = "0123456789ABCDEF"
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, as crypto/rand says
	var id strings.Builder
	id.WriteString(prefix + "-")
	for _, b := range random {
		id.WriteByte(digits[b%16])
	}
	return id.String()
}

// newUUID returns an id as notifications have it.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// pause waits and reports whether the cloud is still there then.
func (g *Gateway) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-g.life.Done():
		return false
	case <-timer.C:
		return true
	}
}
