package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// askWait is the time between two looks at a host whose repair waits for a person's word.
const askWait = 5 * time.Minute

// choose takes the host out of service, and begins the least harmful way that was not tried, or asks for the word that it
// needs.
func (h *Handler) choose(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	if late, err := h.take(ctx, host, r); err != nil || late {
		return mending{Leave: true}, err
	}
	f, err := h.look(ctx, host, r.Seat())
	if err != nil {
		return mending{}, err
	}
	d := pool.Diagnose(f)
	if r = r.Saw(f, h.Now()); d.Wait && r.Tries == 0 { // past its deadline it is not on its way, but stuck
		return mending{Record: r, Wait: lookWait, Because: errors.New(d.What)}, nil
	}
	if r.Spares(d) { // and is admitted anew before anything is done
		m, err := h.spare(ctx, host, r, d)
		stuck := m.Record.Stuck
		m.Record.Progress = pool.Started(pool.StepEnter, h.Now())
		m.Record.Stuck = stuck
		return m, err
	}
	unproven := d.Well && (r.Stuck == pool.StepProve || r.Stuck == pool.StepProbe || r.Stuck == pool.StepReadmit)
	settled := r.Settled(f) && !unproven
	if settled {
		r = r.Found(h.Now())
	}
	switch {
	case settled && len(r.Tried) == 0 && !r.Planned():
		return h.passed(ctx, host, r, d.What)
	case settled && len(r.Tried) > 0 && (!r.Planned() || r.Next != "" || r.Renewal.Moved):
		r = r.Came(d.What)
		r.Way = r.Tried[len(r.Tried)-1].Way
		return h.moveOn(r, pool.RepairMending, pool.StepProve, d.What)
	}
	if failing, err := h.zoneFails(ctx, host); err != nil || failing && !r.Planned() && !r.Worded() {
		r.Due = h.Now().Add(pool.Deadline(r.Step))
		return mending{Record: r, Wait: enterWait, Because: fmt.Errorf("zone %s seems to fail, and no other way is gone in it", host.Zone)}, err
	}
	choice, err := h.wayFor(ctx, &r, f)
	if err != nil {
		return mending{}, err
	}
	asked := !r.Given(choice.Way)
	switch {
	case unproven && asked:
		choice.Ask, choice.Why = true, "its gateway answers, and its shares are not as they were: "+r.Tried[len(r.Tried)-1].Came
	case r.Flapping(h.Now()) && asked && !r.Planned():
		choice.Ask, choice.Why = true, "it was repaired several times in the last hours, and did not stay well"
	}
	if choice.Ask {
		return h.askFor(ctx, host, r, choice, unproven)
	}
	if why, err := h.holdMoney(ctx, host, r, choice.Way); why != nil || err != nil {
		if err != nil {
			return mending{}, err
		}
		return h.waitForMoney(ctx, host, r, why)
	}
	if gone(f.Machine) && r.Next != "" { // another is made
		if f.Machine.State == pool.MachineShuttingDown && r.Tries == 0 {
			return mending{Record: r, Wait: lookWait, Because: errors.New("the new machine is being ended, and has its disks still")}, nil
		}
		if err := h.seatHost(ctx, host.ID, r); err != nil {
			return mending{}, err
		}
		if !r.TookOver() { // else its root disk is what the next one needs
			if r, err = h.giveUpNext(ctx, host, r); err != nil {
				return mending{}, err
			}
		}
		if r.Renewing() {
			r = r.Abandon(h.Now())
		} else {
			r = r.Lost(h.Now())
		}
	}
	r, err = r.Try(choice.Way, h.Now())
	return mending{Record: r}, err
}

// seatHost records the machine on which a host's gateway has run, before that is left for another.
func (h *Handler) seatHost(ctx context.Context, id pool.HostID, r pool.Repair) error {
	_, _, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		seated := r.Seated(host)
		if seated.Access == host.Access {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		return seated, pool.Neutral, nil
	})
	if err != nil {
		return fmt.Errorf("record the machine of %s: %w", id, err)
	}
	return nil
}

