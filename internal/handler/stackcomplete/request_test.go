package stackcomplete

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

// quarantined makes a world with a host that was given up at a step.
func quarantined(t *testing.T, life *killtest.Life, state pool.HostState, step pool.Step) (w *world, id pool.HostID, stack string) {
	t.Helper()
	w = newWorld(t, life, 0)
	id, stack = w.order(sharePool, 2)
	w.change(id, func(h pool.Host) pool.Host {
		h.State = state
		h = pool.Begin(h, step, w.now)
		h.Tries = pool.MaxTries
		h, _, err := pool.Overdue(h, h.Due)
		w.must(err)
		return pool.Rest(h)
	})
	if s := w.host(id).State; s != pool.HostQuarantined {
		t.Fatalf("host is %s", s)
	}
	return w, id, stack
}

func ask(id pool.HostID, action string) string {
	return fmt.Sprintf(`{"version":"1","type":"HostRequest","hostId":%q,"action":%q,"requestedBy":"jo","reason":"the quota is raised"}`, id, action)
}

// B1: a quarantine is left by a person's word, or when the stack is deleted by hand.
func TestAQuarantinedHostIsReleased(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w, id, stack := quarantined(t, life, pool.HostBuilding, pool.StepBuild)
		w.finish(stack, types.StackStatusCreateComplete, "") // and its event came to a host that was given up
		w.deliver(ask(id, "release"))
		w.drain()
		h := w.host(id)
		if h.State != pool.HostInService || h.Stuck != "" {
			t.Errorf("host is %s, stuck at %q", h.State, h.Stuck)
		}
		said := ""
		for _, entry := range h.History {
			said += entry.Why + "\n"
		}
		if !strings.Contains(said, "release by jo: the quota is raised") {
			t.Errorf("its history does not say who released it:\n%s", said)
		}
		return w.outcome(id, stack)
	}, alike)
}

func TestAQuarantinedHostIsDeletedWhenAPersonSaysSo(t *testing.T) {
	w, id, stack := quarantined(t, &killtest.Life{}, pool.HostPreparing, pool.StepShares)
	w.must(w.handle(ask(id, "delete"), 1))
	w.must(w.handle(ask(id, "delete"), 1)) // twice
	w.deliver(w.finish(stack, types.StackStatusDeleteComplete, ""))
	record, _ := w.ledger.Pool(t.Context(), sharePool)
	if h := w.host(id); h.State != pool.HostDeleted || record.Counters.Hosts != 0 {
		t.Errorf("host is %s, %d count", h.State, record.Counters.Hosts)
	}
}

func TestAQuarantinedHostWhoseStackIsDeletedByHandCountsNoMore(t *testing.T) {
	w, id, stack := quarantined(t, &killtest.Life{}, pool.HostPreparing, pool.StepShares)
	w.deliver(w.finish(stack, types.StackStatusDeleteComplete, ""))
	record, _ := w.ledger.Pool(t.Context(), sharePool)
	if h := w.host(id); h.State != pool.HostDeleted || record.Counters != (pool.Counters{}) || len(w.poolChecks.Messages()) == 0 {
		t.Errorf("host is %s, %+v", h.State, record.Counters)
	}
}

func TestARequestThatMeansNothingChangesNothing(t *testing.T) {
	w, id, _ := serving(t, &killtest.Life{}, sharePool)
	before := w.host(id)
	for _, action := range []string{"release", "delete"} {
		w.must(w.handle(ask(id, action), 1)) // a host with tenants
		w.must(w.handle(ask("share-standard-9", action), 1))
	}
	if err := w.handle(ask(id, "explode"), 1); err == nil || !strings.Contains(err.Error(), "explode") {
		t.Errorf("an unknown action: %v", err)
	}
	if after := w.host(id); after.Version != before.Version {
		t.Errorf("host is %s", after.State)
	}
}

