// Package appliance is the machine of an S3 File Gateway: a page that gives activation keys while it
// is new, an NFS server that lets each share's clients in and nobody else, and uploads to buckets.
package appliance

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"headroom/internal/local/machine"
)

// Config is what all appliances of a fleet have in common.
type Config struct {
	Dir     string  // where volumes are kept, one folder each; they outlive their instances
	Objects Objects // the buckets behind the shares

	// Reaches reports whether an appliance reaches Storage Gateway by a VPC endpoint of this DNS name; empty
	// is the public one. Default: it reaches any.
	Reaches func(endpoint string) bool

	ActivationPort int // where the activation page is; default 80
	NFSPort        int // default 2049

	Boot        time.Duration // from its start to giving activation keys; default 1 s
	Reboot      time.Duration // after its activation, unreachable; default 1 s
	Import      time.Duration // after the import of another appliance's gateway, unreachable; default 1 s
	KeyLife     time.Duration // how long an activation key is good; default 30 min
	UploadDelay time.Duration // from the last write of a file to its upload; default 500 ms

	// Version is that of the software in an image: "1.…" is on Amazon Linux 2, "2.…" on Amazon Linux 2023. A
	// gateway is imported into no older generation than its own. Default: "2.0.0" whichever the image.
	Version func(imageID string) string
	// StaleHandles lets an import end all file handles: whether the real one keeps them is not documented.
	StaleHandles bool

	Log *slog.Logger // default slog.Default
}

// Fleet runs the appliances. It is the machine.Runner of the local cloud.
type Fleet struct {
	cfg Config

	mu         sync.Mutex
	appliances map[string]*Appliance         // by instance id
	held       map[netip.Addr]net.PacketConn // addresses that are kept, each by a datagram port
	volumes    map[string]*content           // by volume id
	faults     map[string]Fault              // by instance id
	onConnect  func(*Appliance)
	closed     bool
}

// NewFleet returns an empty fleet.
func NewFleet(cfg Config) *Fleet {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&cfg.Boot, time.Second},
		{&cfg.Reboot, time.Second},
		{&cfg.Import, time.Second},
		{&cfg.KeyLife, 30 * time.Minute},
		{&cfg.UploadDelay, 500 * time.Millisecond},
	} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	if cfg.Reaches == nil {
		cfg.Reaches = func(string) bool { return true }
	}
	if cfg.Version == nil {
		cfg.Version = func(string) string { return "2.0.0" }
	}
	if cfg.ActivationPort == 0 {
		cfg.ActivationPort = 80
	}
	if cfg.NFSPort == 0 {
		cfg.NFSPort = 2049
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Fleet{
		cfg: cfg, appliances: map[string]*Appliance{}, held: map[netip.Addr]net.PacketConn{},
		volumes: map[string]*content{}, faults: map[string]Fault{}, onConnect: func(*Appliance) {},
	}
}

var _ machine.Runner = (*Fleet)(nil)

// Start boots an appliance on a machine, whose address is held. It runs until Stop or Close, whatever
// becomes of ctx.
func (f *Fleet) Start(_ context.Context, machine machine.Machine) error {
	// What is on its root is read without the lock.
	f.mu.Lock()
	there, err := f.appliances[machine.InstanceID] != nil, f.mayStart(machine)
	fault, failed := f.stillFailed(machine)
	cfg := f.cfg
	f.mu.Unlock()
	if there || err != nil {
		return err
	}
	a := start(f, cfg, machine)
	f.mu.Lock()
	f.appliances[machine.InstanceID] = a
	f.mu.Unlock()
	if failed {
		return f.Fail(machine.InstanceID, fault)
	}
	return nil
}

// mayStart refuses a machine whose address is not its own. The caller holds the lock.
func (f *Fleet) mayStart(machine machine.Machine) error {
	if f.closed {
		return fmt.Errorf("start an appliance at %s: the fleet is closed", machine.Address)
	}
	if f.held[machine.Address] == nil {
		return fmt.Errorf("start an appliance at %s: the address is not held", machine.Address)
	}
	for id, other := range f.appliances {
		if id != machine.InstanceID && other.machine.Address == machine.Address {
			return fmt.Errorf("start an appliance at %s: another machine is there: %w", machine.Address, syscall.EADDRINUSE)
		}
	}
	return nil
}

// Attach gives an appliance one more disk.
func (f *Fleet) Attach(_ context.Context, instanceID string, disk machine.Disk) error {
	a, ok := f.ByInstance(instanceID)
	if !ok {
		return fmt.Errorf("attach %s: no appliance on instance %s", disk.VolumeID, instanceID)
	}
	a.attach(disk)
	return nil
}

// Detach takes a disk from an appliance; one that it uses only by force.
func (f *Fleet) Detach(_ context.Context, instanceID, volumeID string, force bool) error {
	a, ok := f.ByInstance(instanceID)
	if !ok {
		return nil
	}
	return a.detach(volumeID, force)
}

// Stop ends the appliance of an instance. What it did not upload stays on its volumes.
func (f *Fleet) Stop(_ context.Context, instanceID string) error {
	f.mu.Lock()
	a := f.appliances[instanceID]
	delete(f.appliances, instanceID)
	f.mu.Unlock()
	if a != nil {
		a.stop()
	}
	return nil
}

// Close stops all appliances and releases their addresses.
func (f *Fleet) Close() error {
	f.mu.Lock()
	all := f.appliances
	f.appliances, f.closed = map[string]*Appliance{}, true
	f.mu.Unlock()
	for _, a := range all {
		a.stop()
	}
	f.mu.Lock()
	held := slices.Collect(maps.Keys(f.held))
	f.mu.Unlock()
	for _, address := range held {
		f.Release(address)
	}
	return nil
}

// ByInstance finds the appliance that runs on an instance.
func (f *Fleet) ByInstance(instanceID string) (*Appliance, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.appliances[instanceID]
	return a, ok
}

// ByKey finds the appliance that gave out an activation key.
func (f *Fleet) ByKey(key string) (*Appliance, bool) {
	for _, a := range f.all() {
		if a.gave(key) {
			return a, true
		}
	}
	return nil, false
}

// ByGateway finds the appliance that is a gateway: of more than one, which it was taken over by last.
func (f *Fleet) ByGateway(id string) (*Appliance, bool) {
	var found *Appliance
	newest := -1
	for _, a := range f.all() {
		a.mu.Lock()
		if a.who != nil && a.who.gateway == id && a.phase != stopped && a.who.imported > newest {
			found, newest = a, a.who.imported
		}
		a.mu.Unlock()
	}
	return found, found != nil
}

// all lists the appliances.
func (f *Fleet) all() []*Appliance {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.appliances))
}

// OnConnect sets what is told when an appliance has connected to its service.
func (f *Fleet) OnConnect(tell func(*Appliance)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onConnect = tell
}

func (f *Fleet) connected(a *Appliance) {
	f.mu.Lock()
	tell := f.onConnect
	f.mu.Unlock()
	tell(a)
}
