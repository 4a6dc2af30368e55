package decommission

import (
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

// Its addresses may be somebody else's before its database answers.
func TestAShareIsShutThoughTheDatabaseDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	w.complain = false
	w.fail["Close"] = errNotNow
	w.ask("acme", "")
	w.run(2*time.Minute, w.once)
	if d := w.departure("acme.markacme"); d.Done(pool.StepShut) {
		t.Fatal("it is said to be out")
	}
	for _, share := range w.gateways.Shares() {
		if slices.Contains(share.Clients, "10.0.0.1/32") {
			t.Errorf("share %s is open", share.Name)
		}
	}
	delete(w.fail, "Close")
	w.run(10*time.Minute, w.once)
	if d := w.departure("acme.markacme"); !d.Done(pool.StepShut) {
		t.Errorf("it is at %s: %s", d.Step, d.Error)
	}
}
