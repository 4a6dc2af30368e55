package stackcomplete

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// A recovery holds a host that is being made by the record, and does not answer: it is made no further, however long that takes, and not
// given up. Once it is let go on, it comes into service.
func TestAHostThatARecoveryHoldsIsMadeNoFurther(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 2)
	id, stack := w.order(sharePool, 3)
	w.change(id, func(h pool.Host) pool.Host { h.ByHand = h.WithRecovery(); return h })
	w.now = w.now.Add(10 * time.Minute)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	for until := w.now.Add(12 * time.Hour); w.now.Before(until); w.now = w.now.Add(time.Minute) {
		for {
			at, ok := w.steps.Next()
			if !ok || at.After(w.now) {
				break
			}
			d, _ := w.steps.Receive(time.Hour)
			w.deliver(d.Body)
			w.steps.Delete(d.ID)
		}
		if overdue, changed, err := pool.Overdue(w.host(id), w.now); err != nil || changed {
			t.Fatalf("its step is overdue: %+v, error %v", overdue.Progress, err)
		}
	}
	if h := w.host(id); h.State != pool.HostBuilding && h.State != pool.HostPreparing || len(w.gateways.Shares()) > 0 {
		t.Fatalf("it is %s at %q, with %d shares", h.State, h.Step, len(w.gateways.Shares()))
	}
	w.change(id, func(h pool.Host) pool.Host { h.ByHand = h.WithoutRecovery(); return h })
	w.drain()
	if h := w.host(id); h.State != pool.HostInService {
		t.Errorf("once it is let go on, it is %s at %q: %s", h.State, h.Step, h.Error)
	}
}

// Whose making had come to its last step when a recovery held it, or who is cordoned by hand meanwhile, is not handed out from.
func TestAHostThatIsCordonedByHandComesIntoNoService(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 3)
	w.change(id, func(h pool.Host) pool.Host { h.ByHand = "ada: maintenance"; return h })
	w.now = w.now.Add(10 * time.Minute)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	w.drain()
	if h := w.host(id); h.State != pool.HostCordoned {
		t.Errorf("it is %s at %q: %s", h.State, h.Step, h.Error)
	}
}
