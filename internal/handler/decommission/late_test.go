package decommission

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// stall handles a message up to a call, and returns what goes on with that: meanwhile others are at work.
func (w *world) stall(d events.Delivery, operation string) (goOn func()) {
	w.t.Helper()
	s := &killtest.Schedule{}
	s.Start(func(call killtest.Call) error { return w.handler(call).Message(context.Background(), d) })
	for s.Running() > 0 && s.Next(0) != operation {
		_, _ = s.Step(0)
	}
	if s.Running() == 0 {
		w.t.Fatal("it makes no call " + operation)
	}
	return func() {
		for s.Running() > 0 {
			_, _ = s.Step(0)
		}
	}
}

// request is the message that has acme leave, delivered now.
func (w *world) request() events.Delivery {
	return events.Delivery{
		ID: "request", Queue: "decommission", SentAt: w.now,
		Body: `{"version":"1","type":"DecommissionRequested","tenantId":"acme","reason":"its contract ended","requestedBy":"billing"}`,
	}
}

// Whoever was shutting the tenant out when that was undone does not have the last word.
func TestAnUndoOutlastsWhoWasShuttingTheTenantOut(t *testing.T) {
	for _, operation := range []string{"SaveHost", "Close", "SetClients", "Evict", "SaveDeparture"} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld(t)
			before := w.tenant("acme")
			goOn := w.stall(w.request(), operation)
			w.now = w.now.Add(time.Second)
			w.undo("acme")
			w.run(30*time.Second, w.once)
			if after := w.tenant("acme"); after.State != pool.TenantReady {
				t.Fatalf("it is %s", after.State)
			}
			goOn()
			w.run(10*time.Minute, w.once)
			w.asBefore(t, before)
			if d := w.departure("acme.markacme"); d.State != pool.DepartureUndone {
				t.Errorf("its departure is %s at %q: %s", d.State, d.Step, d.Error)
			}
			if said := w.said(); said != "TenantClosed TenantReopened" && said != "TenantReopened" {
				t.Errorf("said %s", said)
			}
		})
	}
}

// Nor does whoever was letting a copier in.
func TestAnUndoOutlastsWhoWasLettingACopierIn(t *testing.T) {
	for _, operation := range []string{"SaveBays", "Copier", "GrantCopier", "Run", "SaveDeparture"} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld(t)
			w.cluster.Program = func(taskstest.Task) int { return taskstest.Running }
			before := w.tenant("acme")
			w.ask("acme", "")
			w.until(func(d pool.Departure) bool { return d.Uploads != "" })
			var event events.Delivery
			for _, m := range w.steps.Messages() {
				if events.TypeOf([]byte(m.Body)) == events.TypeFileUpload {
					event = queuetest.Delivery(m)
					w.steps.Delete(m.ID)
				}
			}
			s := &killtest.Schedule{}
			s.Start(func(call killtest.Call) error { return w.handler(call).Message(context.Background(), event) })
			_, _ = s.Step(0)
			for s.Running() > 0 && !(s.Next(0) == operation && w.departure("acme.markacme").Step == pool.StepArchive) {
				_, _ = s.Step(0)
			}
			if s.Running() == 0 {
				t.Fatal("it makes no call " + operation)
			}
			w.now = w.now.Add(time.Second)
			w.undo("acme")
			w.run(30*time.Second, w.once)
			for s.Running() > 0 {
				_, _ = s.Step(0)
			}
			w.run(10*time.Minute, w.once)
			w.asBefore(t, before)
			if w.residual("copier") {
				t.Error("a copier is left")
			}
			if bays, _ := w.ledger.Bays(t.Context()); len(bays.Taken) > 1 {
				t.Errorf("bays: %v", bays.Taken)
			}
		})
	}
}

