package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

const (
	lookWait  = 15 * time.Second // between two looks at a host
	enterWait = time.Minute      // between two tries to be admitted
)

// look looks at a share host's machine, disks and gateway. What can't be asked for is an error, and says nothing of the host.
func (h *Handler) look(ctx context.Context, host pool.Host, machine string) (pool.Findings, error) {
	var f pool.Findings
	var err error
	if host.Kind != pool.Share { // RDS mends its instances itself; whether one answers, the host's doubt and alarms say
		f.Machine.State, f.Machine.Checks, f.Silent = pool.MachineRunning, pool.CheckOK, host.Doubt
		return f, nil
	}
	f.Machine, err = h.Machines.Look(ctx, machine)
	if errors.Is(err, pool.ErrNotFound) {
		f.Machine, err = pool.MachineLook{}, nil
	}
	if err != nil {
		return f, err
	}
	if _, err := h.Machines.Attachment(ctx, host.Access.Cache); errors.Is(err, pool.ErrNotFound) {
		f.Cache = "its cache disk " + host.Access.Cache + " is gone"
	} else if err != nil && !errors.Is(err, pool.ErrInTransit) {
		return f, err
	}
	if err := h.Gateways.Running(ctx, host.Access.Gateway); errors.Is(err, pool.ErrUnreachable) {
		f.Unseen = err.Error()
	} else if err != nil {
		return f, err
	}
	if f.Machine.State == pool.MachineRunning {
		// A gateway that hangs may be running for an hour yet, and one that is cut off from the region serves on: its clients know better.
		if err := h.Prober.Null(ctx, host.Access.Appliance); err != nil {
			f.Silent = "it does not answer NFS clients: " + err.Error()
		}
	}
	return f, nil
}

// examine looks at a host that seems to be ill, until it has been well, or ill, for long enough.
func (h *Handler) examine(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	f, err := h.look(ctx, host, r.Seat())
	if err != nil {
		return mending{}, err
	}
	d, known := pool.Diagnose(f), !r.Quiet.IsZero()
	if r = r.Saw(f, h.Now()); d.Well {
		if r.Well++; r.Well < pool.WellLooks {
			return mending{Record: r, Wait: lookWait}, nil
		}
		if r.Planned() {
			return h.moveOn(r, pool.RepairWaiting, pool.StepEnter, d.What)
		}
		return h.passed(ctx, host, r, d.What)
	}
	if r.Spares(d) {
		return h.spare(ctx, host, r, d)
	}
	if !known { // what falls ill together is seen before any of it is mended
		if err := h.note(ctx, host, r); err != nil {
			return mending{}, err
		}
	}
	r.Well = 0
	if d.Wait && r.Tries == 0 || h.Now().Sub(r.Began) < pool.RepairMoment {
		return mending{Record: r, Wait: lookWait, Because: errors.New(d.What)}, nil
	}
	return h.moveOn(r, pool.RepairWaiting, pool.StepEnter, d.What)
}

func (h *Handler) moveOn(r pool.Repair, to pool.RepairState, next pool.Step, why string) (mending, error) {
	r, err := pool.MoveRepair(r, to, next, h.Now(), why)
	return mending{Record: r}, err
}

// passed ends a repair of a host that is well by itself.
func (h *Handler) passed(ctx context.Context, host pool.Host, r pool.Repair, why string) (mending, error) {
	if err := h.release(ctx, host, r); err != nil {
		return mending{}, err
	}
	r, err := pool.MoveRepair(r, pool.RepairPassed, "", h.Now(), why)
	return mending{Record: r.Rest(h.Now())}, err
}

// note notes on its pool's ward that a host is ill.
func (h *Handler) note(ctx context.Context, host pool.Host, r pool.Repair) error {
	_, err := ledger.UpdateWard(ctx, h.Ledger, host.Key(), func(w pool.Ward) (pool.Ward, error) {
		return w.Note(patient(host, r), h.Now()), nil
	})
	if err == nil {
		_, err = h.late(ctx, host, r)
	}
	if err != nil {
		return fmt.Errorf("note on the ward of its pool that %s is ill: %w", host.ID, err)
	}
	return nil
}

