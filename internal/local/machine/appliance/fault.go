package appliance

import (
	"fmt"
	"time"

	"headroom/internal/local/machine"
)

// Cure is what brings a machine back that has failed.
type Cure int

// The cures that there are.
const (
	ByReboot  Cure = iota // a reboot, or stopping and starting it
	ByRestart             // only stopping and starting it, which gives it another host
	Never                 // nothing: it has to be replaced
)

// Fault is how a machine fails. Without Hang it is dead: its connections are reset, its ports are closed, and its
// status check fails. What clients had acknowledged is on its cache disk in any case.
type Fault struct {
	Hang bool // it takes connections, and answers nothing; its status checks pass
	Host bool // it is the host that fails, and the system's status check too
	Cure Cure
}

// Fail lets the machine of an instance fail.
func (f *Fleet) Fail(instanceID string, fault Fault) error {
	f.mu.Lock()
	a := f.appliances[instanceID]
	if a != nil {
		f.faults[instanceID] = fault
	}
	f.mu.Unlock()
	switch {
	case a == nil:
		return fmt.Errorf("let instance %s fail: no appliance runs there", instanceID)
	case fault.Hang:
		a.hang()
	default:
		a.stop()
	}
	return nil
}

// Cut takes the appliance of an instance off its region's reach, or gives it back: see Appliance.Cut.
func (f *Fleet) Cut(instanceID string, away bool) error {
	f.mu.Lock()
	a := f.appliances[instanceID]
	f.mu.Unlock()
	if a == nil {
		return fmt.Errorf("cut instance %s off: no appliance runs there", instanceID)
	}
	a.Cut(away)
	return nil
}

// Darken takes the power of an instance's machine away, whether it runs by now or is about to, until Lighten.
func (f *Fleet) Darken(instanceID string) {
	f.mu.Lock()
	a := f.appliances[instanceID]
	f.faults[instanceID] = Fault{Host: true, Cure: Never}
	f.mu.Unlock()
	if a != nil {
		a.stop()
	}
}

// Lighten lets the machine of an instance work again the next time that it is started.
func (f *Fleet) Lighten(instanceID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.faults, instanceID)
}

// BootIn sets how long machines take to boot that are started from now on.
func (f *Fleet) BootIn(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cfg.Boot = d
}

// stillFailed reports whether a machine that is started has a fault on. The caller holds the lock.
func (f *Fleet) stillFailed(m machine.Machine) (Fault, bool) {
	fault, there := f.faults[m.InstanceID]
	if there && fault.Cure == Never || there && fault.Cure == ByRestart && m.Reboot {
		return fault, true
	}
	delete(f.faults, m.InstanceID)
	return Fault{}, false
}

// Health is what status checks see of a machine.
func (f *Fleet) Health(instanceID string) machine.Health {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault, failed := f.faults[instanceID]
	if f.appliances[instanceID] == nil {
		return machine.Health{System: true}
	}
	return machine.Health{System: !failed || !fault.Host, Instance: !failed || fault.Hang && !fault.Host}
}

// hang lets an appliance answer nothing any more.
func (a *Appliance) hang() { a.hung.Store(true) }

// stuck waits for the end of an appliance that hangs; it returns false at once of one that does not.
func (a *Appliance) stuck() bool {
	if !a.hung.Load() {
		return false
	}
	<-a.life.Done()
	return true
}
