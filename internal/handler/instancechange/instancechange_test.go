package instancechange

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/adapter/queue"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// wants compares what is with what is wanted.
func wants(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// steps are the calls that change something outside, and what is said, in order.
func (w *world) steps() []string {
	var made []string
	w.drain(func(operation string, do func() error) error {
		err := do()
		if operation == "SetClients" || operation == "Admit" || operation == "Evict" || operation == "Publish" {
			if operation == "SetClients" {
				operation += " " + w.clients("acme")
			}
			made = append(made, operation)
		}
		return err
	})
	return made
}

func TestAMachineIsReplaced(t *testing.T) {
	for _, late := range []int{0, 1, 3} {
		t.Run(fmt.Sprintf("seen after %d looks", late), func(t *testing.T) {
			w := newWorld(t, late)
			w.ready("acme", "10.0.0.1")
			w.wish("acme", "10.0.0.2", "10.0.0.1")
			made := w.steps()
			var order []string // without repetitions
			for _, m := range made {
				if len(order) == 0 || order[len(order)-1] != m {
					order = append(order, m)
				}
			}
			wants(t, "in order", order, []string{
				"Admit", "SetClients 10.0.0.1 10.0.0.2", "Publish", "Admit", "SetClients 10.0.0.2", "Evict", "Publish", "Admit",
			})
			wants(t, "said", w.said(), []string{"acme +10.0.0.2 - =10.0.0.1,10.0.0.2", "acme + -10.0.0.1 =10.0.0.2"})
			wants(t, "let in", w.clients("acme")+", "+w.rules(), "10.0.0.2, 10.0.0.2")
			if tenant := w.tenant("acme"); tenant.Progress != (pool.Progress{}) || !w.free("10.0.0.1") || w.free("10.0.0.2") {
				t.Errorf("it is at %+v, the old address is free: %v, the new one: %v", tenant.Progress, w.free("10.0.0.1"), w.free("10.0.0.2"))
			}
		})
	}
}

func TestTheHistorySaysByWhomAndWhyAddressesChanged(t *testing.T) {
	for name, test := range map[string]struct{ sender, more, why string }{
		"all of it":        {"AROAX:jo", `,"reason":"a new image","requestedBy":"fleet"`, ", by fleet (sent by AROAX:jo): a new image"},
		"a system's":       {"AROAX:ops", "", ", by AROAX:ops"},
		"a reason only":    {"", `,"reason":"a new image"`, ": a new image"},
		"nobody's, for no": {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 0)
			w.ready("acme", "10.0.0.1")
			w.must(w.handler(undisturbed).Message(t.Context(), events.Delivery{
				ID: "m-1", Sender: test.sender, SentAt: w.now, Queue: "headroom-changes",
				Body: `{"version":"1","type":"InstanceChangeRequested","tenantId":"acme","add":["10.0.0.2"],"remove":["10.0.0.1"]` + test.more + `}`,
			}))
			var said []string
			for _, e := range w.tenant("acme").History {
				if e.What == "addresses" {
					said = append(said, e.Why)
				}
			}
			wants(t, "history", said, []string{"coming 10.0.0.2, going 10.0.0.1" + test.why + " (message m-1)"})
		})
	}
}

func TestAMachineIsReplacedByTwoMessages(t *testing.T) {
	w := newWorld(t, 1)
	w.ready("acme", "10.0.0.1")
	w.wish("acme", "10.0.0.2", "")
	w.drain(undisturbed)
	wants(t, "said", w.said(), []string{"acme +10.0.0.2 - =10.0.0.1,10.0.0.2"})
	wants(t, "let in", w.clients("acme")+", "+w.rules(), "10.0.0.1 10.0.0.2, 10.0.0.1 10.0.0.2")
	if tenant := w.tenant("acme"); tenant.Step != pool.StepOverlap || tenant.Due.Sub(w.now) > term || tenant.Due.Sub(w.now) < term-time.Hour {
		t.Errorf("it is at %+v", tenant.Progress)
	}
	w.wish("acme", "", "10.0.0.1")
	w.drain(undisturbed)
	wants(t, "said then", w.said()[1:], []string{"acme + -10.0.0.1 =10.0.0.2"})
	wants(t, "let in then", w.clients("acme")+", "+w.rules(), "10.0.0.2, 10.0.0.2")
	wants(t, "at rest", w.tenant("acme").Progress, pool.Progress{})
}