// zoneFails reports whether the zone of a host seems to fail: a machine that is stopped there may not start.
func (h *Handler) zoneFails(ctx context.Context, host pool.Host) (bool, error) {
	w, err := h.Ledger.Ward(ctx, host.Key())
	if err != nil {
		return false, err
	}
	storm, err := h.Ledger.Storm(ctx)
	return slices.Contains(pool.FailingZones(storm, w, h.Now()), host.Zone), err
}

// wayFor chooses the way of a repair, and notes the image that a new machine would be made from. A word that was given for one
// image is none for another.
func (h *Handler) wayFor(ctx context.Context, r *pool.Repair, f pool.Findings) (pool.Choice, error) {
	drills, err := h.Policies.Drills(ctx)
	if err != nil {
		return pool.Choice{}, err
	}
	undated := ""
	switch {
	case r.Next != "" && !gone(f.Machine), r.Renewing(): // it is made already, or on its way
	case r.Wanted.Image != "":
		r.To = r.Wanted.Image
	case r.To == "" || r.Consent.Way != pool.WayMachine && !r.Moving():
		if r.To, undated, err = h.nextImage(ctx, r.Image); err != nil {
			return pool.Choice{}, err
		}
	}
	choice := pool.ChooseWay(*r, f, drills, r.To)
	if choice.Ask && choice.Way == pool.WayMachine && undated != "" {
		choice.Why += "; " + undated
	}
	return choice, nil
}

// askFor asks people for their word, and makes place for others meanwhile. unproven is whether that is because of its shares.
func (h *Handler) askFor(ctx context.Context, host pool.Host, r pool.Repair, choice pool.Choice, unproven bool) (mending, error) {
	if err := h.leave(ctx, host, len(r.Tried) > 0); err != nil {
		return mending{}, err
	}
	stuck := r.Stuck
	r, err := r.Ask(choice.Way, choice.Why, h.Now())
	if unproven {
		r.Stuck = stuck
	}
	return mending{Record: r}, err
}

// ask tells people once what is asked of them, and waits for their word; the host may be well by itself before.
func (h *Handler) ask(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	r = r.Clone()
	if err := h.leave(ctx, host, len(r.Tried) > 0); err != nil { // again: a late copy of a message may have entered
		return mending{}, err
	}
	if r.Asked == "" {
		why := r.History[len(r.History)-1].Why
		if r.MayGiveUp() {
			r = h.lastLook(ctx, host, r)
		}
		if err := h.Announce.RepairAsks(ctx, host, r, why); err != nil {
			return mending{}, err
		}
		r.Asked = why
		return mending{Record: r}, nil // known to be told before anything else can fail
	}
	r.Due = h.Now().Add(pool.Deadline(pool.StepAsk))
	stuck := r.Stuck
	if r.Consent.Way != "" {
		m, err := h.moveOn(r, pool.RepairWaiting, pool.StepEnter, fmt.Sprintf("%s gave the word for way %s: %s", r.Consent.By, r.Consent.Way, r.Consent.Why))
		m.Record.Stuck = stuck
		return m, err
	}
	f, err := h.look(ctx, host, r.Seat())
	if err != nil {
		return mending{}, err
	}
	against := pool.Diagnose(f).What
	settled := r.Settled(f)
	switch {
	case settled && stuck == pool.StepProbe: // what a client would find is not seen from here
		settled, against = false, r.Tried[len(r.Tried)-1].Came
	case settled && stuck == pool.StepProve:
		bad, err := h.unproven(ctx, host)
		if err != nil {
			return mending{}, err
		}
		settled, against = len(bad) == 0, strings.Join(bad, "; ")
	}
	if !settled {
		r.Well = 0
		return mending{Record: r, Wait: askWait, Because: errors.New(against)}, nil
	}
	if r.Well++; r.Well < pool.WellLooks {
		return mending{Record: r, Wait: lookWait}, nil
	}
	const why = "it is well by itself"
	if len(r.Tried) == 0 || r.Planned() && r.Next == "" && !r.Renewal.Moved {
		return h.passed(ctx, host, r, why)
	}
	return h.moveOn(r, pool.RepairWaiting, pool.StepEnter, why) // what was tried has changed the host: it is proved
}

