// Package machine is what the local EC2 and the software that runs on its instances speak of: a machine
// with its address and disks, and who runs it.
package machine

import (
	"context"
	"errors"
	"net/netip"
)

// Runner runs what an instance is. The appliance fleet does.
type Runner interface {
	// Hold keeps an address for the machines of a network interface, one after the other. An address
	// that something else has gives an error wrapping syscall.EADDRINUSE, and another one is tried.
	Hold(address netip.Addr) error
	// Release gives an address back. Releasing what is not held does nothing.
	Release(address netip.Addr)
	// Start boots a machine, whose address is held.
	Start(ctx context.Context, machine Machine) error
	// Attach gives a disk to a running machine. A second time, it does nothing.
	Attach(ctx context.Context, instanceID string, disk Disk) error
	// Detach takes a disk from a running machine; ErrBusy if that uses it, unless it is forced: then what the
	// machine has not written to it yet is lost. Detaching what is not attached succeeds.
	Detach(ctx context.Context, instanceID, volumeID string, force bool) error
	// Stop ends a machine; what is on its disks stays. Stopping what does not run succeeds.
	Stop(ctx context.Context, instanceID string) error
	// Erase forgets what is on a volume that no machine has any more.
	Erase(volumeID string)
	// Health is what EC2's status checks see of a running machine.
	Health(instanceID string) Health
}

// ErrBusy is of a disk that its machine uses.
var ErrBusy = errors.New("the disk is in use")

// Health is whether the two status checks of a machine pass: of the host under it, and of the machine itself.
type Health struct{ System, Instance bool }

// Machine is one instance as the software on it sees it.
type Machine struct {
	InstanceID string
	ImageID    string
	Address    netip.Addr
	Disks      []Disk
	Reboot     bool // it is started again where it was
	// Permits reports whether the instance's security groups let an address reach a TCP port now.
	Permits func(port int, from netip.Addr) bool
}

// Interface is a network interface that is made by a service for what runs there, not for an instance.
type Interface struct {
	ID, Subnet, Zone string
	Address          netip.Addr
}

// Disk is one volume of an instance.
type Disk struct {
	VolumeID string
	Device   string // such as "/dev/xvda"
	SizeGiB  int
	Root     bool
}
