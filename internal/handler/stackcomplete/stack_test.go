package stackcomplete

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func TestAHostInServiceEndsTheBackoff(t *testing.T) {
	for _, key := range []pool.Key{sharePool, dbPool} {
		w := newWorld(t, &killtest.Life{}, 0)
		_, failed := w.order(key, 2)
		w.deliver(w.finish(failed, types.StackStatusRollbackComplete, ""))
		w.drain()
		_, good := w.order(key, 2)
		w.deliver(w.finish(good, types.StackStatusCreateComplete, ""))
		w.drain()
		if record, _ := w.ledger.Pool(t.Context(), key); record.Failures != 0 || !record.BackoffUntil.IsZero() {
			t.Errorf("%s: %d failures, none before %v", key, record.Failures, record.BackoffUntil)
		}
	}
}

func TestAnEventWithAnotherTokenIsNotOurs(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 3)
	w.change(id, func(h pool.Host) pool.Host { h.Stack.ID = ""; return h })
	body := w.finish(stack, types.StackStatusRollbackComplete, "")
	w.deliver(strings.Replace(body, `"client-request-token":"`+w.host(id).Stack.Token+`"`, `"client-request-token":"somebody"`, 1))
	if h := w.host(id); h.State != pool.HostBuilding {
		t.Errorf("host is %s", h.State)
	}
	w.deliver(body)
	if h := w.host(id); h.State != pool.HostDeleting {
		t.Errorf("host is %s", h.State)
	}
}

func TestAnEventThatComesBeforeItsStatusComesAgain(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	_, stack := w.order(sharePool, 3)
	body := w.event(stack, types.StackStatusCreateComplete, "")
	w.stacks.Finish(stack, types.StackStatusCreateInProgress, "", nil)
	if err := w.handle(body, 1); err == nil {
		t.Error("the event is gone")
	}
}

// A stack may be complete for seconds only, and be updated by then: what counts is that it was made.
func TestAStackThatWasMadeIsMadeWhateverBecameOfItSince(t *testing.T) {
	for _, status := range made {
		t.Run(status, func(t *testing.T) {
			w := newWorld(t, &killtest.Life{}, 0)
			w.template = plain // what becomes of it afterwards is none of this
			id, stack := w.order(sharePool, 3)
			complete := w.event(stack, types.StackStatusCreateComplete, "")
			w.finish(stack, types.StackStatus(status), "")
			w.deliver(complete)
			w.drain()
			if host := w.host(id); host.State != pool.HostInService {
				t.Errorf("host is %s at %s", host.State, host.Step)
			}

			// The same by the event of that status alone.
			w = newWorld(t, &killtest.Life{}, 0)
			w.template = plain
			id, stack = w.order(sharePool, 3)
			w.deliver(w.finish(stack, types.StackStatus(status), ""))
			w.drain()
			if host := w.host(id); host.State != pool.HostInService {
				t.Errorf("by its own event, host is %s at %s", host.State, host.Step)
			}
		})
	}
}

func TestAStackThatIsBeingChangedIsLookedAtAgain(t *testing.T) {
	for _, status := range changing {
		for _, state := range []pool.HostState{pool.HostOrdered, pool.HostBuilding} {
			t.Run(status+" of a host that is "+string(state), func(t *testing.T) {
				w := newWorld(t, &killtest.Life{}, 0)
				w.template = plain
				id, stack := w.order(sharePool, 3)
				if state == pool.HostOrdered {
					w.change(id, func(h pool.Host) pool.Host {
						h.State, h.Stack.ID = state, ""
						return pool.Begin(h, pool.StepOrder, w.now)
					})
				}
				complete := w.event(stack, types.StackStatusCreateComplete, "")
				w.finish(stack, types.StackStatus(status), "")
				w.deliver(complete)
				w.deliver(complete)
				if host := w.host(id); host.State != pool.HostBuilding || host.Error != "its stack is in status "+status {
					t.Errorf("host is %s, error %q", host.State, host.Error)
				}
				w.finish(stack, types.StackStatusUpdateComplete, "")
				w.drain()
				if host := w.host(id); host.State != pool.HostInService {
					t.Errorf("host is %s at %s", host.State, host.Step)
				}
			})
		}
	}
}

// Its event lost, a stack that is being updated is looked at past the deadline, and again from then on.
func TestAnUpdateThatTakesLongIsWaitedFor(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	w.template = plain
	id, stack := w.order(sharePool, 3)
	w.finish(stack, types.StackStatusUpdateInProgress, "")
	w.overdue(id)
	if host := w.host(id); host.State != pool.HostBuilding || host.Error != "its stack is in status UPDATE_IN_PROGRESS" {
		t.Errorf("host is %s, error %q", host.State, host.Error)
	}
	w.finish(stack, types.StackStatusUpdateRollbackComplete, "")
	w.drain()
	if host := w.host(id); host.State != pool.HostInService {
		t.Errorf("host is %s at %s", host.State, host.Step)
	}
}

// Every status that CloudFormation has means something here: made, changing, or that the stack fails or goes.
func TestEveryStatusOfAStackIsKnown(t *testing.T) {
	known := slices.Concat(made, changing, []string{
		createInProgress, createFailed, rollbackInProgress, rollbackComplete, rollbackFailed, deleteInProgress, deleteComplete, deleteFailed,
	})
	for _, status := range types.StackStatus("").Values() {
		if !slices.Contains(known, string(status)) {
			t.Errorf("%s means nothing", status)
		}
	}
}