// The old machine's address is given to another customer, on the same gateway.
func TestAnAddressThatIsOutCanBeAnotherTenants(t *testing.T) {
	w := newWorld(t, 0)
	w.ready("acme", "10.0.0.1")
	w.wish("acme", "10.0.0.2", "10.0.0.1")
	w.drain(undisturbed)
	w.ready("other", "10.0.0.1")
	wants(t, "let in", w.clients("acme")+", "+w.clients("other")+", "+w.rules(), "10.0.0.2, 10.0.0.1, 10.0.0.1 10.0.0.2")
	w.wish("acme", "10.0.0.1", "")
	w.drain(undisturbed)
	wants(t, "rejected", w.rejected(), []string{"acme add has number 1, which belongs to another tenant"})
	wants(t, "let in still", w.clients("acme")+", "+w.clients("other"), "10.0.0.2, 10.0.0.1")
}

func TestWhatIsRefusedIsKeptAndSaidAndChangesNothing(t *testing.T) {
	for name, test := range map[string]struct{ tenant, add, remove, reason string }{
		"an unknown tenant":             {"nobody", "10.0.0.9", "", "nobody tenantId is unknown"},
		"another tenant's address":      {"acme", "10.0.0.8 10.0.0.5", "", "acme add has number 2, which belongs to another tenant"},
		"an address where no one lives": {"acme", "192.0.2.7", "", "acme add has number 1, which is in none of the networks where instances live: 10.0.0.0/8"},
		"a gateway's own address":       {"acme", "10.0.0.8 10.200.0.1", "", "acme add has number 2, which is in the network 10.200.0.0/16, where gateways and databases live"},
		"its last address":              {"acme", "", "10.0.0.1", "acme remove takes the tenant's last address: it leaves by being decommissioned"},
		"an address that it never had":  {"acme", "10.0.0.8", "10.0.0.5", "acme remove has number 1, which is no address of the tenant"},
		"too many":                      {"acme", "10.0.0.6 10.0.0.7 10.0.0.8 10.0.0.9 10.0.0.10", "", "acme add makes it 6 addresses, with those on their way out: a tenant has 5 at most"},
		"nothing":                       {"acme", "", "", "acme add is missing, and so is remove"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 0)
			w.ready("acme", "10.0.0.1")
			w.ready("other", "10.0.0.5")
			before := w.tenant("acme")
			w.wish(pool.TenantID(test.tenant), test.add, test.remove)
			body := w.changes.Messages()[0].Body
			w.drain(undisturbed)
			wants(t, "rejected", w.rejected(), []string{test.reason})
			kept := w.refused.Messages()
			if len(kept) != 1 || kept[0].Body != body || !strings.Contains(test.reason, kept[0].Attributes["field"]+" "+kept[0].Attributes["reason"]) {
				t.Errorf("kept: %+v", kept)
			}
			after := w.tenant("acme")
			after.Version = before.Version // which moves when an address is freed
			wants(t, "its record", after, before)
			for _, address := range strings.Fields(test.add) {
				if address != "10.0.0.5" && !w.free(address) {
					t.Errorf("%s was registered, and stays so", address)
				}
			}
		})
	}
}

func TestWhatIsNoWishIsRefused(t *testing.T) {
	step := `{"version":"1","type":"Step","of":"tenant","id":"acme","step":"evict","try":1}`
	w := newWorld(t, 0)
	w.ready("acme", "10.0.0.1")
	for body, field := range map[string]string{
		"not JSON": "body", `{"version":"1"}`: "type", step: "type",
		`{"version":"1","tenantId":"acme","tier":"standard","instanceIp":"10.0.0.1"}`: "type",
	} {
		err := w.handler(undisturbed).Message(t.Context(), events.Delivery{ID: "m", Body: body, Queue: "headroom-changes"})
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		kept := w.refused.Messages()
		if last := kept[len(kept)-1]; last.Body != body || last.Attributes["field"] != field {
			t.Errorf("%s: kept as %+v", body, last)
		}
	}
}

func TestATenantThatHasLeftIsUnknown(t *testing.T) {
	w := newWorld(t, 0)
	w.ready("acme", "10.0.0.1")
	before := w.tenant("acme")
	left, err := pool.MoveTenant(before, pool.TenantLeft, w.now, "test")
	w.must(err)
	_, err = w.ledger.SaveTenant(t.Context(), before, left)
	w.must(err)
	w.wish("acme", "10.0.0.2", "")
	w.drain(undisturbed)
	wants(t, "rejected", w.rejected(), []string{"acme tenantId is unknown"})
	if !w.free("10.0.0.2") {
		t.Error("an address was registered for it")
	}
}

