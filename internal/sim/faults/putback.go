package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/handler/recovery"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	plans "headroom/internal/pool/recovery"
	"headroom/internal/shelf"
	"headroom/internal/stocktake"
)

// putback is that the table is lost, or put back to an earlier time, and that operators recover the ledger.
type putback struct {
	then   func()    // puts it back to an earlier time
	thenAt time.Time // which is that
	from   time.Time // since when no function is called but the one that recovers; zero: the table was not put back
	put    time.Time // when it was put back
	over   time.Time // when the ledger said again what there is
	cut    bool      // no function is called but that one

	action, digest, message string    // that operators asked for last
	asked, begun            time.Time // when, and since when it is to be carried out
}

const (
	// cutTime is how long it takes until all that had begun when the functions were cut off is over.
	cutTime = 2 * time.Minute
	// settledTime is how long after the recovery it is held again to what must be so: what was asked for before is over by then.
	settledTime = 5 * time.Minute
)

// blind reports whether the books may say anything: the table was put back, and they were not made true yet.
func (w *world) blind() bool {
	p := w.putback
	return !p.from.IsZero() && (p.over.IsZero() || w.now.Sub(p.over) < settledTime)
}

// loses has somebody remember the table as it is, or put it back to what is remembered, or lose it.
func (t *town) loses() {
	w, back := t.w, t.w.chances[PutBack]
	if back.rate == 0 || !w.putback.from.IsZero() || w.calmed {
		return
	}
	if w.putback.then == nil || back.draw.IntN(4) == 0 {
		w.putback.then, w.putback.thenAt = w.ledger.Then(), w.now
	}
	if !back.comes() {
		return
	}
	put := w.putback.then
	if back.draw.IntN(4) == 0 {
		put, w.putback.thenAt = w.ledger.Lose, time.Time{}
	}
	w.trace("no function is called any more: the table is to be put back to %s", w.putback.thenAt.Sub(w.begun))
	w.putback.from, w.putback.cut = w.now, true
	w.after(cutTime, func() {
		w.trace("the table is put back")
		for _, d := range w.ledger.Books().Departures {
			if p := t.people[d.Tenant.ID]; p != nil && (d.State == pool.DepartureScrubbing || d.State == pool.DepartureLeft) {
				p.wrote[life(p.id, d.Tenant.Mark)] = false // who waited by the ledger of before is served once more by its mark
			}
		}
		put()
		w.putback.put = w.now
		t.recovers()
	})
}

// recovers has operators run the recovery as `headroom recover` does, and again from the beginning where it comes to nothing.
func (t *town) recovers() {
	w, p := t.w, &t.w.putback
	r, err := w.ledger.Recovery(context.Background())
	must(w, r, err)
	ask := func(action, digest string) {
		if p.action, p.digest, p.asked = action, digest, w.now; action == events.RecoverHold { // somebody may have thrown it back since
			t.stop(pool.Stops{Order: true, Repair: true, Destroy: true, By: "ops", Why: "the table was put back", At: w.now})
		}
		w.send(w.recovering, events.RecoverRequest{
			Version: events.Version, Type: events.TypeRecoverRequest, Action: action, Digest: digest, Reason: "the table was put back", RequestedBy: "ops",
		})
		p.message = fmt.Sprintf("%s-%d", w.recovering.name, w.recovering.sent)
	}
	switch came := r.Message == p.message && r.Came != ""; {
	case p.action == "", !came && w.now.Sub(p.asked) > time.Hour, came && p.action == events.RecoverHold && r.HeldAt.IsZero():
		ask(events.RecoverHold, "")
	case !came:
	case p.action == events.RecoverHold && w.now.Sub(r.HeldAt) < plans.Rest+clocksApart:
	case p.action == events.RecoverHold:
		ask(events.RecoverLook, "")
	case p.action == events.RecoverLook:
		p.begun = w.now
		w.trace("the plan is %v", r.Lines)
		ask(events.RecoverApply, r.Digest)
	case r.Done && r.HeldAt.IsZero():
		w.trace("the ledger is recovered: %s; unsure: %v", r.Came, r.Unsure)
		p.over, p.cut = w.now, false
		w.before.forgotten = true
		w.after(30*time.Minute, func() { t.stop(pool.Stops{}) })
		return
	case r.Digest == p.digest && w.now.Sub(p.begun) < 30*time.Minute:
		ask(events.RecoverApply, r.Digest)
	default: // of another plan than was confirmed, or it takes too long
		ask(events.RecoverHold, "")
	}
	if w.now.Sub(p.put) > 24*time.Hour {
		w.found("a recovery ends", "it has come to %q, with %d to do", r.Came, len(r.Lines))
	}
	w.after(time.Minute, t.recovers)
}

// recoversWhatIsHeld has operators run the recovery again, beside all functions, if hosts that did not answer to it are held still.
func (t *town) recoversWhatIsHeld() {
	w, p := t.w, &t.w.putback
	if p.over.IsZero() {
		return
	}
	if t.heldStill() != "" {
		w.trace("hosts are held still: the ledger is recovered again")
		p.action, p.put, p.over = "", w.now, time.Time{}
		t.recovers()
	}
}

// heldStill is a host that a recovery left held; empty: there is none.
func (t *town) heldStill() pool.HostID {
	hosts := t.w.ledger.Books().Hosts
	for _, id := range slices.Sorted(maps.Keys(hosts)) {
		if h := hosts[id]; h.HeldByRecovery() {
			return id
		}
	}
	return ""
}

