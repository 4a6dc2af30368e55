package faults

import (
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// driven holds, once a minute, that a message is under way for every signup that is being served, which goes on with it long
// before its deadline: those are for messages that are lost. However often messages come, and whoever is killed, one of them
// goes on, until it has failed so often that people look after it.
func (w *world) driven() {
	if w.problem != nil || w.blind() {
		return
	}
	for id, t := range w.ledger.Books().Tenants {
		if t.Step != pool.StepOpen || t.Tries > 0 || !w.now.Before(t.Due) || w.dead(id) || called(t) {
			continue
		}
		if !w.underWay(`"`+string(id)+`"`) && !w.underWay(events.TypeServeWaiting) {
			w.found("every signup is driven", "%s is at step %s until %s, and no message is under way for it", id, t.Step, t.Due.Sub(w.begun))
		}
	}
}

// turnTime is the deadline of a signup whose turn came on the waiting list.
const turnTime = time.Minute

// called reports whether a tenant was just taken off the waiting list. Who does that, and is killed before it sends the tenant's
// message, leaves nothing that names it: the next delivery finds it on the list no more, and may be over by then. So its first
// deadline is that short, and is what goes on with it. The ledger keeps deadlines by the second.
func called(t pool.Tenant) bool {
	last := len(t.History) - 1
	return last >= 0 && t.History[last].What == string(pool.TenantRequested) && t.Due.Sub(t.History[last].At) <= turnTime+time.Second
}

// underWay reports whether a message that has a text is to be handled, or being handled.
func (w *world) underWay(text string) bool {
	for _, q := range w.queues {
		for m := range q.away {
			if strings.Contains(m.delivery.Body, text) {
				return true
			}
		}
	}
	for _, p := range w.running {
		for _, m := range p.batch {
			if strings.Contains(m.delivery.Body, text) {
				return true
			}
		}
	}
	return false
}