// take takes the host out of service for its repair. late is true when the repair went on elsewhere meanwhile: this is a late
// copy of a message then, and the host is let go again.
func (h *Handler) take(ctx context.Context, host pool.Host, r pool.Repair) (late bool, err error) {
	before, after, err := ledger.UpdateHost(ctx, h.Ledger, host.ID, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if host.Repair >= r.Number {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		host.Repair = r.Number
		host, err := pool.Reconsider(host, h.Now(), "it is being repaired: "+r.Cause)
		return host, pool.Neutral, err
	})
	if err != nil {
		return false, fmt.Errorf("take %s out of service for its repair: %w", host.ID, err)
	}
	if err := h.haveTold(ctx, before, after); err != nil {
		return false, err
	}
	return h.late(ctx, host, r)
}

// late reports whether a repair went on elsewhere to where it holds no place any more. What this one took since it read the
// repair is given back then. A repair that ends gives back once more after it has ended (release): so whoever is the last of
// the two does.
func (h *Handler) late(ctx context.Context, host pool.Host, r pool.Repair) (bool, error) {
	now, err := h.Ledger.Repair(ctx, r.Host)
	if err != nil {
		return false, err
	}
	if now.Number == r.Number && !now.State.Ended() && now.State != pool.RepairAsking {
		return false, nil
	}
	if err := h.leave(ctx, host, false); err != nil {
		return true, err
	}
	if now.Number == r.Number && !now.State.Ended() {
		return true, nil // it asks, and the host stays out of service
	}
	return true, h.letGo(ctx, host.ID, r)
}

// release gives back what a repair that has ended held: its place, and the host. A task that was at a share of it is let in
// by the network no more; the share rests, and is closed then.
func (h *Handler) release(ctx context.Context, host pool.Host, r pool.Repair) error {
	if r.Probe.Address != "" {
		if err := h.Firewall.Evict(ctx, host.Access.SecurityGroup, r.Probe.Address); err != nil {
			return err
		}
	}
	if err := h.leave(ctx, host, false); err != nil {
		return err
	}
	return h.letGo(ctx, host.ID, r)
}

// letGo lets a host go on whose repair ended without being discharged.
func (h *Handler) letGo(ctx context.Context, id pool.HostID, r pool.Repair) error {
	before, after, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if host.Repair != r.Number {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		host.Repair, host.Set = 0, h.Now().UTC()
		host = r.Seated(host)
		if r.Moving() && !r.TookOver() && r.State != pool.RepairMended {
			host.Doubt = "its repair ended in the midst of a move to another machine"
		}
		if r.Renewing() {
			host.Doubt = "its repair ended in the midst of a change to a new gateway"
		}
		host, err := pool.RestProbed(host, r, h.Now())
		if err != nil {
			return host, pool.Neutral, err
		}
		host, err = pool.Reconsider(host, h.Now(), "its repair has ended")
		return host, pool.Neutral, err
	})
	if err != nil {
		return fmt.Errorf("let %s go from its repair: %w", id, err)
	}
	return h.haveTold(ctx, before, after)
}

// haveTold has the function that drives hosts announce what a host has come to. Killed before it, the step's deadline does.
func (h *Handler) haveTold(ctx context.Context, before, after pool.Host) error {
	if after.State == before.State {
		return nil
	}
	return h.Hosts.Send(ctx, events.NewHostStep(string(after.ID), string(after.Step), after.Count+1), 0)
}
