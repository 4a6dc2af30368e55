package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// Explanation answers the questions that are asked of a record, also about what was not done: from the reasons that were
// stored, with the numbers of now.
type Explanation struct {
	Of      string   `json:"of"`
	Answers []Answer `json:"answers"`
	Next    []string `json:"next,omitempty"` // commands
}

// Answer is what one question comes to.
type Answer struct {
	Question string   `json:"question"`
	Because  []string `json:"because"`
}

func (e *Explanation) say(question string, because ...string) {
	e.Answers = append(e.Answers, Answer{Question: question, Because: slices.DeleteFunc(because, func(s string) bool { return s == "" })})
}

// ExplainTenant says why a tenant waits, is where it is, or does not come on.
func (o *Operator) ExplainTenant(ctx context.Context, id string) (Explanation, error) {
	t, err := o.readTenant(ctx, id)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Of: "tenant " + id}
	switch t.State {
	case pool.TenantWaiting:
		err = o.explainWaiting(ctx, t, &e)
	case pool.TenantReady:
		err = o.explainPlace(ctx, t, &e)
	case pool.TenantRequested:
		e.say("Why is it not ready?", "its signup is under way since "+at(t.RequestedAt), last(t.History))
	}
	if err != nil {
		return Explanation{}, err
	}
	o.explainWork(t.Progress, &e)
	r, restored, err := o.restoration(ctx, t.ID)
	if err != nil {
		return Explanation{}, err
	}
	if restored {
		o.explainRestoration(r, &e)
	}
	departures, err := o.Ledger.Departures(ctx, t.ID)
	if err != nil {
		return Explanation{}, err
	}
	for _, d := range departures {
		if d.State == pool.DepartureUndone || d.State == pool.DepartureLeft && t.State != pool.TenantLeft {
			continue
		}
		if err := o.explainDeparture(ctx, d, &e); err != nil {
			return Explanation{}, err
		}
	}
	e.Next = append(e.Next, "headroom tenant history "+id)
	return e, nil
}

func (o *Operator) explainWaiting(ctx context.Context, t pool.Tenant, e *Explanation) error {
	position, err := o.position(ctx, t)
	if err != nil {
		return err
	}
	e.say("Why does it wait?", last(t.History), fmt.Sprintf("it is number %d on the list of tier %s, since %s", position, t.Tier, at(t.RequestedAt)))
	policy, err := o.Policy(ctx)
	if err != nil {
		return err
	}
	if warning := policy.Warning(); warning != "" {
		e.say("Is the policy in force?", warning)
	}
	seen, err := o.look(ctx, t.Tier, policy)
	if err != nil {
		return err
	}
	for _, kind := range pool.Kinds {
		p, err := o.pool(ctx, kind, seen)
		if err != nil {
			return err
		}
		because := []string{p.Plan.Reason}
		if p.Plan.Orders > 0 {
			because = append(because, fmt.Sprintf("the next pool check orders %s", count(p.Plan.Orders, "host")))
		}
		for _, held := range p.Plan.Held {
			because = append(because, fmt.Sprintf("%s more %s held back by %s", count(held.Hosts, "host"), be(held.Hosts, "is", "are"), held.Limit))
		}
		for _, c := range p.Coming {
			because = append(because, p.coming(c))
		}
		e.say(fmt.Sprintf("What comes of %ss?", kind), because...)
		e.Next = append(e.Next, "headroom pool show "+p.Pool)
	}
	return nil
}

// coming words a host on its way, and when it may be there.
func (p Pool) coming(c Coming) string {
	text := fmt.Sprintf("host %s brings %s; it was ordered at %s", c.Host, count(c.Slots, "slot"), at(c.OrderedAt))
	switch {
	case c.Late:
		text += ", which is longer ago than any took: it is not counted on"
	case p.Lead.P90 > 0:
		text += ", and nine of ten were there after " + time.Duration(p.Lead.P90*int64(time.Second)).String()
	}
	return text
}

func (o *Operator) explainPlace(ctx context.Context, t pool.Tenant, e *Explanation) error {
	took := t.ReadyAt.Sub(t.RequestedAt).Truncate(time.Millisecond)
	e.say("How did it become ready?", fmt.Sprintf("it signed up at %s and was ready %s later", at(t.RequestedAt), took), becameReady(t))
	policy, err := o.Policy(ctx)
	if err != nil {
		return err
	}
	shelf, err := o.Ledger.Shelf(ctx, t.Tier)
	if err != nil {
		return err
	}
	for _, holding := range []pool.Holding{t.Database, t.Share} {
		h, err := o.Ledger.Host(ctx, holding.Host)
		if err != nil {
			return notFound(err, "headroom doctor looks for what is missing.", "host %s, which has a slot of tenant %s, is not in the ledger", holding.Host, t.ID)
		}
		because := placed(t, h, holding, policy)
		because = append(because, fmt.Sprintf("the host is %s since %s, with %d of %d slots used: %s", h.State, at(h.Since), h.Used()-shelf.Lying(h), len(h.Slots), h.Why))
		e.say(fmt.Sprintf("Why is its %s on %s?", h.Kind, h.ID), because...)
	}
	if len(t.Change.Coming)+len(t.Change.Going) > 0 {
		e.say("What becomes of its addresses?", joined("coming: ", t.Change.Coming), joined("going: ", t.Change.Going))
	}
	return nil
}