func TestTheSameMessageAgainDoesNoHarm(t *testing.T) {
	w := newWorld(t, 0)
	w.ready("acme", "10.0.0.1")
	w.wish("acme", "10.0.0.2", "10.0.0.1")
	first, _ := w.changes.Receive(time.Nanosecond)
	w.now = w.now.Add(time.Second)
	w.drain(undisturbed)
	w.wish("acme", "10.0.0.3", "10.0.0.2")
	w.drain(undisturbed)
	before := w.tenant("acme")
	if err := w.handler(undisturbed).Message(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	w.drain(undisturbed)
	after := w.tenant("acme")
	after.Version = before.Version // which moves when an address is freed
	wants(t, "its record", after, before)
	wants(t, "let in", w.clients("acme")+", "+w.rules(), "10.0.0.3, 10.0.0.3")
	wants(t, "rejected", w.rejected(), []string(nil))
}

// A dead letter is sent again long after something else was asked for. To SQS it is a new message.
func TestAWishThatIsSentAgainBringsNoRemovedAddressBack(t *testing.T) {
	for name, test := range map[string]struct {
		says bool // it says when it was sent at first
		want string
	}{"which says when it was sent at first": {true, "10.0.0.1"}, "taken for a new one": {false, "10.0.0.1 10.0.0.2"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 0)
			w.ready("acme", "10.0.0.1")
			w.wish("acme", "10.0.0.2", "")
			dead, _ := w.changes.Receive(time.Nanosecond)
			w.changes.Delete(dead.ID)
			w.now = w.now.Add(time.Second)
			w.wish("acme", "10.0.0.2", "")
			w.drain(undisturbed)
			w.now = w.now.Add(time.Hour)
			w.wish("acme", "", "10.0.0.2")
			w.drain(undisturbed)
			w.now = w.now.Add(time.Hour)
			kept := dead.Kept(&events.FieldError{Field: "add", Reason: "was refused"})
			if !test.says {
				kept = nil
			}
			w.must((&queue.Sender{Client: w.changes, URL: "url"}).SendRaw(t.Context(), dead.Body, kept))
			w.drain(undisturbed)
			wants(t, "let in", w.clients("acme"), test.want)
			if w.free("10.0.0.2") != test.says {
				t.Error("the address is not free, or not its own")
			}
		})
	}
}

func TestAnAddressThatIsBeingPutOutComesLater(t *testing.T) {
	w := newWorld(t, 0)
	w.ready("acme", "10.0.0.1")
	w.wish("acme", "10.0.0.2", "")
	w.drain(undisturbed)
	w.fail["Evict"] = errNotNow
	w.wish("acme", "", "10.0.0.1")
	d, _ := w.changes.Receive(time.Hour)
	w.must(w.handler(undisturbed).Message(t.Context(), d))
	w.changes.Delete(d.ID)
	w.now = w.now.Add(time.Second)
	w.put(w.changes, `{"version":"1","type":"InstanceChangeRequested","tenantId":"acme","add":["10.0.0.1"]}`)
	var again events.Delivery
	for _, m := range w.changes.Messages() {
		if strings.Contains(m.Body, `"add"`) {
			again = events.Delivery{ID: m.ID, Body: m.Body, Queue: queueOf, SentAt: w.now}
		}
	}
	if err := w.handler(undisturbed).Message(t.Context(), again); err == nil || len(w.rejected()) != 0 {
		t.Errorf("answered %v, rejected %v", err, w.rejected())
	}
	delete(w.fail, "Evict")
	w.drain(undisturbed)
	w.now = w.now.Add(visibility)
	w.must(w.handler(undisturbed).Message(t.Context(), again))
	w.drain(undisturbed)
	wants(t, "let in", w.rules(), "10.0.0.1 10.0.0.2")
}

const queueOf = "headroom-changes"

// A share that somebody sets who has read the record before.
func TestWhatSomebodyLateHasSetIsSetRight(t *testing.T) {
	w := newWorld(t, 0)
	w.ready("acme", "10.0.0.1")
	old := w.tenant("acme")
	w.wish("acme", "10.0.0.2", "10.0.0.1")
	for w.tenant("acme").Step != pool.StepConfirm {
		d, _ := w.changes.Receive(time.Hour)
		w.must(w.handler(undisturbed).Message(t.Context(), d))
		w.changes.Delete(d.ID)
	}
	at, ok := w.changes.Next()
	if !ok || at.Sub(w.now) < 30*time.Second {
		t.Errorf("it is looked at once more after %s", at.Sub(w.now))
	}
	host, err := w.ledger.Host(t.Context(), old.Share.Host)
	w.must(err)
	share, _ := host.ShareRef(old.Share.Index)
	w.must(outside{w, undisturbed}.SetClients(t.Context(), share, old.Clients()))
	w.must(outside{w, undisturbed}.Evict(t.Context(), group, "10.0.0.2"))
	w.drain(undisturbed)
	if got := w.clients("acme"); got != "10.0.0.2" || !strings.Contains(w.rules(), "10.0.0.2") {
		t.Errorf("let in: %s, %s", got, w.rules())
	}
}

