package rds

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"headroom/internal/local/endpoint"
)

// Fail kills an instance's server and keeps it down until Recover, as if the host that it is on had died. RDS
// goes on to call the instance available: it does not know better.
func (r *RDS) Fail(identifier string) error { return r.keep(identifier, true) }

// Recover lets the server of an instance that failed start again, which it does after a moment.
func (r *RDS) Recover(identifier string) error { return r.keep(identifier, false) }

func (r *RDS) keep(identifier string, down bool) error {
	r.mu.Lock()
	i := r.instances[identifier]
	if i == nil || i.server == nil {
		r.mu.Unlock()
		return notFound(identifier)
	}
	i.down = down
	r.mu.Unlock()
	if down {
		i.server.Kill()
		<-i.server.Done()
	}
	return nil
}

// FailZone kills the servers of the instances in a zone and keeps them down until RestoreZone, as Fail does; those that have a
// standby have it take over, for in which zone they were is nobody's to know. RDS makes no instance in the zone meanwhile. It
// names the instances that are down.
func (r *RDS) FailZone(zone string) (down []string, err error) {
	r.mu.Lock()
	if r.closed == nil {
		r.closed = map[string]bool{}
	}
	r.closed[zone] = true
	var standby []string
	for _, name := range slices.Sorted(maps.Keys(r.instances)) {
		switch i := r.instances[name]; {
		case i.server == nil || i.down:
		case bool(i.properties.MultiAZ):
			standby = append(standby, name)
		case i.properties.AvailabilityZone == zone:
			down = append(down, name)
		}
	}
	r.mu.Unlock()
	for _, name := range down {
		err = errors.Join(err, r.Fail(name))
	}
	for _, name := range standby {
		err = errors.Join(err, r.Failover(name))
	}
	return down, err
}

// RestoreZone lets the servers of the instances in a zone start again.
func (r *RDS) RestoreZone(zone string) (err error) {
	r.mu.Lock()
	delete(r.closed, zone)
	var back []string
	for _, name := range slices.Sorted(maps.Keys(r.instances)) {
		if i := r.instances[name]; i.properties.AvailabilityZone == zone && i.down {
			back = append(back, name)
		}
	}
	r.mu.Unlock()
	for _, name := range back {
		err = errors.Join(err, r.Recover(name))
	}
	return err
}

// room refuses an instance in a zone that has failed (Amazon RDS API Reference, CreateDBInstance, "Errors"). The caller holds
// the lock.
func (r *RDS) room(zone string) error {
	if !r.closed[zone] {
		return nil
	}
	return refused("InsufficientDBInstanceCapacity", "Cannot create a database instance: there is no capacity in availability zone %s.", zone)
}

// Crash kills an instance's server, which comes back by itself after a moment.
func (r *RDS) Crash(identifier string) error {
	i, err := r.running(identifier)
	if err != nil {
		return err
	}
	i.server.Kill()
	return nil
}

// Strain has an instance measure its processor as busy all the time, whatever it does, until it is told otherwise: an
// overload as CloudWatch sees it, without one of this machine.
func (r *RDS) Strain(identifier string, on bool) error {
	i, err := r.running(identifier)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i.strained = on
	return nil
}

// Failover has the standby of an instance take over: its sessions end, and what was committed is there when it
// answers again, at the same endpoint.
func (r *RDS) Failover(identifier string) error {
	i, err := r.running(identifier)
	if err != nil {
		return err
	}
	r.mu.Lock()
	standby := bool(i.properties.MultiAZ)
	r.mu.Unlock()
	if !standby {
		return fmt.Errorf("fail over DB instance %s: it has no standby", identifier)
	}
	return r.turnOver(i, true)
}

// FillStorage has an instance run out of storage: RDS says so, and its databases take no writes until it is given
// more by ModifyDBInstance. A real one fails writes with disk_full (53100), and may be shut down; here they are
// refused as in a read-only transaction (25006).
func (r *RDS) FillStorage(identifier string) error {
	i, err := r.running(identifier)
	if err != nil {
		return err
	}
	r.mu.Lock()
	i.full, i.status = true, storageFull
	cfg, storage, name := r.config(i), int(i.properties.AllocatedStorage), i.identifier
	r.mu.Unlock()
	if err := i.server.Configure(cfg); err != nil {
		return err
	}
	i.server.Reload()
	r.emit(i, eventStorageLow, fmt.Sprintf("The free storage capacity for DB Instance: %s is low at 0%% of the provisioned storage "+
		"[Provisioned Storage: %d GB, Free Storage: 0 GB]. You may want to increase the provisioned storage to address this issue.", name, storage))
	r.emit(i, eventStorageFull, "Allocated storage has been exhausted. Allocate additional storage to resolve.")
	return nil
}

// Lose destroys an instance's server with its data, for good: RDS calls it failed, and only its backups are left.
func (r *RDS) Lose(identifier string) error {
	i, err := r.running(identifier)
	if err != nil {
		return err
	}
	r.mu.Lock()
	i.status, i.parked = failed, true
	r.mu.Unlock()
	if err := i.server.Close(); err != nil {
		return fmt.Errorf("lose DB instance %s: %w", identifier, err)
	}
	r.emit(i, eventFailed, fmt.Sprintf("DB instance put into %s state. RDS recommends that you initiate a point-in-time-restore", failed))
	return nil
}

// running is an instance with which nothing is being done.
func (r *RDS) running(identifier string) (*instance, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, err := r.find(identifier)
	if err != nil {
		return nil, err
	}
	if !i.is(available, backingUp, storageFull) {
		return nil, notIn(available)
	}
	return i, nil
}

// stop answers StopDBInstance: the instance stays, with its data and its endpoint, and nobody answers there. RDS
// starts it again after seven days, which is not done here.
func (r *RDS) stop(_ context.Context, call endpoint.Call) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, err := r.find(text(call, "DBInstanceIdentifier"))
	if err != nil {
		return nil, err
	}
	if !i.is(available) {
		return nil, notIn(available)
	}
	i.status, i.parked = stopping, true
	i.runs++
	r.work.Go(func() {
		i.server.Stop()
		r.mu.Lock()
		if i.status == stopping {
			i.status = stopped
		}
		r.mu.Unlock()
		r.emit(i, eventStopped, "DB instance stopped")
	})
	return map[string]any{"DBInstance": r.shown(i)}, nil
}

// startStopped answers StartDBInstance.
func (r *RDS) startStopped(_ context.Context, call endpoint.Call) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i, err := r.find(text(call, "DBInstanceIdentifier"))
	if err != nil {
		return nil, err
	}
	if !i.is(stopped) {
		return nil, refused("InvalidDBInstanceState", "Instance %s is not stopped.", i.identifier)
	}
	i.status, i.parked = starting, false
	run := i.runs
	r.work.Go(func() { r.restart(i, run) })
	return map[string]any{"DBInstance": r.shown(i)}, nil
}

func text(call endpoint.Call, name string) string {
	value, _ := call.Params[name].(string)
	return value
}