// B9: what is refused for a moment comes again in seconds, and not when the queue shows the message again.
func TestAStepThatFailsIsTriedAgainInSeconds(t *testing.T) {
	for _, key := range []pool.Key{dbPool, sharePool} {
		w := newWorld(t, &killtest.Life{}, 0)
		id, stack := w.order(key, 2)
		refusals := 3
		w.refuse = func(operation string) error {
			if (operation == "MakeSlot" || operation == "CreateShare") && refusals > 0 {
				refusals--
				return errors.New("password authentication failed (28P01)")
			}
			return nil
		}
		w.must(w.handle(w.finish(stack, types.StackStatusCreateComplete, ""), 1))
		began := w.now
		w.drain()
		if h := w.host(id); h.State != pool.HostInService || w.now.Sub(began) > time.Minute {
			t.Errorf("%s: host is %s after %s", key.Kind, h.State, w.now.Sub(began))
		}
	}
}

// C3: the gateways of the account are listed only after an activation that came to no clear end.
func TestGatewaysAreListedOnlyAfterAnUnclearAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		lost bool // the reply to the activation
		want int
	}{"an appliance that boots for long": {false, 0}, "a reply that is lost": {true, 1}} {
		w := newWorld(t, &killtest.Life{}, 0)
		w.appliance.boot = 20
		lists, lost := 0, test.lost
		w.refuse = func(operation string) error {
			if operation == "Find" {
				lists++
			}
			return nil
		}
		w.loseReply = func(operation string) bool {
			was := lost && operation == "Activate"
			if was {
				lost = false
			}
			return was
		}
		id, stack := w.order(sharePool, 2)
		w.must(w.handle(w.finish(stack, types.StackStatusCreateComplete, ""), 1))
		w.drain()
		if h := w.host(id); h.State != pool.HostInService || lists != test.want || len(w.gateways.Gateways()) != 1 {
			t.Errorf("%s: host is %s after %d lists, %d gateways", name, h.State, lists, len(w.gateways.Gateways()))
		}
	}
}

func TestTheSampleOfARequestIsUnderstood(t *testing.T) {
	sample, err := events.Sample("HostRequest")
	if err != nil {
		t.Fatal(err)
	}
	var r events.HostRequest
	if err := json.Unmarshal(sample, &r); err != nil || r.Action != events.HostRelease {
		t.Errorf("%+v, %v", r, err)
	}
}

// B2: that EventBridge and SNS refuse decides nothing of what becomes of a failed host.
func TestAFailedHostIsDeletedThoughNobodyCanBeTold(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 3)
	w.mute = true
	w.must(w.handle(w.finish(stack, types.StackStatusRollbackComplete, "no capacity"), 1))
	for range pool.MaxTries + 1 {
		w.now = w.host(id).Due
		w.overdue(id)
	}
	h := w.host(id)
	if h.State != pool.HostDeleting || h.Step != pool.StepDelete {
		t.Fatalf("host is %s at %q", h.State, h.Step)
	}
	w.deliver(w.event(stack, types.StackStatusDeleteComplete, ""))
	w.stacks.Finish(stack, types.StackStatusDeleteComplete, "", nil)
	w.mute = false
	w.overdue(id)
	w.drain()
	h = w.host(id)
	if h.State != pool.HostDeleted || h.Step != "" || h.Untold {
		t.Errorf("host is %s at %q, untold %v", h.State, h.Step, h.Untold)
	}
	if said := w.bus.Of("HostFailed"); len(said) == 0 || !strings.Contains(string(said[0]), "no capacity") {
		t.Errorf("said %s", said)
	}
}

