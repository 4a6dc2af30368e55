package hostrepair

import (
	"context"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// deliver has a time go by in which messages are handled by processes that may be killed. What one was killed over comes again
// when its visibility timeout is over.
func (w *world) deliver(life *killtest.Life, d time.Duration) {
	w.t.Helper()
	w.runBy(d, func(d events.Delivery) error {
		deliveries := 0
		return life.Deliver(func() error {
			if deliveries++; deliveries > 1 {
				w.now, d.Redelivered = w.now.Add(visibility), true
			}
			return w.handler(life.Call).Message(context.Background(), d)
		})
	})
}

// outcome is what a run comes to, without what may differ between runs: times, names of machines, and how often the same was
// said.
type outcome struct {
	Host, State, Tried, Proven string
	Way                        pool.Way
	Said                       []string
	Image, Size                string
	Unreadable                 []string
	Kept, Disks, Inside        int
}

func (w *world) outcome() outcome {
	w.t.Helper()
	w.sound()
	h, r := w.host(first), w.repair(first)
	o := outcome{
		Host: string(h.State) + " " + h.Barriers(), State: string(r.State), Tried: w.tried(first), Way: r.Way, Image: h.Image,
		Kept: len(r.Kept), Inside: len(w.ward().Patients),
	}
	var proven []string
	for _, p := range r.Proofs {
		proven = append(proven, string(p.Step))
	}
	o.Proven = strings.Join(proven, " ")
	seen := map[string]bool{}
	for _, s := range w.said {
		s, _, _ = strings.Cut(s, " failed at ")
		if !seen[s] {
			o.Said = append(o.Said, s)
		}
		seen[s] = true
	}
	if m := w.machine(first); m != nil {
		o.Size, o.Disks = m.kind, len(m.disks)
		if h.State == pool.HostInService && h.Access.Machine != m.id {
			w.t.Fatalf("the host is by the books on %s, and is on %s", h.Access.Machine, m.id)
		}
	}
	if h.State == pool.HostInService {
		w.closed(first)
		o.Unreadable = w.center.unreadable(h.Access.GatewayID())
	}
	return o
}

// scenario runs something with processes that may be killed, and then lets it come to its end.
func scenario(begin func(w *world), d time.Duration) func(t *testing.T, life *killtest.Life) outcome {
	return func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, 1)
		w.center.late = 3 * time.Second
		begin(w)
		w.deliver(life, d)
		return w.outcome()
	}
}

func TestEachWayKilledAtEveryCall(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(w *world)
		d     time.Duration
	}{
		"reboot":  {func(w *world) { w.breaks(first, "reboot") }, 40 * time.Minute},
		"restart": {func(w *world) { w.machine(first).hangs = "restart"; w.stopped(first); w.doubt(first) }, 40 * time.Minute},
		"machine": {func(w *world) { w.center.terminate(w.machine(first), false); w.skip(2 * time.Hour); w.doubt(first) }, 40 * time.Minute},
		"resize":  {func(w *world) { w.wishes(events.RepairResize, "m6i.2xlarge") }, 40 * time.Minute},
		"update":  {func(w *world) { w.wishes(events.RepairUpdate, "") }, 40 * time.Minute},
		"passes":  {func(w *world) { w.doubt(first); w.ails(first) }, 20 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) { killtest.EveryCall(t, scenario(test.begin, test.d)) })
	}
}

func TestAReplacementKilledAtEveryCall(t *testing.T) {
	for name, dies := range map[string]bool{"disks that outlive it": false, "disks that would die with it": true} {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, scenario(func(w *world) {
				for _, d := range w.machine(first).disks {
					d.dies = dies
				}
				w.wishes(events.RepairReplace, wanted)
			}, 40*time.Minute))
		})
	}
}

func TestAskingKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, 1)
		w.drills = nil
		w.center.terminate(w.machine(first), false)
		w.doubt(first)
		w.deliver(life, 15*time.Minute)
		w.gives(events.RepairProceed, "machine")
		w.deliver(life, 40*time.Minute)
		return w.outcome()
	})
}

func TestDroppingKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, 1)
		w.drills = nil
		w.center.terminate(w.machine(first), false)
		w.doubt(first)
		w.deliver(life, 15*time.Minute)
		w.gives(events.RepairDrop, "")
		w.deliver(life, 15*time.Minute)
		return w.outcome()
	})
}

func TestASweepKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, 1)
		w.wishes(events.RepairReplace, wanted)
		w.run(time.Hour)
		w.skip(14*24*time.Hour - time.Minute)
		w.deliver(life, 30*time.Minute)
		if len(w.center.deleted) != 1 {
			t.Errorf("deleted %v", w.center.deleted)
		}
		return w.outcome()
	})
}

// wishes has a person's wish come by the queue, of a host that is well.
func (w *world) wishes(action, word string) { w.gives(action, word) }

// gives sends a person's request.
func (w *world) gives(action, word string) {
	w.t.Helper()
	q := events.RepairRequest{Version: events.Version, Type: events.TypeRepairRequest, HostID: first, Action: action, RequestedBy: "ops", Reason: "because"}
	switch action {
	case events.RepairReplace:
		q.Image = word
	case events.RepairResize:
		q.Size = word
	case events.RepairProceed:
		q.Way = word
	}
	w.put(q)
}

// stopped has a machine be stopped by somebody.
func (w *world) stopped(id pool.HostID) {
	w.t.Helper()
	w.must(w.center.stop(w.machine(id).id))
	w.skip(2 * time.Minute)
}
