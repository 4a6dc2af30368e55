package operator

import (
	"context"
	"errors"
	"fmt"

	"headroom/events"
	"headroom/internal/pool"
)

// spare looks what the pool of a host can do without, by the same rule as the pool check.
func (o *Operator) spare(ctx context.Context, key pool.Key) (sight, pool.Spare, error) {
	p, err := o.Policy(ctx)
	if err != nil {
		return sight{}, pool.Spare{}, err
	}
	s, err := o.look(ctx, key.Tier, p)
	if err != nil {
		return sight{}, pool.Spare{}, err
	}
	return s, pool.Spares(s.Observed(key.Kind), s.Policy(key.Kind), s.plans[key.Kind], s.Outlook, s.At), nil
}

// explainRetirement says why a host was not retired, or how far that is, or what is left of it.
func (o *Operator) explainRetirement(ctx context.Context, h pool.Host, e *Explanation) error {
	switch h.State {
	case pool.HostRetiring:
		by := "the pool check found that it is not needed"
		if h.ByPerson() {
			by = h.Retire.By
		}
		e.say("Why is it retired?", by, h.Why)
		if h.Step == pool.StepRecall || h.Step == pool.StepInspect {
			e.say("Can that be called off?", "yes: nothing of it is destroyed yet, and it goes back when it is protected")
			e.Next = append(e.Next, "headroom host protect "+string(h.ID)+" --reason …")
		} else {
			e.say("Can that be called off?", "no: what it had is being taken down; a stop switch (destroy) halts it where it is")
		}
		return nil
	case pool.HostDeleted:
		if h.Retire.At.IsZero() {
			return nil
		}
		var left []string
		for _, r := range h.Retire.Left {
			until := "until a person deletes it"
			if !r.Until.IsZero() {
				until = "until " + at(r.Until)
			}
			left = append(left, fmt.Sprintf("%s %s, %s", r.What, r.Name, until))
		}
		if len(left) == 0 {
			left = []string{"nothing but this record"}
		}
		e.say("What is left of it?", left...)
		return nil
	case pool.HostInService, pool.HostCordoned:
	default:
		return nil
	}
	s, spare, err := o.spare(ctx, h.Key())
	if err != nil {
		return err
	}
	var because []string
	switch {
	case h.Drained != "":
		because = append(because, orElse(pool.Emptied(h, s.Shelf, o.Now()), "it is drained and empty: the next pool check retires it"))
	default:
		if why := h.Keeps(s.Shelf, o.Now()); why != "" {
			because = append(because, why)
		}
		p := s.Policy(h.Kind)
		because = append(because, "of its pool: "+pool.ChooseEmpty(spare, []pool.Host{h}, p, s.Shelf, s.At).Why)
		if p.Consolidate {
			because = append(because, "nor drained by itself: "+pool.ChooseSparse(s.Observed(h.Kind), spare, []pool.Host{h}, p, s.Shelf, s.At).Why)
		}
	}
	if last := s.Outlook.Plans[h.Kind]; last.Spare != "" {
		because = append(because, fmt.Sprintf("what the pool check saw at %s: %s", at(last.At), last.Spare))
	}
	if why := s.Stops.Against(pool.StopDestroy); why != "" {
		because = append(because, why)
	}
	e.say("Why was it not retired?", because...)
	if h.Drained != "" && h.Used() > 0 {
		return o.explainEmptying(ctx, h, s.Sight, e)
	}
	return nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// RetireHost asks that a host is taken down that is empty, whether its pool needs it or not.
func (o *Operator) RetireHost(ctx context.Context, host, reason string) (Request, error) {
	h, err := o.readHost(ctx, host)
	if err != nil {
		return Request{}, err
	}
	explain := "headroom host explain " + host + " says why."
	s, spare, err := o.spare(ctx, h.Key())
	if err != nil {
		return Request{}, err
	}
	repair, err := o.Ledger.Repair(ctx, h.ID)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return Request{}, err
	}
	switch why := h.NotEmpty(s.Shelf); {
	case h.State != pool.HostInService && h.State != pool.HostCordoned:
		return Request{}, refused(explain, "host %s is not in service: it is %s", host, h.State)
	case h.HeldByRecovery():
		return Request{}, isHeld(h)
	case h.Protected != "":
		return Request{}, refused("headroom host protect "+host+" --off --reason … takes that back.", "host %s is protected, by %s", host, h.Protected)
	case why != "":
		return Request{}, refused("headroom host drain "+host+" --reason … has it take no more, and go once it is empty.", "host %s is not empty: %s", host, why)
	case h.Repair > 0:
		return Request{}, refused(explain, "host %s is being repaired", host)
	case repair.Remains() != "":
		return Request{}, refused("headroom host show "+host+" shows it.", "host %s was repaired: %s", host, repair.Remains())
	}
	r := o.hostRequest(h, events.HostRetire, reason)
	r.Says = "retire host " + host
	r.Means = means(h, s, spare)
	r.Done = func(ctx context.Context) (string, bool, error) {
		now, err := o.Ledger.Host(ctx, h.ID)
		came := "it is " + string(now.State)
		if now.Step != "" {
			came += ", at step " + string(now.Step)
		}
		return came, now.State == pool.HostDeleted || now.Version > h.Version+1 && now.State == h.State, err
	}
	return r, nil
}

