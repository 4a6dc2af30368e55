package decommission

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// Whoever was late may have opened a share that was proven clean: nobody gets it so.
func TestAShareThatWasOpenedLateIsClosedBeforeItIsFree(t *testing.T) {
	w := graced(t)
	w.untilShare(func(c pool.Clearance) bool { return c.State == pool.ClearanceCooling })
	c := w.clearance(pool.Share)
	ref := pool.ShareRef{Gateway: w.host("share-standard-1").Access.Gateway, ID: c.NextShare}
	w.must(w.handler(undisturbed).Access.Shut(t.Context(), ref, "10.0.7.9/32"))
	w.run(time.Hour, w.once)
	if c = w.clearance(pool.Share); c.State != pool.ClearanceReturned {
		t.Fatalf("it is %s at %q: %s", c.State, c.Step, c.Error)
	}
	for _, share := range w.gateways.Shares() {
		if share.ID == ref.ID && !slices.Equal(share.Clients, []string{nobody}) {
			t.Errorf("it is open to %v", share.Clients)
		}
	}
}

// What an earlier look found says nothing of the next, and a look that is over is over.
func TestReportsOfLooksThatAreOverDoNotCount(t *testing.T) {
	w := graced(t)
	w.untilShare(func(c pool.Clearance) bool { return c.Clean == 1 })
	first := events.TaskReport{Version: events.Version, Type: events.TypeTaskReport, Job: events.JobProbe, Of: events.OfClearance, ID: "acme.markacme/share", Attempt: 1, Done: true, Found: []string{"a file of acme"}}
	h := w.handler(undisturbed)
	w.must(h.report(t.Context(), first)) // between two looks
	w.untilShare(func(c pool.Clearance) bool { return c.Look == 2 && c.Task != "" })
	w.must(h.report(t.Context(), first)) // while the next is made
	late := first
	late.Done, late.Found, late.Address = false, nil, "10.0.7.9"
	group := w.host("share-standard-1").Access.SecurityGroup
	w.must((outside{w, undisturbed}).Admit(t.Context(), group, "10.0.7.9", "whoever let it in was killed"))
	w.must(h.report(t.Context(), late))
	if rules := w.groups.Rules(group); slices.Contains(rules, rule("10.0.7.9")) {
		t.Errorf("rules: %v", rules)
	}
	w.run(2*time.Hour, w.once)
	if c := w.clearance(pool.Share); c.State != pool.ClearanceReturned || c.Unclean != 0 || c.Look != 2 {
		t.Errorf("it is %s after %d looks, %d unclean", c.State, c.Look, c.Unclean)
	}
}

// untilShare lets everything happen until the clearance of acme's share has come so far.
func (w *world) untilShare(far func(pool.Clearance) bool) {
	w.t.Helper()
	for range 10_000 {
		w.run(0, w.once)
		if c, err := w.ledger.Clearance(context.Background(), clearanceOf("acme.markacme", pool.Share)); err == nil && far(c) {
			return
		}
	}
	w.t.Fatal("it does not come so far")
}

func TestWhatIsScrubbedCannotBeUndone(t *testing.T) {
	w := graced(t)
	w.until(func(d pool.Departure) bool { return d.State == pool.DepartureScrubbing })
	w.undo("acme")
	w.run(3*time.Hour, w.once)
	if said := w.bus.Of("RequestRejected"); len(said) != 1 || !strings.Contains(string(said[0]), "its grace is over") {
		t.Errorf("said %s", said)
	}
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft {
		t.Errorf("it is %s", d.State)
	}
}

// A secret that somebody stored who was late, when its attempt was long over, does not stay.
func TestTheSecretOfALateCopierDoesNotStay(t *testing.T) {
	w := newWorld(t)
	w.short()
	w.fails(events.JobArchive, events.TaskReport{Done: true, Failure: "no space left on device"})
	w.ask("acme", "")
	w.until(func(d pool.Departure) bool { return d.Uploads != "" })
	var event events.Delivery
	for _, d := range w.visible() {
		if events.TypeOf([]byte(d.Body)) == events.TypeFileUpload {
			event = d
		}
	}
	late := upTo("Copier", func(call killtest.Call) error { return w.handler(call).Message(context.Background(), event) })
	if late.Running() == 0 {
		t.Fatal("it lets no copier in")
	}
	w.until(func(d pool.Departure) bool { return d.Step == pool.StepGrace })
	_, _ = late.Step(0)
	late.Kill(0)
	if !w.residual("copier") {
		t.Fatal("it has stored nothing")
	}
	w.run(3*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft || w.residual("copier") {
		t.Errorf("it is %s, and the secret is there still", d.State)
	}
}

// Whoever quarantined a slot in its host's record and was killed then is made up for: nobody looks into it for ever.
func TestAQuarantineThatWasCutShortIsMadeUpFor(t *testing.T) {
	for kind, host := range map[pool.Kind]pool.HostID{pool.Share: "share-standard-1", pool.Database: "database-standard-1"} {
		w := graced(t)
		for done := false; !done; {
			w.run(0, w.once)
			c, err := w.ledger.Clearance(t.Context(), clearanceOf("acme.markacme", kind))
			done = err == nil && c.Step == pool.StepProve
		}
		before := w.host(host)
		after, _, err := pool.QuarantineSlot(before, w.clearance(kind), w.now)
		w.must(err)
		w.must(w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
		w.run(time.Hour, w.once)
		if c := w.clearance(kind); c.State != pool.ClearanceQuarantined || len(w.topic.Notes()) != 1 {
			t.Errorf("the %s is %s at %q: %s; told %v", kind, c.State, c.Step, c.Error, w.topic.Notes())
		}
	}
}