func TestAChangeOfATenantThatWaitsIsGoneOnWithOnceItIsReady(t *testing.T) {
	w := newWorld(t, 0)
	w.fail["Claim"] = pool.ErrEmpty
	w.fail["ClaimAll"] = pool.ErrEmpty
	w.fail["Secret"] = errNotNow
	w.ask("acme", "10.0.0.1")
	d, _ := w.signups.Receive(time.Minute)
	_ = w.message(w.signups, d, undisturbed)
	if state := w.tenant("acme").State; state == pool.TenantReady {
		t.Fatalf("it is %s", state)
	}
	w.wish("acme", "10.0.0.2", "10.0.0.1")
	change, _ := w.changes.Receive(time.Hour)
	w.must(w.message(w.changes, change, undisturbed))
	w.changes.Delete(change.ID)
	clear(w.fail)
	w.drain(undisturbed)
	for range 3 {
		w.now = w.now.Add(10 * time.Minute)
		w.retryOverdue("acme")
		w.drain(undisturbed)
	}
	wants(t, "let in", w.clients("acme")+", "+w.rules(), "10.0.0.2, 10.0.0.2")
	wants(t, "said", w.said(), []string{"acme +10.0.0.2 - =10.0.0.2", "acme + -10.0.0.1 =10.0.0.2"})
	if tenant := w.tenant("acme"); tenant.Progress != (pool.Progress{}) || !w.free("10.0.0.1") || len(w.bus.Of("StorageReady")) == 0 {
		t.Errorf("it is at %+v, the old address is free: %v", tenant.Progress, w.free("10.0.0.1"))
	}
}

func TestEveryRefusalOfAServiceIsGoneThrough(t *testing.T) {
	for _, operation := range []string{"Terms", "Tenant", "Register", "SaveTenant", "Host", "Admit", "SetClients", "Serves", "Evict", "Unregister", "Publish", "Send"} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld(t, 0)
			w.ready("acme", "10.0.0.1")
			w.wish("acme", "10.0.0.2", "10.0.0.1")
			w.fail[operation] = errNotNow
			for range 4 {
				if d, ok := w.changes.Receive(time.Second); ok {
					if err := w.message(w.changes, d, undisturbed); err == nil {
						w.changes.Delete(d.ID)
					}
				}
				w.now = w.now.Add(time.Minute)
			}
			delete(w.fail, operation)
			w.drain(undisturbed)
			for range 3 {
				w.now = w.now.Add(10 * time.Minute)
				w.retryOverdue("acme")
				w.drain(undisturbed)
			}
			wants(t, "let in", w.clients("acme")+", "+w.rules(), "10.0.0.2, 10.0.0.2")
			if tenant := w.tenant("acme"); tenant.Progress != (pool.Progress{}) || !w.free("10.0.0.1") {
				t.Errorf("it is at %+v", tenant.Progress)
			}
		})
	}
}

func TestAllTenantsOfAGatewayRollAtOnce(t *testing.T) {
	w := newWorld(t, 1)
	for n := range slots {
		w.ready(pool.TenantID(fmt.Sprint("t", n)), fmt.Sprintf("10.0.%d.1", n))
	}
	for n := range slots {
		w.wish(pool.TenantID(fmt.Sprint("t", n)), fmt.Sprintf("10.0.%[1]d.2 10.0.%[1]d.3 10.0.%[1]d.4 10.0.%[1]d.5", n), "")
	}
	w.drain(undisturbed)
	if most := len(w.groups.Rules(group)); most != slots*pool.AddressesMost || most > 60-10 {
		t.Errorf("%d rules", most)
	}
	for n := range slots {
		w.wish(pool.TenantID(fmt.Sprint("t", n)), "", fmt.Sprintf("10.0.%[1]d.1 10.0.%[1]d.2 10.0.%[1]d.3 10.0.%[1]d.4", n))
	}
	w.drain(undisturbed)
	for n := range slots {
		id := pool.TenantID(fmt.Sprint("t", n))
		wants(t, string(id)+" lets in", w.clients(id), fmt.Sprintf("10.0.%d.5", n))
	}
	if rules := len(w.groups.Rules(group)); rules != slots || len(w.rejected()) != 0 {
		t.Errorf("%d rules are left, rejected %v", rules, w.rejected())
	}
}

