package stackcomplete

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// alarmed has an alarm of a host rung before its stack is complete.
func (w *world) alarmed(id pool.HostID, on bool) {
	w.t.Helper()
	w.change(id, func(h pool.Host) pool.Host {
		h.Alarms = map[string]pool.AlarmMark{"silent": {On: on, At: w.now}}
		return h
	})
}

// An instance sends nothing while it is made, so its alarm for that rings until some minutes after it does. That is
// no reason to cordon it, and to tell people.
func TestAnAlarmThatIsOverInTimeHarmsNoNewHost(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorldOn(t, contended(), life, 0)
		id, stack := w.order(dbPool, 2)
		w.alarmed(id, true)
		w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
		for range 3 {
			if h := w.host(id); h.State != pool.HostPreparing || h.Step != pool.StepSettle || h.Free() != 2 {
				t.Fatalf("host is %s at %q with %d slots", h.State, h.Step, h.Free())
			}
			at, ok := w.steps.Next()
			if !ok || at.Sub(w.now) > settleWait {
				t.Fatalf("the next look is at %s, now is %s", at, w.now)
			}
			w.now = at
			d, _ := w.steps.Receive(time.Hour)
			w.deliver(d.Body)
			w.steps.Delete(d.ID)
		}
		w.alarmed(id, false)
		w.drain()
		if h := w.host(id); h.State != pool.HostInService || h.Error != "" || len(w.bus.Of("HostCordoned")) != 0 || len(w.topic.Notes()) != 0 {
			t.Errorf("host is %s (%s); %v; %v", h.State, h.Error, w.bus.Published(), w.topic.Notes())
		}
		return w.outcome(id, stack)
	}, alike)
}

func TestAnAlarmThatStaysOnCordonsANewHost(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(dbPool, 2)
	w.alarmed(id, true)
	complete, begun := w.finish(stack, types.StackStatusCreateComplete, ""), w.now
	w.deliver(complete)
	w.drain()
	host := w.host(id)
	if host.State != pool.HostCordoned || host.Step != pool.StepWatch || len(w.bus.Of("HostCordoned")) != 1 || len(w.topic.Notes()) != 1 {
		t.Errorf("host is %s; %v; %v", host.State, w.bus.Published(), w.topic.Notes())
	}
	if waited := host.Since.Sub(begun); waited < 5*time.Minute || waited > pool.Deadline(pool.StepSettle) {
		t.Errorf("that took %s", waited)
	}
}
