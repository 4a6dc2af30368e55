package decommission

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

// TestAnAddressIsNobodysWhileAnEarlierLifeIsReachedByIt has a gateway be down when a tenant leaves: its share is open to the
// tenant's address still, whatever becomes of the later lives of its name.
func TestAnAddressIsNobodysWhileAnEarlierLifeIsReachedByIt(t *testing.T) {
	const address = "10.0.0.1"
	for what, ends := range map[string]func(*world){
		"the next life leaves": func(w *world) {
			w.signsUp("acme", address)
			w.run(2*time.Minute, w.once)
			w.furnish("acme")
			w.ask("acme", "")
			w.run(4*time.Hour, w.once)
			if d := w.departure(pool.DepartureIDOf(w.tenant("acme"))); d.State != pool.DepartureLeft || d.ID() == "acme.markacme" {
				t.Fatalf("departure %s is %s at %q: %s", d.ID(), d.State, d.Step, d.Error)
			}
		},
		"the next life has another, and asks for this one once more": func(w *world) {
			w.signsUp("acme", "10.0.0.9")
			w.run(2*time.Minute, w.once)
			w.signsUp("acme", address)
			w.run(2*time.Minute, w.once)
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := lived(t)
			const gateway = "share-standard-1"
			old := w.leaversShare()
			w.beyondHelp(gateway)
			w.ask("acme", "")
			w.run(time.Minute, w.once)
			ends(w)
			if d := w.departure("acme.markacme"); d.Step != pool.StepShut || w.tenant("acme").Mark == "markacme" {
				t.Fatalf("the first departure is %s at %q, and the name's mark %s", d.State, d.Step, w.tenant("acme").Mark)
			}
			if whose := w.whose(address); whose != address+" is acme's" {
				t.Errorf("%s, and share %s is open to it", whose, old)
			}
			arn := w.host(gateway).Access.Gateway // it is mended
			w.gateways.Away(arn, false)
			delete(w.lost, arn)
			w.alter(gateway, func(h pool.Host) pool.Host {
				h.State, h.Repair = pool.HostInService, 0
				return h
			})
			w.run(4*time.Hour, w.once)
			if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
				t.Fatalf("the first departure is %s at %q: %s", d.State, d.Step, d.Error)
			}
			if whose := w.whose(address); whose != address+" is free" {
				t.Errorf("in the end %s", whose)
			}
		})
	}
}