func TestAHostIsCordonedByHandUntilSomebodyUncordonsIt(t *testing.T) {
	w, id, _ := serving(t, &killtest.Life{}, sharePool)
	w.must(w.handle(ask(id, "uncordon"), 1)) // it is not cordoned
	before := w.host(id)
	w.deliver(ask(id, "cordon"))
	w.deliver(ask(id, "cordon")) // twice
	w.drain()
	cordoned := w.host(id)
	if cordoned.State != pool.HostCordoned || cordoned.ByHand != "jo: the quota is raised" || before.State != pool.HostInService {
		t.Fatalf("host is %s, by hand %q", cordoned.State, cordoned.ByHand)
	}
	if len(w.poolChecks.Messages()) == 0 {
		t.Error("nobody takes its slots back from the shelf")
	}

	// Another reason keeps it out of service when that one is gone.
	w.change(id, func(h pool.Host) pool.Host {
		h.Doubt = "it does not answer"
		return h
	})
	w.deliver(ask(id, "uncordon"))
	if h := w.host(id); h.State != pool.HostCordoned || h.ByHand != "" {
		t.Errorf("host is %s, by hand %q, in doubt", h.State, h.ByHand)
	}
	w.change(id, func(h pool.Host) pool.Host {
		h.Doubt, h.ByHand = "", "jo: a drill"
		return h
	})
	w.deliver(ask(id, "uncordon"))
	w.drain()
	if h := w.host(id); h.State != pool.HostInService || h.ByHand != "" {
		t.Errorf("host is %s, by hand %q", h.State, h.ByHand)
	}
}

// By a record that is behind, what a tenant has is free: whoever lets such a host out gives it to another.
func TestAHostThatARecoveryHoldsIsNobodysToLetOut(t *testing.T) {
	for _, before := range []string{"", "jo: a drill"} {
		w, id, _ := serving(t, &killtest.Life{}, sharePool)
		w.change(id, func(h pool.Host) pool.Host {
			h.ByHand = before
			held, _, err := recovery.Held(h, w.now)
			w.must(err)
			return held
		})
		w.change(id, func(h pool.Host) pool.Host { // by a record that is behind, it is empty
			h.Slots[0].State, h.Slots[0].Tenant = pool.SlotFree, ""
			return h
		})
		for _, action := range []string{"uncordon", "retire"} {
			w.deliver(ask(id, action))
			w.drain()
			if h := w.host(id); h.State != pool.HostCordoned || !h.HeldByRecovery() {
				t.Errorf("after %s, it is %s, by hand %q", action, h.State, h.ByHand)
			}
		}
	}
}

// Who sent a request and waits sees that it is not done. What is done already, by a copy of the message, was not refused.
func TestThatARequestWasRefusedIsRemembered(t *testing.T) {
	w, id, _ := serving(t, &killtest.Life{}, sharePool)
	refused := func(id pool.HostID, action string, received int) string {
		t.Helper()
		w.must(w.handle(ask(id, action), received))
		r, err := w.ledger.Rejection(t.Context(), "m")
		if errors.Is(err, pool.ErrNotFound) {
			return ""
		}
		w.must(err)
		return r.Field + " " + r.Reason
	}
	for _, action := range []string{"cordon", "cordon", "uncordon", "uncordon", "protect", "protect", "unprotect", "drain", "drain", "undrain"} {
		for _, received := range []int{1, 2} {
			if why := refused(id, action, received); why != "" {
				t.Errorf("%s is refused: %s", action, why)
			}
		}
	}
	if why := refused(id, "release", 1); why != "" {
		t.Errorf("a copy of what was released is refused: %s", why)
	}
	if why := refused(id, "delete", 2); why != "action delete can't be done about host "+string(id)+": it is in-service, not empty: slot 1 is of tenant acme" {
		t.Errorf("refused is %q", why)
	}
}

func TestARequestAboutAHostThatIsProtectedSaysSo(t *testing.T) {
	w, id, _ := serving(t, &killtest.Life{}, sharePool)
	w.must(w.handle(ask(id, "protect"), 1))
	w.must(w.handle(ask(id, "retire"), 1))
	r, err := w.ledger.Rejection(t.Context(), "m")
	w.must(err)
	if !strings.Contains(r.Reason, "it is in-service, protected by jo: the quota is raised") {
		t.Errorf("refused is %q", r.Reason)
	}
}