// The rule of an address that has become the next tenant's is not the last one's to take away.
func TestWhoIsLateTakesNoRuleAway(t *testing.T) {
	w := newWorld(t, 0)
	w.ready("acme", "10.0.0.1")
	w.wish("acme", "10.0.0.2", "10.0.0.1")
	d, _ := w.changes.Receive(time.Hour)
	s := &killtest.Schedule{}
	s.Start(func(call killtest.Call) error { return w.handler(call).Message(t.Context(), d) })
	for made := ""; made != "Serves" || s.Next(0) != "Tenant"; { // it is about to look whether it may take the rule away
		made = s.Next(0)
		if ended, err := s.Step(0); ended || err != nil {
			t.Fatalf("it ended: %v", err)
		}
	}
	w.now = w.now.Add(10 * time.Minute)
	w.retryOverdue("acme")
	w.drain(undisturbed)
	w.ready("other", "10.0.0.1")
	for s.Running() > 0 {
		_, _ = s.Step(0)
	}
	wants(t, "let in", w.clients("acme")+", "+w.clients("other")+", "+w.rules(), "10.0.0.2, 10.0.0.1, 10.0.0.1 10.0.0.2")
}

func TestTheSameMessageAgainHurriesNothing(t *testing.T) {
	w := newWorld(t, 0)
	w.ready("acme", "10.0.0.1")
	w.wish("acme", "10.0.0.2", "10.0.0.1")
	d, _ := w.changes.Receive(time.Hour)
	for range 2 {
		w.must(w.handler(undisturbed).Message(t.Context(), d))
		if step := w.tenant("acme").Step; step != pool.StepConfirm {
			t.Errorf("it is at step %q", step)
		}
	}
}

// TestAnAddressIsNobodysWhileAnEarlierLifeIsReachedByIt has a name leave, at a gateway that is down, and sign up again: the share
// of before is open to the address still that it gives up then.
func TestAnAddressIsNobodysWhileAnEarlierLifeIsReachedByIt(t *testing.T) {
	shut := func(d pool.Departure) pool.Departure {
		return d.Proven(pool.StepUpload, start, "shut").Proven(pool.StepArchive, start, "uploaded")
	}
	for what, test := range map[string]struct {
		before, after func(pool.Departure) pool.Departure // what becomes of the departure, before and after the address is given up
		free, finally bool
	}{
		"it is open":                       {before: func(d pool.Departure) pool.Departure { return d }},
		"it was shut before":               {before: shut, free: true, finally: true},
		"it is shut before that is over":   {before: func(d pool.Departure) pool.Departure { return d }, after: shut, finally: true},
		"it is not known to stay shut yet": {before: func(d pool.Departure) pool.Departure { return d.Proven(pool.StepUpload, start, "shut") }},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, 0)
			w.ready("acme", "10.0.0.1")
			w.now = w.now.Add(time.Minute)
			first := w.tenant("acme")
			left, d, err := pool.Leave(first, pool.Departure{RequestedAt: w.now, Reason: "it ended", RequestedBy: "ops"}, pool.DefaultTerms, w.now)
			w.must(err)
			w.must(w.ledger.Depart(t.Context(), first, left, d))
			change := func(become func(pool.Departure) pool.Departure) {
				if now, err := w.ledger.Departure(t.Context(), d.ID()); err == nil && become != nil {
					_, err = w.ledger.SaveDeparture(t.Context(), now, become(now))
					w.must(err)
				}
			}
			change(test.before)
			w.now, w.mark = w.now.Add(time.Minute), "another"
			w.ready("acme", "10.0.0.1")
			w.now = w.now.Add(time.Minute)
			w.wish("acme", "10.0.0.2", "10.0.0.1")
			freed := false
			w.drain(func(operation string, do func() error) error {
				err := do()
				if said := w.said(); operation == "Publish" && len(said) == 2 && !freed {
					freed = true
					wants(t, "free when it is said to be out", w.free("10.0.0.1"), test.free)
					change(test.after)
				}
				return err
			})
			wants(t, "said", w.said(), []string{"acme +10.0.0.2 - =10.0.0.1,10.0.0.2", "acme + -10.0.0.1 =10.0.0.2"})
			wants(t, "free in the end", w.free("10.0.0.1"), test.finally)
		})
	}
}
