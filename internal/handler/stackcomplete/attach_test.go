package stackcomplete

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	ec2 "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/machines"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// outsideMachines makes each call to EC2 one killtest.Call.
type outsideMachines struct {
	next *machines.Machines
	call killtest.Call
}

func (o outsideMachines) Attachment(ctx context.Context, volume string) (at pool.Attachment, err error) {
	err = o.call("Attachment", func() (err error) { at, err = o.next.Attachment(ctx, volume); return err })
	return at, err
}

func (o outsideMachines) Attach(ctx context.Context, volume, machine, device string) error {
	return o.call("Attach", func() error { return o.next.Attach(ctx, volume, machine, device) })
}

// attaching is a world with a host that is to get its cache disk.
func attaching(t *testing.T, late int) (*world, pool.HostID) {
	t.Helper()
	w := newWorld(t, &killtest.Life{}, late)
	id, stack := w.order(sharePool, 1)
	w.finish(stack, types.StackStatusCreateComplete, "")
	w.change(id, func(h pool.Host) pool.Host {
		h, err := pool.MoveHost(h, pool.HostPreparing, w.now, "complete")
		w.must(err)
		h.Access.Machine, h.Access.Cache = w.machine, w.cache
		return pool.Begin(h, pool.StepAttach, w.now)
	})
	return w, id
}

func TestTheCacheIsAttachedBeforeTheGatewayIsActivated(t *testing.T) {
	for name, late := range map[string]int{"at once": 0, "after some looks, the first of them stale": 3} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, &killtest.Life{}, late)
			id, stack := w.order(sharePool, 1)
			w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
			for range 10 {
				h := w.host(id)
				at, _ := w.machines.Attachments()
				if attached := strings.HasSuffix(at[w.cache], " attached"); !attached && len(w.gateways.Gateways()) > 0 {
					t.Fatal("activated without its cache disk")
				}
				next, ok := w.steps.Next()
				if h.Step != pool.StepAttach {
					break
				}
				if !ok {
					t.Fatalf("nothing goes on with %+v", h)
				}
				w.now = next
				step, _ := w.steps.Receive(time.Hour)
				w.deliver(step.Body)
				w.steps.Delete(step.ID)
			}
			at, times := w.machines.Attachments()
			if at[w.cache] != w.machine+" /dev/sdf attached" || times != 1 {
				t.Errorf("attached %v, %d times", at, times)
			}
		})
	}
}

func TestACacheThatIsAttachedAlreadyIsLeftAsItIs(t *testing.T) {
	w, id := attaching(t, 0)
	w.must((&machines.Machines{Client: w.machines}).Attach(t.Context(), w.cache, w.machine, "/dev/sdf"))
	for range 2 {
		p, err := w.handler.attach(t.Context(), w.host(id))
		if err != nil || p.Record.Step != pool.StepBoot {
			t.Errorf("next step %s, %v", p.Record.Step, err)
		}
	}
	if _, times := w.machines.Attachments(); times != 1 {
		t.Errorf("attached %d times", times)
	}
}

func TestACacheThatCannotBeAttachedYetIsWaitedFor(t *testing.T) {
	pending := func(w *world, id pool.HostID) (ready func()) {
		w.machine = w.machines.AddMachine("eu-west-1a", false)
		w.change(id, func(h pool.Host) pool.Host { h.Access.Machine = w.machine; return h })
		return func() { w.machines.Run(w.machine) }
	}
	creating := func(w *world, _ pool.HostID) (ready func()) {
		w.machines.Put(w.cache, ec2.VolumeStateCreating)
		return func() { w.machines.Put(w.cache, ec2.VolumeStateAvailable) }
	}
	for name, spoil := range map[string]func(*world, pool.HostID) func(){"a machine that starts": pending, "a disk that is made": creating} {
		t.Run(name, func(t *testing.T) {
			w, id := attaching(t, 0)
			ready := spoil(w, id)
			for range 3 {
				p, err := w.handler.attach(t.Context(), w.host(id))
				if err != nil || p.Record.Step != pool.StepAttach || p.Wait != attachWait {
					t.Fatalf("%+v, %v", p, err)
				}
			}
			ready()
			for range 2 {
				if p, err := w.handler.attach(t.Context(), w.host(id)); err != nil || p.Record.Step != pool.StepAttach && p.Record.Step != pool.StepBoot {
					t.Fatalf("%+v, %v", p, err)
				}
			}
			if at, _ := w.machines.Attachments(); at[w.cache] != w.machine+" /dev/sdf attached" {
				t.Errorf("attached %v", at)
			}
		})
	}
}

func TestACacheThatCannotBeAttachedIsAnErrorThatSaysWhy(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*world) (why string)
	}{
		"another machine has it": {func(w *world) string {
			other := w.machines.AddMachine("eu-west-1a", true)
			w.must((&machines.Machines{Client: w.machines}).Attach(context.Background(), w.cache, other, "/dev/sdf"))
			return "is at machine " + other
		}},
		"it is gone":          {func(w *world) string { w.machines.Lose(w.cache); return w.cache + " is gone" }},
		"the machine is gone": {func(w *world) string { w.machines.Forget(w.machine); return "machine " + w.machine }},
		"it is being deleted": {func(w *world) string { w.machines.Put(w.cache, ec2.VolumeStateDeleting); return "deleting" }},
		"it is broken":        {func(w *world) string { w.machines.Put(w.cache, ec2.VolumeStateError); return "error" }},
	} {
		t.Run(name, func(t *testing.T) {
			w, id := attaching(t, 0)
			why := test.spoil(w)
			for range 2 {
				_, err := w.handler.attach(t.Context(), w.host(id))
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Errorf("error %v, want one that says %q", err, why)
				}
			}
			if h := w.host(id); h.Step != pool.StepAttach {
				t.Errorf("it went on to %s", h.Step)
			}
		})
	}
}