// An undo that was given up goes on when it is asked for again, by either message.
func TestAnUndoThatWasGivenUpGoesOn(t *testing.T) {
	for name, again := range map[string]func(*world){"undo": func(w *world) { w.undo("acme") }, "leave": func(w *world) { w.ask("acme", "") }} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			before := w.tenant("acme")
			w.ask("acme", "")
			w.run(10*time.Minute, w.once)
			w.fail["Reopen"] = errNotNow
			w.undo("acme")
			w.run(2*time.Hour, w.once)
			if d := w.departure("acme.markacme"); d.State != pool.DepartureUndoing || d.Stuck != pool.StepReopen || w.stuck != 1 {
				t.Fatalf("it is %s, stuck at %q; told %d times", d.State, d.Stuck, w.stuck)
			}
			delete(w.fail, "Reopen")
			again(w)
			w.run(5*time.Minute, w.once)
			d := w.departure("acme.markacme")
			if d.State != pool.DepartureUndone {
				t.Fatalf("it is %s at %q: %s", d.State, d.Step, d.Error)
			}
			if w.asBefore(t, before); len(w.refused.Messages()) > 0 {
				t.Errorf("refused: %v", w.refused.Messages())
			}
		})
	}
}

// A tenant that is let in again can leave again at once.
func TestATenantThatWasLetInAgainLeavesAgain(t *testing.T) {
	w := newWorld(t)
	w.inspect = func(what, name string) { w.mayDestroy(t, what, name) }
	w.short()
	w.ask("acme", "")
	w.run(10*time.Minute, w.once)
	w.undo("acme")
	for w.said() != "TenantClosed TenantReopened" {
		w.run(0, w.once)
	}
	var stale events.Delivery // of the undo, that looks again
	for _, m := range w.steps.Messages() {
		if strings.Contains(m.Body, `"step":"reopen"`) {
			stale = queuetest.Delivery(m)
		}
	}
	w.ask("acme", "")
	w.run(30*time.Second, w.once)
	first, second := w.departure("acme.markacme"), w.departure("acme.markacme-1")
	if first.State != pool.DepartureUndone || second.State != pool.DepartureLeaving || !second.Done(pool.StepShut) {
		t.Fatalf("the first is %s, the second %s at %q", first.State, second.State, second.Step)
	}
	stale.Redelivered = true
	w.must(w.once(stale))
	w.run(3*time.Hour, w.once)
	if second = w.departure(second.ID()); second.State != pool.DepartureLeft || len(w.residue()) > 0 || w.residual("copier") {
		t.Errorf("it is %s at %q: %s; left: %v", second.State, second.Step, second.Error, w.residue())
	}
}

// It is said to be closed once it is: neither while its sessions end, nor while its share is updated, which takes a moment
// that begins anew whenever its list is set.
func TestATenantIsSaidToBeClosedOnceItIs(t *testing.T) {
	w := newWorld(t)
	w.gateways.Late = 3
	set := 0
	w.call = func(operation string, do func() error) error {
		if operation == "SetClients" {
			set++
		}
		return do()
	}
	w.fail["Closed"] = pool.ErrDatabaseOpen
	w.ask("acme", "")
	w.run(time.Minute, w.once)
	if said := w.said(); said != "" || w.departure("acme.markacme").Step != pool.StepShut {
		t.Errorf("said %q while sessions go on", said)
	}
	delete(w.fail, "Closed")
	w.run(time.Minute, w.once)
	if said := w.said(); said != "TenantClosed" {
		t.Errorf("said %q", said)
	}
	w.undo("acme")
	w.run(5*time.Minute, w.once)
	if said := w.said(); said != "TenantClosed TenantReopened" || set > 2 {
		t.Errorf("said %q; its list was set %d times", said, set)
	}
}

