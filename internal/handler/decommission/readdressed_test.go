package decommission

import (
	"slices"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// An address that the tenant gave up, while whoever lets it in again had read its record already, is let in for a moment at most.
func TestAnAddressThatWentMeanwhileIsPutOutAgain(t *testing.T) {
	w := newWorld(t)
	w.ask("acme", "")
	w.run(10*time.Minute, w.once)
	goOn := w.stall(events.Delivery{
		ID: "undo", Queue: "decommission", SentAt: w.now,
		Body: `{"version":"1","type":"UndoRequested","tenantId":"acme","reason":"a mistake","requestedBy":"support"}`,
	}, "SetClients")
	back := w.tenant("acme")
	changed := back.Clone()
	changed.Addresses = []string{"10.0.0.7"}
	changed, err := w.ledger.SaveTenant(t.Context(), back, changed)
	w.must(err)
	ref, _ := w.host("share-standard-1").ShareRef(1)
	w.must(w.handler(undisturbed).Access.Set(t.Context(), changed, ref, "sg-1"))
	goOn()
	clients := func() []string {
		for _, share := range w.gateways.Shares() {
			if share.ID == ref.ID {
				return share.Clients
			}
		}
		return nil
	}
	if got := clients(); !slices.Equal(got, back.Clients()) {
		t.Fatalf("its share is open to %v: nobody was late", got)
	}
	w.run(settleWait, w.once)
	if got := clients(); !slices.Equal(got, changed.Clients()) {
		t.Errorf("its share is open to %v", got)
	}
	w.run(10*time.Minute, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureUndone || !slices.Equal(clients(), changed.Clients()) {
		t.Errorf("its departure is %s at %q, its share open to %v", d.State, d.Step, clients())
	}
}
