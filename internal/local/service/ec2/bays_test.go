package ec2

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"syscall"

	"headroom/internal/local/machine"
)

// bays is Machines that run nothing.
type bays struct {
	mu    sync.Mutex
	busy  map[netip.Addr]bool // addresses that another program has
	held  map[netip.Addr]bool
	on    map[string]machine.Machine
	disks []machine.Disk

	gate   chan struct{}   // nil, or what machines that are to stop wait for
	used   map[string]bool // volumes that their machine uses
	erased []string
	starts int
	sick   machine.Health // what fails of a machine's health
}

func (b *bays) Hold(address netip.Addr) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy[address] || b.held[address] {
		return fmt.Errorf("listen: %w", syscall.EADDRINUSE)
	}
	b.held[address] = true
	return nil
}

func (b *bays) Release(address netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.held, address)
}

func (b *bays) Start(_ context.Context, machine machine.Machine) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.held[machine.Address] {
		return fmt.Errorf("%s is not held", machine.Address)
	}
	b.on[machine.InstanceID] = machine
	b.starts++
	return nil
}

func (b *bays) Detach(_ context.Context, _, volume string, force bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used[volume] && !force {
		return machine.ErrBusy
	}
	return nil
}

func (b *bays) Erase(volume string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.erased = append(b.erased, volume)
}

func (b *bays) Health(string) machine.Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	return machine.Health{System: !b.sick.System, Instance: !b.sick.Instance}
}

func (b *bays) Attach(_ context.Context, id string, disk machine.Disk) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.on[id]; !ok {
		return errors.New("no machine")
	}
	b.disks = append(b.disks, disk)
	return nil
}

func (b *bays) Stop(_ context.Context, id string) error {
	b.mu.Lock()
	gate := b.gate
	b.mu.Unlock()
	if gate != nil {
		<-gate
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.on, id)
	return nil
}

// machine is what runs on an instance now.
func (b *bays) machine(id string) (machine.Machine, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, ok := b.on[id]
	return m, ok
}

func (b *bays) started() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.starts
}

// hold lets no machine stop until what it returns is called.
func (b *bays) hold() (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	gate := make(chan struct{})
	b.gate = gate
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.gate = nil
		close(gate)
	}
}

func (b *bays) uses(volume string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used[volume] = true
}

func (b *bays) fails(sick machine.Health) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sick = sick
}

func (b *bays) gone() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.erased
}