// An address that is let in for the tenant's next life, while whoever puts it out is about it, is let in in the end.
func TestARuleThatTheNextLifeNeedsIsPutBack(t *testing.T) {
	for _, operation := range []string{"Evict", "Tenant"} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld(t)
			w.opensUp()
			s := &killtest.Schedule{}
			d := w.request()
			s.Start(func(call killtest.Call) error { return w.handler(call).Message(context.Background(), d) })
			closed := false
			for s.Running() > 0 && !(closed && s.Next(0) == operation) {
				closed = closed || s.Next(0) == "Close"
				_, _ = s.Step(0)
			}
			if s.Running() == 0 {
				t.Fatal("it makes no call " + operation)
			}
			w.now = w.now.Add(time.Second)
			w.signsUp("acme", "10.0.0.1")
			w.run(10*time.Second, func(events.Delivery) error { return nil })
			again := w.tenant("acme")
			if again.State != pool.TenantReady || again.Share.Host != "share-standard-1" {
				t.Fatalf("it is %s at %q", again.State, again.Share.Host)
			}
			for s.Running() > 0 {
				_, _ = s.Step(0)
			}
			w.run(2*time.Minute, w.once)
			if rules := w.groups.Rules("sg-1"); !slices.Contains(rules, rule("10.0.0.1")) {
				t.Errorf("rules: %v", rules)
			}
		})
	}
}

// While somebody may still let the tenant in again, nothing is archived.
func TestNothingIsArchivedWhileSomebodyMayLetTheTenantIn(t *testing.T) {
	w := newWorld(t)
	w.ask("acme", "")
	w.run(40*time.Second, w.once)
	if d := w.departure("acme.markacme"); d.Step != pool.StepUpload || d.Uploads != "" {
		t.Fatalf("it is at %q", d.Step)
	}
	// A signup that was cut short opens it once more.
	d := w.departure("acme.markacme")
	w.servers[d.Tenant.Database.Address].databases[d.Tenant.Database.Name].login = true
	ref, _ := w.host("share-standard-1").ShareRef(1)
	h := w.handler(undisturbed)
	w.must(h.Access.Set(t.Context(), d.Tenant, ref, "sg-1"))
	w.run(10*time.Minute, w.once)
	d = w.departure(d.ID())
	if d.Step != pool.StepGrace || !slices.ContainsFunc(d.History, func(e pool.Entry) bool { return e.What == "back to shut" }) {
		t.Fatalf("it is at %q: %v", d.Step, d.History)
	}
	if has := w.servers[d.Tenant.Database.Address].databases[d.Tenant.Database.Name]; has.login {
		t.Error("its login is on")
	}
	for _, share := range w.gateways.Shares() {
		if share.ID == ref.ID && !slices.Equal(share.Clients, []string{nobody}) {
			t.Errorf("its share is open to %v", share.Clients)
		}
	}
	if rules := w.groups.Rules("sg-1"); len(rules) > 0 {
		t.Errorf("rules: %v", rules)
	}
}

// The gateway says that all is uploaded as often as it likes, and as late; and is asked again when it does not.
func TestTheGatewaysWord(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*world, string)
		step  pool.Step
		stuck pool.Step
	}{
		"it is doubled":            {func(w *world, _ string) { w.gateways.Doubled = true }, pool.StepGrace, ""},
		"it is late":               {func(w *world, _ string) { w.gateways.Late = 100 }, pool.StepGrace, ""},
		"a file fails to upload":   {func(w *world, arn string) { w.gateways.Hold(arn, true); w.gateways.Write(arn, "folder/late file") }, "", pool.StepUpload},
		"it can't be asked":        {func(w *world, _ string) { w.gateways.Away(w.host("share-standard-1").Access.Gateway, true) }, "", pool.StepUpload},
		"it can't be asked for it": {func(w *world, _ string) { w.fail["NotifyWhenUploaded"] = errNotNow }, "", pool.StepUpload},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.terms.Grace = pool.Term(100 * time.Hour)
			var arn string
			for _, share := range w.gateways.Shares() {
				if share.ID == w.slot("share-standard-1", 1).Share {
					arn = share.ARN
				}
			}
			test.spoil(w, arn)
			w.ask("acme", "")
			w.run(27*time.Hour, w.once)
			d := w.departure("acme.markacme")
			if d.Step != test.step || d.Stuck != test.stuck || (w.stuck > 0) != (test.stuck != "") {
				t.Fatalf("it is at %q, stuck at %q: %s; told %d times", d.Step, d.Stuck, d.Error, w.stuck)
			}
			w.gateways.Hold(arn, false)
			w.gateways.Away(w.host("share-standard-1").Access.Gateway, false)
			delete(w.fail, "NotifyWhenUploaded")
			w.ask("acme", "")
			w.run(time.Hour, w.once)
			if d = w.departure("acme.markacme"); d.Step != pool.StepGrace {
				t.Errorf("it is at %q: %s", d.Step, d.Error)
			}
		})
	}
}

