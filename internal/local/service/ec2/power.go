package ec2

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine"
)

// state is where in its life an instance is (Amazon EC2 API Reference, "InstanceState").
type state string

const (
	pending      state = "pending"
	running      state = "running"
	stopping     state = "stopping"
	stopped      state = "stopped"
	shuttingDown state = "shutting-down"
	terminated   state = "terminated"
)

var stateCodes = map[state]int{pending: 0, running: 16, shuttingDown: 32, terminated: 48, stopping: 64, stopped: 80}

func (s state) set() map[string]any { return map[string]any{"code": stateCodes[s], "name": string(s)} }

// over reports whether an instance has ended, or is about to.
func (s state) over() bool { return s == shuttingDown || s == terminated }

// enter moves an instance to a state, which answers tell a moment later. What comes of it is done by whoever has
// the turn that this returns, unless the instance was moved on meanwhile. The caller holds the lock.
func (e *EC2) enter(i *instance, to state) (turn int) {
	i.told.keep(e.instanceSet(i), e.cfg.Lag)
	i.state = to
	i.turn++
	return i.turn
}

// still does something with an instance that nobody has moved on since a turn.
func (e *EC2) still(i *instance, turn int, do func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i.turn != turn {
		return false
	}
	do()
	return true
}

// start boots a stopped instance. The caller holds the lock.
func (e *EC2) start(i *instance) {
	i.reason = nil
	i.launched = e.cfg.Now()
	turn := e.enter(i, pending)
	go func() {
		if err := e.powerOn(context.Background(), i, turn, false); err != nil {
			e.cfg.Log.Error("instance can't be started", "instance", i.id, "error", err)
			e.still(i, turn, func() {
				i.reason = &reason{"Server.InternalError", "Server.InternalError: Internal error on launch"}
				e.enter(i, stopped)
			})
			return
		}
		time.Sleep(e.cfg.Launch)
		e.still(i, turn, func() { e.enter(i, running) })
	}()
}

// stop shuts an instance down; its volumes stay attached. The caller holds the lock.
func (e *EC2) stop(i *instance) {
	i.reason = &reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
	turn := e.enter(i, stopping)
	go func() {
		time.Sleep(e.cfg.Stop)
		e.powerOff(i)
		e.still(i, turn, func() {
			e.enter(i, stopped)
			e.letGo(i.id)
		})
	}()
}

// terminate ends an instance for good: its volumes are available, or gone, and a moment later its interface is
// free. The caller holds the lock.
func (e *EC2) terminate(i *instance) {
	i.reason = &reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
	e.enter(i, shuttingDown)
	go func() {
		time.Sleep(e.cfg.Stop)
		e.powerOff(i)
		e.mu.Lock()
		i.ended = time.Now()
		e.detachAll(i.id)
		e.enter(i, terminated)
		close(i.over)
		e.mu.Unlock()
		time.Sleep(e.cfg.Release)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.release(i)
	}()
}

// reboot starts the machine of a running instance anew. The caller holds the lock.
func (e *EC2) reboot(i *instance) {
	turn := i.turn
	go func() {
		time.Sleep(e.cfg.Stop)
		e.mu.Lock()
		overtaken := i.turn != turn
		e.mu.Unlock()
		if overtaken {
			return
		}
		e.powerOff(i)
		if err := e.powerOn(context.Background(), i, turn, true); err != nil {
			e.cfg.Log.Error("instance can't be rebooted", "instance", i.id, "error", err)
		}
	}()
}

// powerOn starts the machine of an instance with what is attached to it, unless the instance was moved on.
func (e *EC2) powerOn(ctx context.Context, i *instance, turn int, again bool) error {
	i.power.Lock()
	defer i.power.Unlock()
	var m machine.Machine
	if !e.still(i, turn, func() { m = e.machineOf(i) }) {
		return nil
	}
	m.Reboot = again
	return e.cfg.Machines.Start(ctx, m)
}

// powerOff ends the machine of an instance.
func (e *EC2) powerOff(i *instance) {
	i.power.Lock()
	defer i.power.Unlock()
	if err := e.cfg.Machines.Stop(context.Background(), i.id); err != nil {
		e.cfg.Log.Error("instance can't be stopped", "instance", i.id, "error", err)
	}
}

// release frees the interface of an instance that has ended; one that was born with it goes. The caller holds the
// lock.
func (e *EC2) release(i *instance) {
	if i.nic.instance != i.id {
		return
	}
	i.nic.instance = ""
	if i.nic.born {
		delete(e.nics, i.nic.id)
		e.cfg.Machines.Release(i.nic.address)
	}
}

// Shortage lets EC2 have no room for machines, or some again. What runs goes on.
func (e *EC2) Shortage(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.short = on
}

// room refuses a machine while there is none for it, in the zone or under the quota. The caller holds the lock.
func (e *EC2) room(kind, zone string) error {
	if err := e.mayRun(kind); err != nil {
		return err
	}
	if !e.short && !e.closed[zone] {
		return nil
	}
	return &endpoint.Error{Code: "InsufficientInstanceCapacity", Status: http.StatusInternalServerError, Message: fmt.Sprintf(
		"We currently do not have sufficient %s capacity in the Availability Zone you requested (%s). Our system will be working on provisioning additional capacity.", kind, zone,
	)}
}

// told is what answers tell of a thing that changed a moment ago: EC2's reads are eventually consistent (Amazon
// EC2 Developer Guide, "Eventual consistency").
type told struct {
	was   map[string]any
	until time.Time
}

// keep lets answers tell for a while what was so before a change.
func (t *told) keep(was map[string]any, lag time.Duration) {
	if now := time.Now(); !now.Before(t.until) {
		t.was, t.until = was, now.Add(lag)
	}
}

// of is what answers tell of what is so.
func (t *told) of(is map[string]any) map[string]any {
	if time.Now().Before(t.until) {
		return t.was
	}
	return is
}
