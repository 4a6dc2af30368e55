package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

const (
	powerWait = 10 * time.Second // between two looks at a machine that stops or starts
	// rebootWait is how long a machine that is rebooted is left alone: for some seconds it answers as before.
	rebootWait = time.Minute
	// judgeTime is how long a way may take to help once its steps are done. A gateway takes minutes to start.
	judgeTime = 15 * time.Minute
)

// gone reports whether there is no such machine any more, or will be none in a moment.
func gone(m pool.MachineLook) bool {
	return m.State == "" || m.State == pool.MachineTerminated || m.State == pool.MachineShuttingDown
}

// machineOf looks at the machine that a repair is about.
func (h *Handler) machineOf(ctx context.Context, r pool.Repair) (pool.MachineLook, error) {
	return h.lookAt(ctx, r.Seat())
}

// lookAt looks at a machine, and takes it as gone when there is none.
func (h *Handler) lookAt(ctx context.Context, machine string) (pool.MachineLook, error) {
	m, err := h.Machines.Look(ctx, machine)
	if errors.Is(err, pool.ErrNotFound) {
		return pool.MachineLook{}, nil
	}
	return m, err
}

// lost gives up a way, because of what its machine has come to, and has another chosen.
func (h *Handler) lost(r pool.Repair, what string) (mending, error) {
	r = r.Came(what)
	r.Progress = pool.Started(pool.StepChoose, h.Now())
	return mending{Record: r}, nil
}

// reboot reboots the machine. Killed before it is recorded, it is rebooted once more.
func (h *Handler) reboot(ctx context.Context, _ pool.Host, r pool.Repair) (mending, error) {
	m, err := h.machineOf(ctx, r)
	if err != nil {
		return mending{}, err
	}
	if m.State != pool.MachineRunning {
		return h.lost(r, fmt.Sprintf("its machine is %q, and can't be rebooted", m.State))
	}
	if err := h.Machines.Reboot(ctx, r.Seat()); err != nil {
		return transit(r, powerWait, err)
	}
	return mending{Record: r.Proven(r.After(), h.Now(), "machine "+r.Seat()+" was told to reboot"), Wait: rebootWait}, nil
}

// stop stops the machine, never by force: what it acknowledged is to reach its disks.
func (h *Handler) stop(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	m, err := h.machineOf(ctx, r)
	if err == nil && replaces(r.Way) && m.State == pool.MachineRunning {
		if against, err := h.movable(ctx, host, r.Way); err != nil {
			return mending{}, err
		} else if against != "" {
			return h.lost(r, against) // before anything is done that would have to be undone
		}
	}
	switch {
	case err != nil:
		return mending{}, err
	case gone(m) && !replaces(r.Way):
		return h.lost(r, "its machine is gone")
	case gone(m), m.State == pool.MachineStopped:
		return mending{Record: r.Proven(r.After(), h.Now(), fmt.Sprintf("machine %s is stopped", r.Seat()))}, nil
	case m.State == pool.MachineRunning:
		if r.Quiet.IsZero() {
			r.Quiet = h.Now().UTC()
		}
		if err := h.Machines.Stop(ctx, r.Seat()); err != nil {
			return transit(r, powerWait, err)
		}
	}
	return mending{Record: r, Wait: powerWait}, nil
}

// start starts the machine.
func (h *Handler) start(ctx context.Context, _ pool.Host, r pool.Repair) (mending, error) {
	m, err := h.machineOf(ctx, r)
	switch {
	case err != nil:
		return mending{}, err
	case gone(m):
		return h.lost(r, "its machine is gone")
	case m.State == pool.MachineRunning:
		return mending{Record: r.Proven(r.After(), h.Now(), fmt.Sprintf("machine %s runs", r.Seat()))}, nil
	case m.State == pool.MachineStopped:
		if err := h.Machines.Start(ctx, r.Seat()); err != nil {
			return transit(r, powerWait, err)
		}
	}
	return mending{Record: r, Wait: powerWait}, nil
}

// judge looks whether what was tried has helped: several good looks in a row say so, and time that is up says not.
func (h *Handler) judge(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	f, err := h.look(ctx, host, r.Seat())
	if err != nil {
		return mending{}, err
	}
	d := pool.Diagnose(f)
	r = r.Clone()
	if d.Well {
		if r.Well++; r.Well < pool.WellLooks {
			return mending{Record: r, Wait: lookWait}, nil
		}
		return mending{Record: r.Came("it helped: "+d.What).Proven(pool.StepProve, h.Now(), d.What)}, nil
	}
	r.Well = 0
	if h.Now().Before(r.Due.Add(judgeTime - pool.Deadline(pool.StepJudge))) {
		return mending{Record: r, Wait: lookWait, Because: errors.New(d.What)}, nil
	}
	return h.lost(r, "it did not help: "+d.What)
}

// resize has CloudFormation give the machine another size, for which EC2 stops it and starts it again.
func (h *Handler) resize(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	m, err := h.machineOf(ctx, r)
	if err != nil {
		return mending{}, err
	}
	if gone(m) {
		return h.lost(r, "its machine is gone")
	}
	if r = r.Clone(); r.Quiet.IsZero() {
		r.Quiet = h.Now().UTC()
	}
	return h.change(ctx, host, r, map[string]string{"InstanceType": r.Wanted.Size}, func(pool.StackStatus) (string, error) {
		return "its machine is of type " + r.Wanted.Size, nil
	})
}