// means says what the retirement of a host comes to.
func means(h pool.Host, s sight, spare pool.Spare) []string {
	gone := fmt.Sprintf("gone are its stack, its instance and %s", count(len(h.Slots), "empty database"))
	if h.Kind == pool.Share {
		gone = fmt.Sprintf("gone are its stack, its gateway with its disks, %s and %s", count(len(h.Slots), "share"), count(len(h.Slots), "empty bucket"))
	}
	means := []string{gone}
	if h.Kind == pool.Database {
		means = append(means, "where the stage keeps a last snapshot, it is deleted by itself once backups would be")
	}
	if h.Price > 0 {
		means = append(means, fmt.Sprintf("it costs %s a month", h.Price))
	}
	means = append(means, fmt.Sprintf("its pool: %s", spare.Why))
	without := s.Observed(h.Kind)
	without.Record.Counters = without.Record.Counters.Sub(pool.Contribution(h))
	if orders := pool.Decide(without, s.Policy(h.Kind), nil, s.At); len(orders.Actions) > 0 {
		means = append(means, fmt.Sprintf("the pool needs it: the next check would order %s in its place", count(len(orders.Actions), "host")))
	}
	return means
}

// ProtectHost asks that a host is not retired, or, with off, that it may be again.
func (o *Operator) ProtectHost(ctx context.Context, host string, off bool, reason string) (Request, error) {
	h, err := o.readHost(ctx, host)
	if err != nil {
		return Request{}, err
	}
	explain := "headroom host explain " + host + " says why."
	action := events.HostProtect
	switch {
	case off && h.Protected == "":
		return Request{}, refused(explain, "host %s is not protected by a person's word", host)
	case off:
		action = events.HostUnprotect
	case h.Protected != "":
		return Request{}, refused(explain, "host %s is protected by a person's word already: %s", host, h.Protected)
	case !h.State.Live() || h.State == pool.HostDeleting || h.State == pool.HostQuarantined:
		return Request{}, refused(explain, "host %s can't be protected: it is %s", host, h.State)
	case h.State == pool.HostRetiring && h.Step.OfRetirement() && h.Step != pool.StepInspect:
		return Request{}, refused("The stop switch (destroy) halts it where it is.", "host %s is being taken down: it is past the step at which that can be called off", host)
	}
	r := o.hostRequest(h, action, reason)
	r.Done = func(ctx context.Context) (string, bool, error) {
		now, err := o.Ledger.Host(ctx, h.ID)
		return "it is protected by " + orElse(now.Protected, "nobody"), (now.Protected == "") == off, err
	}
	return r, nil
}

// DrainHost asks that a host takes no more, and goes once it is empty, or, with off, that it takes tenants again.
func (o *Operator) DrainHost(ctx context.Context, host string, off bool, reason string) (Request, error) {
	h, err := o.readHost(ctx, host)
	if err != nil {
		return Request{}, err
	}
	explain := "headroom host explain " + host + " says why."
	action := events.HostDrain
	switch {
	case h.State != pool.HostInService && h.State != pool.HostCordoned:
		return Request{}, refused(explain, "host %s is not in service: it is %s", host, h.State)
	case off && h.Drained == "":
		return Request{}, refused(explain, "host %s is not drained", host)
	case off:
		action = events.HostUndrain
	case h.Drained != "" && !h.DrainedByItself():
		return Request{}, refused(explain, "host %s is drained by a person's word already: %s", host, h.Drained)
	}
	r := o.hostRequest(h, action, reason)
	if !off {
		if r.Means, err = o.meansDrain(ctx, h); err != nil {
			return Request{}, err
		}
	}
	r.Done = func(ctx context.Context) (string, bool, error) {
		now, err := o.Ledger.Host(ctx, h.ID)
		return "it is " + string(now.State), (now.Drained == "") == off, err
	}
	return r, nil
}

// takesBack are the verbs that take back what was asked about a host; the host stands between their parts.
var takesBack = map[string][2]string{
	events.HostCordon: {"headroom host uncordon ", " --reason …"}, events.HostDrain: {"headroom host drain ", " --off --reason …"},
	events.HostProtect: {"headroom host protect ", " --off --reason …"},
}

// hostRequest is a request about a host.
func (o *Operator) hostRequest(h pool.Host, action, reason string) Request {
	next := []string{"headroom host show " + string(h.ID)}
	if back, there := takesBack[action]; there {
		next = append(next, back[0]+string(h.ID)+back[1])
	}
	return Request{
		Output: hostEvents, Says: action + " host " + string(h.ID), Next: next,
		Body: events.HostRequest{
			Version: events.Version, Type: events.TypeHostRequest, HostID: string(h.ID), Action: action, RequestedBy: o.Caller.ARN, Reason: reason,
		},
	}
}
