package hostrepair

import (
	"context"
	"errors"
	"fmt"
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
	if err := h.take(ctx, host.ID, r); err != nil {
		return mending{}, err
	}
	f, err := h.look(ctx, host, r.Seat())
	if err != nil {
		return mending{}, err
	}
	d := pool.Diagnose(f)
	if r = h.saw(r, f); d.Wait {
		return mending{Record: r, Wait: lookWait, Because: errors.New(d.What)}, nil
	}
	if d.Well && !r.Planned() {
		if len(r.Tried) == 0 {
			return h.passed(ctx, host, r, d.What)
		}
		r = r.Came(d.What)
		r.Progress = pool.Started(pool.StepProve, h.Now())
		return mending{Record: r}, nil
	}
	if r.Next != "" {
		return h.askFor(ctx, host, r, pool.Choice{Way: r.Way, Why: "the new machine " + r.Next + " does not go on as the gateway; its disks are kept"})
	}
	drills, err := h.Policies.Drills(ctx)
	if err != nil {
		return mending{}, err
	}
	if r.To = r.Wanted.Image; r.To == "" {
		if r.To, err = h.Images.Newest(ctx); err != nil {
			return mending{}, err
		}
	}
	choice := pool.ChooseWay(r, f, drills, r.To)
	if r.Flapping(h.Now()) && r.Consent.Way != choice.Way && !r.Planned() {
		choice.Ask, choice.Why = true, "it was repaired several times in the last hours, and did not stay well"
	}
	if choice.Ask || choice.Way == pool.WayGateway {
		return h.askFor(ctx, host, r, choice)
	}
	r, err = r.Try(choice.Way, h.Now())
	return mending{Record: r}, err
}

// askFor asks people for their word, and makes place for others meanwhile.
func (h *Handler) askFor(ctx context.Context, host pool.Host, r pool.Repair, choice pool.Choice) (mending, error) {
	if err := h.leave(ctx, host, true); err != nil {
		return mending{}, err
	}
	r, err := pool.MoveRepair(r, pool.RepairAsking, pool.StepAsk, h.Now(), choice.Why)
	r.Way, r.Asked, r.Consent = choice.Way, "", pool.Consent{}
	return mending{Record: r}, err
}

// ask tells people once what is asked of them, and waits for their word; the host may be well by itself before.
func (h *Handler) ask(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	r = r.Clone()
	if r.Asked == "" {
		why := r.History[len(r.History)-1].Why
		if err := h.Announce.RepairAsks(ctx, host, r, why); err != nil {
			return mending{}, err
		}
		r.Asked = why
	}
	r.Due = h.Now().Add(pool.Deadline(pool.StepAsk))
	if r.Consent.Way != "" {
		return h.moveOn(r, pool.RepairWaiting, pool.StepEnter, fmt.Sprintf("%s gave the word for way %s: %s", r.Consent.By, r.Consent.Way, r.Consent.Why))
	}
	f, err := h.look(ctx, host, r.Seat())
	if err != nil {
		return mending{}, err
	}
	if d := pool.Diagnose(f); !d.Well {
		r.Well = 0
		return mending{Record: r, Wait: askWait, Because: errors.New(d.What)}, nil
	}
	if r.Well++; r.Well < pool.WellLooks {
		return mending{Record: r, Wait: lookWait}, nil
	}
	return h.passed(ctx, host, r, "it is well by itself")
}

// take takes the host out of service for its repair.
func (h *Handler) take(ctx context.Context, id pool.HostID, r pool.Repair) error {
	before, after, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if host.Repair == r.Number {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		host.Repair = r.Number
		host, err := pool.Reconsider(host, h.Now(), "it is being repaired: "+r.Cause)
		return host, pool.Neutral, err
	})
	if err != nil {
		return fmt.Errorf("take %s out of service for its repair: %w", id, err)
	}
	return h.haveTold(ctx, before, after)
}

// letGo lets a host go on whose repair ended with nothing done.
func (h *Handler) letGo(ctx context.Context, id pool.HostID, r pool.Repair) error {
	before, after, err := ledger.UpdateHost(ctx, h.Ledger, id, h.Now(), func(host pool.Host) (pool.Host, pool.Outcome, error) {
		if host.Repair != r.Number {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		host.Repair = 0
		host, err := pool.Reconsider(host, h.Now(), "it is well by itself")
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
