// Package ec2 fakes the part of Amazon EC2 that a share host stands on: instances that are
// appliances, their network interfaces and volumes, and security groups that are really enforced.
package ec2

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"headroom/internal/local/machine"

	"headroom/internal/local/endpoint"
)

// Config is what the fake needs.
type Config struct {
	Account string // such as "123456789012"
	Region  string

	Machines machine.Runner            // what runs on an instance
	Quota    func(code string) float64 // what the account may have, by Service Quotas' code; nil: as much as it likes

	// FunctionAddress is where functions call from. It counts as a member of every group that no
	// interface here is in, as network interfaces of functions do.
	FunctionAddress netip.Addr

	Images []Image // of AWS's; default: some of the appliance's

	// Network gives each interface its address: the first free one. Default 127.10.0.0/16.
	Network netip.Prefix

	Launch      time.Duration // from creating or starting an instance to its running; default 200 ms
	Stop        time.Duration // from stopping, rebooting or terminating an instance to the end of its machine; default 100 ms
	Release     time.Duration // from an instance's end to its interface being free; default 100 ms
	Checks      time.Duration // from an instance's start to the first result of its status checks; default 200 ms
	Attach      time.Duration // from asking for a volume's attachment to its being attached, and back; default 100 ms
	Lag         time.Duration // a change of an instance does not show in answers for so long; default 30 ms
	Propagation time.Duration // from a rule's change to its being in force; default 100 ms

	Now func() time.Time // default time.Now
	Log *slog.Logger     // default slog.Default
}

// EC2 is the fake. Its state lives in memory, its methods may be called at once.
type EC2 struct {
	cfg Config

	mu        sync.Mutex
	made      map[string]string // physical id by stack id and logical id: creating again finds it
	groups    map[string]*group
	subnets   map[string]subnet
	nics      map[string]*nic
	instances map[string]*instance
	volumes   map[string]*volume
	versions  map[string]int      // of launch templates, beyond the first
	foreign   map[netip.Addr]bool // addresses that something else on this computer listens on
	short     bool                // see Shortage
	closed    map[string]bool     // zones, see CloseZone
	forced    []string            // volumes that were taken from a running machine by force, see Forced
}

// Addresses are where what is made here listens: interfaces, and what functions, endpoints and databases share.
func (e *EC2) Addresses() []netip.Prefix {
	return []netip.Prefix{e.cfg.Network, netip.PrefixFrom(e.cfg.FunctionAddress, e.cfg.FunctionAddress.BitLen())}
}

// New returns an empty fake.
func New(cfg Config) *EC2 {
	if !cfg.Network.IsValid() {
		cfg.Network = netip.MustParsePrefix("127.10.0.0/16")
	}
	if !cfg.FunctionAddress.IsValid() {
		cfg.FunctionAddress = netip.MustParseAddr("127.0.0.1")
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&cfg.Launch, 200 * time.Millisecond},
		{&cfg.Stop, 100 * time.Millisecond},
		{&cfg.Release, 100 * time.Millisecond},
		{&cfg.Checks, 200 * time.Millisecond},
		{&cfg.Attach, 100 * time.Millisecond},
		{&cfg.Lag, 30 * time.Millisecond},
		{&cfg.Propagation, 100 * time.Millisecond},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Images == nil {
		cfg.Images = appliances
	}
	return &EC2{
		cfg:       cfg,
		made:      map[string]string{},
		groups:    map[string]*group{},
		subnets:   map[string]subnet{},
		nics:      map[string]*nic{},
		instances: map[string]*instance{},
		volumes:   map[string]*volume{},
		versions:  map[string]int{},
		foreign:   map[netip.Addr]bool{},
	}
}

// Service answers EC2's API.
func (e *EC2) Service() endpoint.Service {
	return endpoint.Service{Name: "ec2", Operations: rehearsed(map[string]endpoint.Operation{
		"AuthorizeSecurityGroupIngress": e.authorizeIngress,
		"RevokeSecurityGroupIngress":    e.revokeIngress,
		"DescribeSecurityGroups":        e.describeGroups,
		"DescribeSecurityGroupRules":    e.describeRules,
		"DescribeImages":                e.describeImages,
		"DescribeInstances":             e.describeInstances,
		"DescribeNetworkInterfaces":     e.describeInterfaces,
		"DescribeVolumes":               e.describeVolumes,
		"AttachVolume":                  e.attachVolume,
		"DetachVolume":                  e.detachVolume,
		"DeleteVolume":                  e.deleteVolumeCall,
		"RebootInstances":               e.rebootInstances,
		"StopInstances":                 e.stopInstances,
		"StartInstances":                e.startInstances,
		"TerminateInstances":            e.terminateInstances,
		"DescribeInstanceStatus":        e.describeStatus,
		"ModifyInstanceAttribute":       e.modifyInstance,
		"CreateTags":                    e.createTags,
		"DeleteTags":                    e.deleteTags,
	})}
}

// rehearsed lets each operation be asked for with DryRun: who comes as far as here may carry it out.
func rehearsed(operations map[string]endpoint.Operation) map[string]endpoint.Operation {
	for name, carryOut := range operations {
		operations[name] = func(ctx context.Context, call endpoint.Call) (any, error) {
			if dry, _ := call.Params["DryRun"].(string); dry == "true" {
				return nil, &endpoint.Error{
					Code: "DryRunOperation", Status: http.StatusPreconditionFailed,
					Message: "Request would have succeeded, but DryRun flag is set.",
				}
			}
			return carryOut(ctx, call)
		}
	}
	return operations
}

// newID returns an id as EC2 makes them: a prefix and 17 hexadecimal digits.
func newID(prefix string) string {
	var random [9]byte
	_, _ = rand.Read(random[:]) // never fails, as crypto/rand says
	return prefix + "-" + hex.EncodeToString(random[:])[:17]
}

// pause waits, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
