package appliance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"headroom/internal/local/machine"
)

// phase is where in its life an appliance is.
type phase string

const (
	booting   phase = "booting"   // its software starts
	fresh     phase = "new"       // it gives out activation keys
	rebooting phase = "rebooting" // it has been activated and is away for a while
	running   phase = "running"   // it serves
	impaired  phase = "impaired"  // it has started without its cache, or lost it, or has a disk too many: it serves nothing
	stopped   phase = "stopped"
)

// Appliance is one machine that runs the gateway software.
type Appliance struct {
	cfg     Config
	fleet   *Fleet
	machine machine.Machine

	life context.Context // until it is stopped
	end  context.CancelFunc
	work sync.WaitGroup

	page net.Listener // the activation page
	nfs  net.Listener // the NFS server's port; it answers once the appliance runs

	away atomic.Bool // see Cut
	hung atomic.Bool // see Fault

	vitals vitals

	mu     sync.Mutex
	phase  phase
	keys   map[string]grant
	disks  []machine.Disk
	who    *identity // as its root volume knows; nil: it is no gateway yet
	shares map[string]*share
	conns  map[net.Conn]struct{}
}

// grant is an activation key that was given out.
type grant struct {
	region   string
	endpoint string // of the VPC, that it was asked for with; empty: none
	dies     time.Time
}

// Errors of what an appliance is asked for.
var (
	ErrKeyExpired   = errors.New("the activation key has expired")
	ErrKeyRegion    = errors.New("the activation key is for another region")
	ErrNotConnected = errors.New("the appliance is not connected")
	ErrNoDisk       = errors.New("the appliance has no such disk")
	ErrDiskTaken    = errors.New("the disk is allocated already")
	ErrNoCache      = errors.New("the appliance has no cache")
	ErrNoShare      = errors.New("the appliance exports no such share")
)

// start boots an appliance: nothing listens yet, for ports of a machine that boots are closed. One whose root volume
// says that it is a gateway comes back as that, by itself.
func start(f *Fleet, cfg Config, machine machine.Machine) *Appliance {
	a := &Appliance{
		cfg: cfg, fleet: f, machine: machine, phase: booting,
		keys: map[string]grant{}, disks: slices.Clone(machine.Disks), who: f.on(rootOf(machine)).who(),
		shares: map[string]*share{}, conns: map[net.Conn]struct{}{},
	}
	a.life, a.end = context.WithCancel(context.Background())
	if a.who == nil {
		a.work.Go(a.boot)
	} else {
		a.work.Go(func() {
			if a.pause(a.cfg.Boot) {
				a.serve(booting)
			}
		})
	}
	a.work.Go(a.uploadLoop)
	return a
}

// boot brings up the activation page: halfway it answers that it can't yet, as the real one does.
func (a *Appliance) boot() {
	if !a.pause(a.cfg.Boot / 2) {
		return
	}
	listener, err := listen(a.machine.Address, a.cfg.ActivationPort)
	if err != nil {
		a.cfg.Log.Error("appliance has no activation page", "address", a.machine.Address, "error", err)
		return
	}
	a.mu.Lock()
	if a.phase == stopped {
		a.mu.Unlock()
		_ = listener.Close()
		return
	}
	a.page = listener
	a.mu.Unlock()
	a.work.Go(func() { a.servePage(listener) })
	if a.pause(a.cfg.Boot / 2) {
		a.enter(booting, fresh)
	}
}

// Activate takes an activation key: the appliance reboots, and then it is the gateway of that ID. It returns the VPC
// endpoint that the key was asked for with, by which the gateway reaches its service.
func (a *Appliance) Activate(key, region, gatewayID string) (endpoint string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	given, ok := a.keys[key]
	switch {
	case !ok || a.phase != fresh:
		return "", fmt.Errorf("activate the appliance at %s: it gave no such key", a.machine.Address)
	case !time.Now().Before(given.dies):
		return "", ErrKeyExpired
	case given.region != region:
		return "", ErrKeyRegion
	}
	a.phase, a.keys = rebooting, map[string]grant{}
	a.who = &identity{gateway: gatewayID, image: a.machine.ImageID, shares: map[string]Share{}, handles: newHandles()}
	a.fleet.on(rootOf(a.machine)).write(a.who)
	a.endPage()
	a.work.Go(func() {
		if a.pause(a.cfg.Reboot) {
			a.serve(rebooting)
		}
	})
	return given.endpoint, nil
}