// regards takes the books as they are for what they were before, if those were other ones.
func (w *world) regards(a accounts) {
	if !w.before.forgotten {
		return
	}
	w.before = newBefore()
	w.before.spent = a.Spent
	for id, h := range a.Hosts {
		w.before.hosts[id] = h
		for i := range h.Slots {
			if h.Slots[i].State == pool.SlotReturned {
				w.before.returned[place{id, h.Slots[i].Index}] = w.now.Add(-restLeast)
			}
		}
	}
	for id, r := range a.Repairs {
		w.before.repairs[id] = r
	}
	for key, r := range a.Pools {
		w.before.grown[key] = r.Counters.Hosts
	}
}

// undecided reports whether the recovery has left it to people what a tenant has that signed up before: two shares that bear its
// tag, say, or a database on a host that did not answer. Asking again can't help its signup: until they have decided, its record is
// of the earlier time, and it is refused what is not known to be its own.
func (w *world) undecided(t pool.Tenant) bool {
	if !t.RequestedAt.Before(w.putback.put) {
		return false
	}
	r, err := w.ledger.Recovery(context.Background())
	return slices.ContainsFunc(must(w, r, err).Unsure, func(l plans.Line) bool { return l.Of == "tenant "+string(t.ID) })
}

// wanted are the times at which somebody wanted to leave, in one life. What was sent before anybody knew of that life may be meant for it:
// what a person asks for holds for the last time that it signed up before. So with one who comes back while it says again and again that
// it leaves, and with what was sent while no function was called.
func (w *world) wanted(p *person, of string) []time.Time {
	if p == nil || len(p.leaves[of]) > 0 {
		if p == nil {
			return nil
		}
		return p.leaves[of]
	}
	since := w.putback.from
	for _, d := range w.ledger.Books().Departures {
		if since.IsZero() && life(d.Tenant.ID, d.Tenant.Mark) == of {
			since = d.Tenant.RequestedAt
		}
	}
	var all []time.Time
	for _, times := range p.leaves {
		for _, at := range times {
			if !since.IsZero() && at.After(since) {
				all = append(all, at)
			}
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

// looker looks at all that the stage has.
type looker struct{ w *world }

// Look looks at it.
func (l looker) Look(ctx context.Context) (inventory.Seen, error) {
	return answered(l.w, "LookAtStage", func() (inventory.Seen, error) {
		c, seen := l.w.cloud, inventory.Seen{At: l.w.now}
		for _, h := range c.stacks.sorted() {
			s, there := c.stacks.api.Stack(h.stack)
			if !there {
				continue
			}
			marks := inventory.MarksOf(s.Tags)
			seen.Stacks = append(seen.Stacks, inventory.Stack{Name: s.Name, ID: s.ID, Status: string(s.Status), Outputs: s.Outputs, Parameters: s.Parameters, Marks: marks})
			for i := 1; h.kind == pool.Share && h.made && i <= sharesMost; i++ {
				arn := h.outputs[fmt.Sprintf("Bucket%02d", i)]
				slot, err := c.buckets.next.MarkOf(ctx, arn)
				if err != nil && !errors.Is(err, pool.ErrNotFound) {
					return seen, err
				}
				seen.Buckets = append(seen.Buckets, inventory.Bucket{Name: pool.BucketName(arn), Slot: slot, Marks: marks})
			}
		}
		for _, g := range c.gateways.Gateways() {
			seen.Gateways = append(seen.Gateways, inventory.Gateway{ARN: g.ARN, Name: g.Name, Marks: inventory.MarksOf(g.Tags)})
		}
		for _, s := range c.gateways.Shares() {
			status := pool.ShareAvailable
			if s.Leaving() {
				status = pool.ShareDeleting
			}
			seen.Shares = append(seen.Shares, inventory.Share{
				ID: s.ID, Gateway: s.Gateway, Bucket: s.Bucket, Status: status, Name: s.Name, Clients: s.Clients, Marks: inventory.MarksOf(s.Tags),
				State: s.Tags["headroom:state"], Tenant: s.Tags["headroom:tenant"], Generation: s.Tags["headroom:generation"],
			})
		}
		for _, s := range c.secrets.Secrets() {
			if strings.HasPrefix(s.Name, "headroom/sim/tenant/") && !s.Scheduled() {
				seen.Secrets = append(seen.Secrets, inventory.Secret{Name: s.Name, ARN: s.ARN, Made: s.Made, Tags: s.Tags})
			}
		}
		slices.SortFunc(seen.Secrets, func(a, b inventory.Secret) int { return strings.Compare(a.Name, b.Name) })
		return seen, nil
	})
}

// Found lists the databases of an instance.
func (d *databases) Found(_ context.Context, login pool.Login) (found []pool.FoundDatabase, err error) {
	err = d.in("Found", login, func(s *server) error {
		for name, db := range s.databases {
			found = append(found, pool.FoundDatabase{Name: name, Mark: db.mark, Open: db.login, Holds: db.login || len(db.rows) > 0})
		}
		slices.SortFunc(found, func(a, b pool.FoundDatabase) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return found, err
}

// wireRecovery makes the function that makes the ledger say again what there is.
func (w *world) wireRecovery() error {
	now := w.clock("recovery")
	policies := w.policies(now)
	shelves, shelfErr := shelf.New(shelf.Config{Ledger: w.store(), Policies: policies, Now: now})
	h, err := recovery.New(recovery.Config{
		Stage: stage, Ledger: w.store(), Looker: looker{w},
		Books: &stocktake.Taker{Stage: stage, Nobody: nobody, Looker: looker{w}, Ledger: w.store(), Now: now},
		Shelf: shelves, Vault: w.cloud.vault, Databases: w.cloud.databases, Buckets: w.cloud.empties, Terms: policies,
		Metrics: none, Log: discard, Now: now,
	})
	if err == nil {
		w.handled(now, h.Message, w.recovering)
	}
	return errors.Join(shelfErr, err)
}
