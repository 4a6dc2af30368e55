package decommission

import (
	"context"
	"testing"
	"time"

	"headroom/internal/pool"
)

// An undo that comes to letting its tenant in only after that has moved, or left again, opens nothing that the tenant has no more.
func TestAnUndoOpensOnlyWhatItsTenantHas(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world, left pool.Departure){
		"it has moved": func(w *world, left pool.Departure) {
			ctx, has := context.Background(), left.Tenant.Database
			host := w.host(has.Host)
			moved := host.Clone()
			moved.Slot(2).State, moved.Slot(2).Tenant = pool.SlotAssigned, "acme"
			w.must(w.ledger.SaveHost(ctx, host, moved, pool.Neutral, w.now))
			before := w.tenant("acme")
			after := before.Clone()
			after.Database.Index, after.Database.Name = 2, host.Slot(2).Name
			_, err := w.ledger.SaveTenant(ctx, before, after)
			w.must(err)
		},
		"it has left again": func(w *world, _ pool.Departure) {
			ctx, before := context.Background(), w.tenant("acme")
			left, d, err := pool.Leave(before, pool.Departure{RequestedAt: w.now, Reason: "after all", Grace: 100 * time.Hour}, w.terms, w.now)
			w.must(err)
			w.must(w.ledger.Depart(ctx, before, left, d))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.ask("acme", "")
			w.run(10*time.Minute, w.once)
			w.fail["DeleteCopier"], w.complain = errNotNow, false // which is done before anybody is let in
			w.undo("acme")
			w.run(time.Minute, w.once)
			left := w.departure("acme.markacme")
			if left.State != pool.DepartureUndoing {
				t.Fatalf("it is %s", left.State)
			}
			delete(w.fail, "DeleteCopier")
			meanwhile(w, left)
			w.complain = true
			w.run(10*time.Minute, w.once)
			has := left.Tenant.Database
			host := w.host(has.Host)
			d := w.servers[host.Access.Address].databases[has.Name]
			if state := host.Slot(has.Index).State; d.login || state != pool.SlotLeaving {
				t.Errorf("its slot of before is %s, login %v", state, d.login)
			}
			if left = w.departure(left.ID()); left.State != pool.DepartureUndone {
				t.Errorf("the departure of before is %s at %q: %s", left.State, left.Step, left.Error)
			}
		})
	}
}