// endPage closes the activation page, which is for new appliances only. The caller holds the lock.
func (a *Appliance) endPage() {
	if a.page != nil {
		_ = a.page.Close()
	}
}

// serve brings up a gateway's shares with what is on its disks, and its NFS server. It returns when that has ended.
func (a *Appliance) serve(from phase) {
	if from == booting && !a.complete() {
		a.enter(from, impaired)
		return
	}
	if err := a.restore(); err != nil {
		a.cfg.Log.Error("appliance can't bring up its shares", "address", a.machine.Address, "error", err)
		a.enter(from, impaired)
		return
	}
	listener, err := listen(a.machine.Address, a.cfg.NFSPort)
	if err != nil {
		a.cfg.Log.Error("appliance has no NFS server", "address", a.machine.Address, "error", err)
		return
	}
	a.mu.Lock()
	a.nfs = listener
	a.mu.Unlock()
	if !a.enter(from, running) {
		_ = listener.Close()
		return
	}
	if from == booting {
		a.Ail(Vitals{Availability: 1})
	}
	a.work.Go(func() { a.fleet.connected(a) })
	a.serveNFS(listener)
}

// complete reports whether all disks are there that the gateway has, and no root volume of another appliance.
func (a *Appliance) complete() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, other := a.oldRoot()
	return other == "" && a.fleet.whole(a.who, a.disks)
}

// missing lets an appliance that has lost a disk of its cache serve nothing any more.
func (a *Appliance) missing(volumeID string) {
	a.mu.Lock()
	if a.phase != running || !slices.Contains(a.who.cache, diskID(machine.Disk{VolumeID: volumeID})) {
		a.mu.Unlock()
		return
	}
	a.phase = impaired
	_ = a.nfs.Close()
	conns := slices.Collect(maps.Keys(a.conns))
	a.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
}

// enter moves from a phase to another, unless the appliance has been stopped.
func (a *Appliance) enter(from, to phase) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != from {
		return false
	}
	a.phase = to
	return true
}

// stop ends an appliance, once or again. What is on its disks stays.
func (a *Appliance) stop() {
	a.mu.Lock()
	a.phase = stopped
	for _, listener := range []net.Listener{a.page, a.nfs} {
		if listener != nil {
			_ = listener.Close()
		}
	}
	conns := slices.Collect(maps.Keys(a.conns))
	a.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close() // which takes the lock
	}
	a.end()
	a.work.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.shares {
		_ = s.files.Close()
	}
}

// Connected reports whether the appliance runs and its gateway can be asked for something.
func (a *Appliance) Connected() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.phase == running && !a.away.Load() && !a.hung.Load()
}

// Gateway is the ID of the gateway that the appliance is; empty: it is none yet.
func (a *Appliance) Gateway() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.who == nil {
		return ""
	}
	return a.who.gateway
}

// Version is that of the appliance's software, such as "2.0.0".
func (a *Appliance) Version() string { return a.cfg.Version(a.machine.ImageID) }

// Cut takes an appliance off its region's reach, or gives it back: away, it serves its clients on from its cache,
// uploads nothing, and its gateway can be asked for nothing.
func (a *Appliance) Cut(away bool) {
	a.away.Store(away)
	if a.Connected() {
		a.fleet.connected(a)
	}
}

// Address is the machine's own address.
func (a *Appliance) Address() netip.Addr { return a.machine.Address }

// InstanceID is the EC2 instance that the appliance runs on.
func (a *Appliance) InstanceID() string { return a.machine.InstanceID }

// gave reports whether a key is one of this appliance's.
func (a *Appliance) gave(key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.keys[key]
	return ok
}

// newKey gives out an activation key.
func (a *Appliance) newKey(region, endpoint string) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != fresh {
		return "", false
	}
	text := rand.Text()
	key := text[0:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20] + "-" + text[20:25]
	a.keys[key] = grant{region: region, endpoint: endpoint, dies: time.Now().Add(a.cfg.KeyLife)}
	return key, true
}

// pause waits and reports whether the appliance still runs then.
func (a *Appliance) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-a.life.Done():
		return false
	case <-timer.C:
		return true
	}
}