func patient(host pool.Host, r pool.Repair) pool.Patient {
	return pool.Patient{Host: host.ID, Zone: host.Zone, Planned: r.Planned(), Update: r.Wanted.Update}
}

// spare leaves a host alone whose gateway is cut off, off its pool's ward and from wherever its repair has come to, and looks
// again: what cuts it off is a person's to mend. They are told once.
func (h *Handler) spare(ctx context.Context, host pool.Host, r pool.Repair, d pool.Diagnosis) (mending, error) {
	if err := h.leave(ctx, host, false); err != nil {
		return mending{}, err
	}
	r = r.Clone()
	r.Well = 0
	if h.Now().Sub(r.Began) >= pool.RepairMoment && r.Told == "" {
		why := d.What + ": nothing is done to its machine, which would only take from them what they have; look at the way from it to Storage Gateway (routes, endpoints, names)"
		if err := h.Announce.RepairWaits(ctx, host, r, why, false); err != nil {
			return mending{}, err
		}
		r.Told = why
	}
	r.Due = h.Now().Add(pool.Deadline(r.Step))
	return mending{Record: r, Wait: enterWait, Because: errors.New(d.What)}, nil
}

// enter waits until the pool's limits admit the host.
func (h *Handler) enter(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	f, err := h.look(ctx, host, r.Seat())
	if err != nil {
		return mending{}, err
	}
	d := pool.Diagnose(f)
	if d.Well && !r.Planned() && len(r.Tried) == 0 {
		return h.passed(ctx, host, r, d.What)
	}
	if r.Spares(d) {
		return h.spare(ctx, host, r, d)
	}
	record, err := h.Ledger.Pool(ctx, host.Key())
	if err != nil {
		return mending{}, err
	}
	storm, err := h.Ledger.Storm(ctx)
	if err != nil {
		return mending{}, err
	}
	zoneFails, enter := false, pool.Ward.Enter
	if r.Worded() { // whoever gave it knows more of the zone than its hosts tell
		enter = pool.Ward.EnterByWord
	} else if !r.Planned() {
		if zoneFails, err = h.zoneFell(ctx, host, r, record, storm); err != nil {
			return mending{}, err
		}
	}
	why := ""
	// Commit point: the host has its place, or is known to wait for one.
	_, err = ledger.UpdateWard(ctx, h.Ledger, host.Key(), func(w pool.Ward) (pool.Ward, error) {
		if zoneFails && !w.Admitted(host.ID) {
			w, why = w.Note(patient(host, r), h.Now()), fmt.Sprintf("zone %s seems to fail, for hosts in it fell together: they are not repaired into it one by one", host.Zone)
			return w, nil
		}
		w, why = enter(w, patient(host, r), record.Counters.Hosts, h.Now())
		return w, nil
	})
	if err != nil {
		return mending{}, err
	}
	if late, err := h.late(ctx, host, r); err != nil || late {
		return mending{Leave: true}, err
	}
	r = r.Clone()
	if why == "" {
		stuck := r.Stuck
		r.Progress = pool.Started(pool.StepChoose, h.Now())
		r.Stuck = stuck
		return mending{Record: r}, nil
	}
	if r.Told == "" { // once: it changes with every host that enters or leaves
		gathered := zoneFails || storm.Gathers(host.ID) // that the zone fails is told once, of all of its hosts
		if err := h.Announce.RepairWaits(ctx, host, r, why, gathered); err != nil {
			return mending{}, err
		}
		r.Told = why
	}
	r.Due = h.Now().Add(pool.Deadline(pool.StepEnter))
	return mending{Record: r, Wait: enterWait, Because: errors.New(why)}, nil
}

// leave takes a host off its pool's ward.
func (h *Handler) leave(ctx context.Context, host pool.Host, failed bool) error {
	_, err := ledger.UpdateWard(ctx, h.Ledger, host.Key(), func(w pool.Ward) (pool.Ward, error) {
		for _, p := range w.Patients {
			if p.Host == host.ID {
				return w.Leave(host.ID, failed, h.Now()), nil
			}
		}
		return w, ledger.ErrUnchanged
	})
	if err != nil {
		return fmt.Errorf("take %s off the ward of its pool: %w", host.ID, err)
	}
	return nil
}
