package stackcomplete

import (
	"strings"
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

// The alarm on a machine takes silence for bad: what it says of the time before the machine ran may come late.
func TestAGatewayWaitsForWhatItsMachinesAlarmSays(t *testing.T) {
	machine := prefix + "share-standard-1-status"
	begun := func() (*world, pool.HostID) {
		w := newWorld(t, &killtest.Life{}, 0)
		w.unheard = true
		id, stack := w.order(sharePool, 2)
		w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
		for range 200 {
			if h := w.host(id); h.Step == pool.StepSettle && strings.Contains(h.Error, machine) {
				return w, id
			}
			w.step()
		}
		t.Fatalf("the host is %s at %s: %s", w.host(id).State, w.host(id).Step, w.host(id).Error)
		return nil, ""
	}
	hear := func(w *world, id pool.HostID, on bool) {
		w.change(id, func(h pool.Host) pool.Host {
			h.Alarms = map[string]pool.AlarmMark{machine: {On: on, At: w.now}}
			return h
		})
	}
	w, id := begun()
	hear(w, id, true)
	w.step()
	if h := w.host(id); h.Step != pool.StepSettle {
		t.Errorf("while its machine's alarm is on it is %s at %s", h.State, h.Step)
	}
	hear(w, id, false)
	w.drain()
	if h := w.host(id); h.State != pool.HostInService {
		t.Errorf("once that is over it is %s at %s", h.State, h.Step)
	}

	w, id = begun()
	w.drain() // nothing is ever heard
	if h := w.host(id); h.State != pool.HostInService {
		t.Errorf("of which nothing is heard is %s at %s", h.State, h.Step)
	}
}
