package pool

import (
	"errors"
	"slices"
	"time"
)

// Attachment says where a volume is.
type Attachment struct {
	Machine string // that it is at; empty: at none, so it can be attached
	Done    bool   // it is attached; else it is on its way there, or away
}

// ErrInTransit means that something is on its way to another state, from which one can go on: look again.
var ErrInTransit = errors.New("it is on its way to another state")

// MachineState is what EC2 says that an instance does ("Amazon EC2 instance state changes" in its user guide).
type MachineState string

const (
	// MachinePending is a machine that is being started.
	MachinePending MachineState = "pending"
	// MachineRunning is one that has power, which says nothing of what runs on it.
	MachineRunning MachineState = "running"
	// MachineStopping is one that is told to shut itself down, which takes some minutes if it does not.
	MachineStopping MachineState = "stopping"
	// MachineStopped is one that is off: all of its disks can be detached, and it can be started again.
	MachineStopped MachineState = "stopped"
	// MachineShuttingDown is one that is being ended for good.
	MachineShuttingDown MachineState = "shutting-down"
	// MachineTerminated is one that has ended. EC2 tells of it for about an hour.
	MachineTerminated MachineState = "terminated"
)

// Checks is what EC2's status checks say of a machine: whether it reaches the machine's system, and that the
// machine answers on its network. They say nothing of the gateway on it, and may be some minutes old.
type Checks string

const (
	// CheckOK means that both checks pass.
	CheckOK Checks = "ok"
	// CheckImpaired means that one of them fails.
	CheckImpaired Checks = "impaired"
	// CheckUnknown means that there is no answer yet, or none to be had, as of a machine that does not run.
	CheckUnknown Checks = "unknown"
)

// MachineLook is an EC2 instance as EC2 has it just now; it may lag behind a change by some seconds.
type MachineLook struct {
	State     MachineState
	Checks    Checks        // the worse of the instance's and the system's status check
	Type      string        // of the instance, such as m6i.xlarge
	Image     string        // ID of the image that it was started from
	Interface string        // ID of its primary network interface; none once it is terminated
	Disks     []MachineDisk // its volumes but those that are detached: the root first, then by device
}

// bare reports whether a machine ends with nothing of a gateway: it is ending already, or has no disk but its root.
func (m MachineLook) bare() bool {
	return m.State == MachineShuttingDown || !slices.ContainsFunc(m.Disks, func(d MachineDisk) bool { return !d.Root })
}

// MachineDisk is a volume that is attached to a machine, or on its way there or away.
type MachineDisk struct {
	Volume string
	Device string // such as /dev/xvda
	Root   bool   // the machine starts from it
	Dies   bool   // with the machine, when that is terminated (DeleteOnTermination)
}

// VolumeFree is the state of a volume that is at no machine.
const VolumeFree = "available"

// Volume is an EBS volume, as it was last seen.
type Volume struct {
	ID    string
	State string // such as available or in-use
	GiB   int
	Tags  map[string]string
	Made  time.Time
}