// A notification of a share that is nobody's, is gone, or says something else is no matter.
func TestNotificationsThatNobodyWaitsFor(t *testing.T) {
	w := newWorld(t)
	ref, _ := w.host("share-standard-1").ShareRef(2)
	h := w.handler(undisturbed)
	for _, share := range []pool.ShareRef{ref, {Gateway: ref.Gateway, ID: "share-99999999"}} {
		if err := h.uploaded(t.Context(), []string{"arn:aws:storagegateway:eu-west-1:123456789012:share/" + share.ID, share.Gateway}, events.FileUpload{EventType: events.FileUploadComplete, NotificationID: "n"}); err != nil {
			t.Errorf("%s: %v", share.ID, err)
		}
	}
	if err := h.uploaded(t.Context(), nil, events.FileUpload{EventType: "something-else"}); err != nil {
		t.Error(err)
	}
}

// An answer to a question that was asked before the tenant was shut out once more says nothing of what was written since.
func TestOnlyAnswersToItsOwnQuestionsCount(t *testing.T) {
	w := newWorld(t)
	for _, share := range w.gateways.Shares() { // it does not answer by itself
		w.gateways.Hold(share.ARN, true)
		w.gateways.Write(share.ARN, "late")
	}
	w.ask("acme", "")
	w.until(func(d pool.Departure) bool { return d.Uploads != "" })
	first := w.departure("acme.markacme").Uploads
	ref, _ := w.host("share-standard-1").ShareRef(1)
	answer := func(id string) pool.Step {
		w.must(w.handler(undisturbed).uploaded(t.Context(), []string{"arn:aws:storagegateway:eu-west-1:123456789012:share/" + ref.ID, ref.Gateway},
			events.FileUpload{EventType: events.FileUploadComplete, NotificationID: id, RequestReceived: events.At(w.now), Completed: events.At(w.now)}))
		return w.departure("acme.markacme").Step
	}
	if step := answer("another"); step != pool.StepUpload {
		t.Errorf("after an answer to nobody's question it is at %q", step)
	}
	d := w.departure("acme.markacme")
	for what, open := range map[string]func(){
		"login": func() { w.servers[d.Tenant.Database.Address].databases[d.Tenant.Database.Name].login = true },
		"share": func() { w.must(w.handler(undisturbed).Access.Set(t.Context(), d.Tenant, ref, "sg-1")) },
	} {
		first = w.departure(d.ID()).Uploads
		open()
		w.until(func(d pool.Departure) bool { return d.Uploads != first && d.Step == pool.StepUpload })
		if step := answer(strings.Fields(first)[0]); step != pool.StepUpload {
			t.Fatalf("after an answer to a question from before its %s was shut again it is at %q", what, step)
		}
		w.until(func(d pool.Departure) bool { return d.Uploads != "" })
	}
	w.run(10*time.Minute, w.once) // and is asked again
	ids := strings.Fields(w.departure("acme.markacme").Uploads)
	if len(ids) < 2 {
		t.Fatalf("it has asked %v", ids)
	}
	if step := answer(ids[0]); step == pool.StepUpload {
		t.Error("an answer that took longer than it takes to ask again is not heard")
	}
}