// becameReady is the entry by which a tenant became ready, of all that became of it since.
func becameReady(t pool.Tenant) string {
	for _, e := range t.History {
		if e.What == string(pool.TenantReady) && !e.At.Before(t.ReadyAt.Truncate(time.Second)) {
			return last([]pool.Entry{e})
		}
	}
	return "" // what has become of it since is more than a record keeps
}

// placed says how a tenant came to its slot of a host. A database that moved was not handed out by the shelf; and by which
// placement slots were set out is known as long as the policy is the one of then.
func placed(t pool.Tenant, h pool.Host, holding pool.Holding, policy Policy) []string {
	where := fmt.Sprintf("it has slot %d there, generation %d", holding.Index, holding.Generation)
	if h.Kind == pool.Database && !t.MovedAt.IsZero() {
		because := []string{where + ", since its database moved at " + at(t.MovedAt)}
		for _, e := range slices.Backward(t.History) {
			if e.What == "moved" {
				return append(because, e.Why)
			}
		}
		return because
	}
	because := []string{where + ", from the head of its tier's shelf: whoever comes first gets what was set out first"}
	if p, ok := policy.Document.Pools.Of(h.Key()); ok && policy.Invalid == nil {
		if policy.Since.After(t.ReadyAt) {
			because = append(because, fmt.Sprintf("by which placement it was set out is not known any more: the policy was changed since, at %s, and says %s now", at(policy.Since), p.Placement))
		} else {
			because = append(because, map[pool.Placement]string{
				pool.Pack:   "the policy's placement is pack: slots are set out from the fullest hosts first, so that empty ones can go",
				pool.Spread: "the policy's placement is spread: slots are set out from the emptiest hosts first",
			}[p.Placement])
		}
	}
	if slot := h.Slot(holding.Index); slot != nil && slot.Refill > 0 {
		because = append(because, fmt.Sprintf("refill %d had set it out", slot.Refill))
	}
	return because
}

func (o *Operator) explainWork(p pool.Progress, e *Explanation) {
	now := o.Now()
	switch {
	case p.Stuck != "":
		e.say("Why does it not come on?", fmt.Sprintf("step %s was given up: %s", p.Stuck, p.Error))
	case p.Step != "" && p.Tries > 0:
		e.say("Why does it take so long?", fmt.Sprintf("step %s is past its deadline for the %d. time, of %d: %s", p.Step, p.Tries, pool.MaxTries, p.Error))
	case p.Step != "" && p.Error != "":
		e.say("Why does it take so long?", fmt.Sprintf("step %s came to nothing so far, and is tried until %s: %s", p.Step, at(p.Due), p.Error))
	case p.Step != "" && p.Overdue(now):
		e.say("Why does it take so long?", fmt.Sprintf("step %s should have been done by %s; the pool check tries it again", p.Step, at(p.Due)))
	}
}

func (o *Operator) explainDeparture(ctx context.Context, d pool.Departure, e *Explanation) error {
	question := "Why does it leave?"
	if d.State == pool.DepartureUndoing || d.State == pool.DepartureUndone {
		question = "Why did it leave, and stay?"
	}
	e.say(question, fmt.Sprintf("%s wanted that at %s: %s", d.RequestedBy, at(d.RequestedAt), d.Reason), last(d.History))
	switch d.State {
	case pool.DepartureLeaving:
		because := []string{"nothing of it is destroyed yet"}
		if d.Archive.Key == "" {
			because = append(because, fmt.Sprintf("its data is not proven to be archived yet: it is at step %s", d.Step))
		} else {
			because = append(because, "its data is archived and verified")
		}
		e.say("Can that be undone?", append(because, "it can until "+at(d.GraceUntil())+", and longer while its data is not proven to be archived")...)
		e.Next = append(e.Next, "headroom undo "+string(d.Tenant.ID)+" --reason …")
	case pool.DepartureScrubbing:
		e.say("Can that be undone?", "no: its grace is over, and its slots are being scrubbed", "what it had is in the archive "+d.Archive.Key)
	}
	o.explainWork(d.Progress, e)
	if d.Stuck != "" {
		e.Next = append(e.Next, "headroom departure resume "+string(d.ID())+" --reason …")
	}
	clearances, err := o.clearances(ctx, d)
	if err != nil {
		return err
	}
	for _, c := range clearances {
		if c.State == pool.ClearanceQuarantined {
			e.say(fmt.Sprintf("Why is its %s quarantined?", c.Kind), last(c.History), c.Error)
			e.Next = append(e.Next, fmt.Sprintf("headroom departure again %s %s --reason …", d.ID(), c.Kind))
			continue
		}
		o.explainWork(c.Progress, e)
	}
	return nil
}

