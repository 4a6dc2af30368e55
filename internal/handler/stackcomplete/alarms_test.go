package stackcomplete

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// gatewayOf is the ID of a host's gateway.
func (w *world) gatewayOf(id pool.HostID) string {
	arn := w.host(id).Access.Gateway
	return arn[strings.LastIndex(arn, "/")+1:]
}

func TestAGatewaysAlarmsAreMadeBeforeItTakesTenants(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 2)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	w.drain()
	s, _ := w.stacks.Stack(stack)
	if w.host(id).State != pool.HostInService || s.Updates != 1 || s.Parameters["GatewayId"] != w.gatewayOf(id) || s.Role != stackRole {
		t.Errorf("the host is %s; its stack was updated %d times, by %s, and has %v", w.host(id).State, s.Updates, s.Role, s.Parameters)
	}
}

func TestAStackOfBeforeThereWereAlarmsGoesOnWithoutThem(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	w.template = plain
	id, stack := w.order(sharePool, 2)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	w.drain()
	if h := w.host(id); !h.Set.Equal(h.Since) {
		t.Errorf("it is in service since %s, and was set at %s: what alarms say of its making counts against it", h.Since, h.Set)
	}
	if s, _ := w.stacks.Stack(stack); w.host(id).State != pool.HostInService || s.Updates != 0 {
		t.Errorf("the host is %s, its stack was updated %d times", w.host(id).State, s.Updates)
	}
}

func TestAnUpdateOfAlarmsThatIsRolledBackIsAskedForAgain(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	w.updates = []types.StackStatus{types.StackStatusUpdateRollbackComplete, types.StackStatusUpdateRollbackComplete}
	id, stack := w.order(sharePool, 2)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	w.drain()
	s, _ := w.stacks.Stack(stack)
	if w.host(id).State != pool.HostInService || s.Updates != 3 || s.Parameters["GatewayId"] != w.gatewayOf(id) {
		t.Errorf("the host is %s, its stack was updated %d times and has %v", w.host(id).State, s.Updates, s.Parameters)
	}
}

func TestAnUpdateOfAlarmsThatIsRefusedIsAskedForAgain(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	left := 3
	w.refuse = func(operation string) error {
		if operation == "Update" && left > 0 {
			left--
			return errors.New("Rate exceeded")
		}
		return nil
	}
	id, stack := w.order(sharePool, 2)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	w.drain()
	if w.host(id).State != pool.HostInService || left != 0 {
		t.Errorf("the host is %s", w.host(id).State)
	}
}

// A stack that can't be updated keeps its host from taking tenants that nobody would hear of when it fails.
func TestAStackThatCanNotBeUpdatedIsSaidToBeSo(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	w.updates = []types.StackStatus{types.StackStatusUpdateRollbackFailed}
	id, stack := w.order(sharePool, 2)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	for range 200 {
		if h := w.host(id); h.Step == pool.StepAlarms && strings.Contains(h.Error, "UPDATE_ROLLBACK_FAILED") {
			return
		}
		w.step()
	}
	t.Errorf("the host is at %s: %s", w.host(id).Step, w.host(id).Error)
}

// What CloudFormation says of the update itself changes nothing about a host that is being made.
func TestEventsOfTheUpdateOfAlarmsAreOfNoConcern(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life, 0)
		id, stack := w.order(sharePool, 2)
		w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
		for w.host(id).Step != pool.StepAlarms {
			w.step()
		}
		for _, status := range []types.StackStatus{types.StackStatusUpdateInProgress, types.StackStatusUpdateCompleteCleanupInProgress, types.StackStatusUpdateComplete} {
			w.deliver(w.event(stack, status, ""))
		}
		w.drain()
		w.deliver(w.event(stack, types.StackStatusUpdateComplete, ""))
		w.drain()
		return w.outcome(id, stack)
	}, alike)
}

// step delivers the next message of the host queue.
func (w *world) step() {
	w.t.Helper()
	at, ok := w.steps.Next()
	if !ok {
		w.t.Fatal("there is no message")
	}
	if at.After(w.now) {
		w.now = at
	}
	d, _ := w.steps.Receive(0)
	w.deliver(d.Body)
	w.steps.Delete(d.ID)
}
