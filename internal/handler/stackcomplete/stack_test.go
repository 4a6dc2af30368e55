package stackcomplete

import (
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