// ExplainHost says why a host is in its state, why it takes nobody, and why it is or is not repaired.
func (o *Operator) ExplainHost(ctx context.Context, id string) (Explanation, error) {
	h, err := o.readHost(ctx, id)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Of: "host " + id}
	if h.State == pool.HostCordoned { // which it may still be for another reason than the first: that is over then
		e.say("Why was it cordoned?", fmt.Sprintf("at %s: %s", at(h.Since), h.Why))
	} else {
		e.say(fmt.Sprintf("Why is it %s?", h.State), fmt.Sprintf("since %s: %s", at(h.Since), h.Why))
	}
	if barred := h.Barred(); len(barred) > 0 {
		e.say("Why does it take no tenants?", barred...)
	}
	if len(h.History) > 0 {
		why := h.History[0].Why
		if h.History[0].What != string(pool.HostOrdered) {
			why = "its history begins later, and does not say why" // of a host that was there before the first entry was kept, or that recover rebuilt
		}
		e.say("Why was it ordered?", fmt.Sprintf("at %s: %s", at(h.OrderedAt), why))
	}
	o.explainWork(h.Progress, &e)
	if h.State == pool.HostQuarantined {
		e.Next = append(e.Next, "headroom host release "+id+" --reason …")
		if !h.Stuck.OfRetirement() {
			e.Next = append(e.Next, "headroom host delete "+id+" --reason …")
		}
	}
	if err := o.explainRepair(ctx, h, &e); err != nil {
		return Explanation{}, err
	}
	if err := o.explainRetirement(ctx, h, &e); err != nil {
		return Explanation{}, err
	}
	e.Next = append(e.Next, "headroom host show "+id)
	return e, nil
}

func (o *Operator) explainRepair(ctx context.Context, h pool.Host, e *Explanation) error {
	r, err := o.Ledger.Repair(ctx, h.ID)
	if err != nil && !errors.Is(err, pool.ErrNotFound) {
		return err
	}
	ward, err := o.Ledger.Ward(ctx, h.Key())
	if err != nil {
		return err
	}
	switch {
	case r.Number > 0 && !r.State.Ended():
		e.say("How is its repair?", fmt.Sprintf("%s is %s since its cause at %s: %s", r.ID(), r.State, at(r.Began), r.Cause), last(r.History), r.Told)
		if r.State == pool.RepairAsking {
			e.say("What is asked?", r.Asked)
			if r.MayGiveUp() {
				e.say("What may be lost if its gateway is given up?", r.Loss(h))
			}
			e.Next = append(e.Next, fmt.Sprintf("headroom host repair %s --way %s --reason …", h.ID, r.Way))
		}
		o.explainWork(r.Progress, e)
		return nil
	case h.Kind != pool.Share:
		e.say("Why is it not repaired?", "RDS repairs its instances itself; Headroom repairs share hosts")
		return nil
	}
	cause, ailing := pool.Ailing(h)
	if !ailing {
		e.say("Why is it not repaired?", "nothing that a repair may mend is wrong with it: it is repaired when it is cordoned for being in doubt, or for an alarm of its machine or gateway", lastRepair(r))
		return nil
	}
	because := []string{"it ails: " + cause, lastRepair(r)}
	storm, err := o.Ledger.Storm(ctx)
	if err != nil {
		return err
	}
	for _, zone := range pool.FailingZones(storm, ward, o.Now()) {
		because = append(because, "zone "+zone+" seems to fail, and its hosts are not repaired into it one by one")
	}
	stops, err := o.Ledger.Stops(ctx)
	if err != nil {
		return err
	}
	if against := stops.Against(pool.StopRepair); against != "" {
		because = append(because, against)
	}
	e.say("Why is it not repaired?", append(because, "the pool check looks after it each minute")...)
	return nil
}

func lastRepair(r pool.Repair) string {
	if r.Number == 0 {
		return "it was never repaired"
	}
	text := fmt.Sprintf("its last repair, %s, is %s", r.ID(), r.State)
	for _, e := range slices.Backward(r.History) {
		if e.What == string(r.State) {
			text += fmt.Sprintf(" since %s: %s", at(e.At), e.Why)
			break
		}
	}
	return text + fmt.Sprintf("; it began at %s, for what was so then: %s", at(r.Began), r.Cause)
}

// last words the last line of a history.
func last(history []pool.Entry) string {
	if len(history) == 0 {
		return ""
	}
	e := history[len(history)-1]
	return fmt.Sprintf("%s at %s: %s", e.What, at(e.At), e.Why)
}

func at(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func joined(lead string, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return lead + strings.Join(list, ", ")
}
