package stackcomplete

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/events"
	"headroom/internal/adapter/gateway"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// serving makes a world with a host in service, its first slot a tenant's.
func serving(t *testing.T, life *killtest.Life, key pool.Key) (w *world, id pool.HostID, stack string) {
	t.Helper()
	w = newWorld(t, life, 0)
	id, stack = w.order(key, 3)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	w.drain()
	w.change(id, func(h pool.Host) pool.Host {
		h.Slots[0].State, h.Slots[0].Tenant = pool.SlotAssigned, "acme"
		return h
	})
	for _, slot := range w.host(id).Slots {
		if slot.Bucket != "" {
			w.s3.Add(pool.BucketName(slot.Bucket), map[string]string{"headroom:slot": w.host(id).SlotMark(slot)})
		}
	}
	if s := w.host(id).State; s != pool.HostInService {
		t.Fatalf("host is %s", s)
	}
	return w, id, stack
}

// A2: the stack of a host in service is deleted by somebody else.
func TestAHostWhoseStackIsDeletedIsLost(t *testing.T) {
	for _, said := range [][]types.StackStatus{
		{types.StackStatusDeleteComplete},
		{types.StackStatusDeleteInProgress, types.StackStatusDeleteComplete},
		{types.StackStatusDeleteComplete, types.StackStatusDeleteInProgress}, // out of order
	} {
		killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
			w, id, stack := serving(t, life, sharePool)
			for _, status := range said {
				w.deliver(w.event(stack, status, "User Initiated"))
			}
			w.stacks.Finish(stack, types.StackStatusDeleteComplete, "", nil)
			w.drain()
			h := w.host(id)
			if h.State != pool.HostLost || h.Step != "" || !strings.Contains(h.Why, "not by Headroom") {
				t.Errorf("host is %s at %q: %s", h.State, h.Step, h.Why)
			}
			o := w.outcome(id, stack)
			if c := o.Record.Counters; c != (pool.Counters{}) {
				t.Errorf("it counts still: %+v", c)
			}
			var lost events.HostLost
			if published := w.bus.Of("HostLost"); len(published) == 0 || json.Unmarshal(published[0], &lost) != nil || len(lost.Tenants) != 1 || lost.Tenants[0] != "acme" {
				t.Errorf("published %s", published)
			}
			if notes := w.topic.Notes(); len(notes) == 0 || !strings.Contains(notes[len(notes)-1].Message, "acme") || !strings.Contains(notes[len(notes)-1].Message, "Severity: page") {
				t.Errorf("nobody was woken who hears who lost their storage: %v", notes)
			}
			if !o.Checked {
				t.Error("no pool check was asked for, which would order another")
			}
			return o
		}, alike)
	}
}

func TestAHostWhoseStackIsBeingDeletedTakesNoMoreTenants(t *testing.T) {
	w, id, stack := serving(t, &killtest.Life{}, sharePool)
	w.stacks.Finish(stack, types.StackStatusDeleteFailed, "a resource is protected", nil)
	w.deliver(w.event(stack, types.StackStatusDeleteInProgress, "User Initiated"))
	if h := w.host(id); h.State != pool.HostCordoned || h.Step != pool.StepWatch || !strings.Contains(h.Doubt, "being deleted") {
		t.Fatalf("host is %s at %q: %s", h.State, h.Step, h.Doubt)
	}
	w.deliver(w.event(stack, types.StackStatusDeleteFailed, "a resource is protected"))
	for range 5 {
		w.watch(id)
	}
	if h := w.host(id); h.State != pool.HostCordoned {
		t.Errorf("with a stack that is half deleted, host is %s", h.State)
	}
}

// watch has a watched host looked at as the pool check does past the deadline.
func (w *world) watch(id pool.HostID) {
	w.t.Helper()
	w.now = w.now.Add(time.Minute)
	h := w.host(id)
	body, err := json.Marshal(events.NewHostStep(string(id), string(h.Step), h.Count+1))
	w.must(err)
	w.deliver(string(body))
}

// A3: a host that signups failed against is let in again when it answers several times in a row.
func TestADoubtedHostIsWatchedUntilItAnswers(t *testing.T) {
	for _, key := range []pool.Key{dbPool, sharePool} {
		t.Run(string(key.Kind), func(t *testing.T) {
			w, id, _ := serving(t, &killtest.Life{}, key)
			w.change(id, func(h pool.Host) pool.Host {
				h, err := pool.Suspect(h, "it does not answer", w.now)
				w.must(err)
				return pool.Onward(h, w.now)
			})
			w.down = true
			for range 3 {
				w.watch(id)
			}
			h := w.host(id)
			if h.State != pool.HostCordoned || h.Error == "" {
				t.Fatalf("while it is down, host is %s, its last error %q", h.State, h.Error)
			}
			w.down = false
			w.watch(id)
			if h := w.host(id); h.State != pool.HostCordoned {
				t.Fatalf("after one good answer, host is %s", h.State)
			}
			w.drain()
			h = w.host(id)
			if h.State != pool.HostInService || h.Doubt != "" || !strings.Contains(h.Why, "answered 3 times") || len(w.bus.Of("HostInService")) != 2 {
				t.Errorf("host is %s, in doubt %q, because %q", h.State, h.Doubt, h.Why)
			}
		})
	}
}

func TestADoubtedHostWhoseStackIsGoneIsLost(t *testing.T) {
	w, id, stack := serving(t, &killtest.Life{}, dbPool)
	w.change(id, func(h pool.Host) pool.Host {
		h, err := pool.Suspect(h, "it does not answer", w.now)
		w.must(err)
		return pool.Onward(h, w.now)
	})
	w.stacks.Finish(stack, types.StackStatusDeleteComplete, "", nil) // and its event got lost
	w.watch(id)
	if h := w.host(id); h.State != pool.HostLost {
		t.Errorf("host is %s", h.State)
	}
}

func TestReturnedSlotsAreClosedOnceTheyHaveRested(t *testing.T) {
	for _, key := range []pool.Key{dbPool, sharePool} {
		t.Run(string(key.Kind), func(t *testing.T) { returnedSlotsAreClosed(t, key, false) })
		t.Run(string(key.Kind)+", drained", func(t *testing.T) { returnedSlotsAreClosed(t, key, true) })
	}
}

func returnedSlotsAreClosed(t *testing.T, key pool.Key, drained bool) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w, id, stack := serving(t, life, key)
		w.tenant("bolt", "share-standard-9", "10.0.0.7")
		w.change(id, func(h pool.Host) pool.Host {
			h.Slots[1].State, h.Slots[1].Since, h.Slots[1].Tenant = pool.SlotReturned, w.now, "bolt"
			h.Slots[2].State, h.Slots[2].Since, h.Slots[2].Tenant = pool.SlotReturned, w.now.Add(time.Minute), "bolt"
			if drained {
				drained, err := pool.Drain(h, "ann: old", w.now)
				w.must(err)
				h = drained
			}
			return pool.Onward(h, w.now)
		})
		open := pool.ShareRef{Gateway: w.host(id).Access.Gateway, ID: w.host(id).Slots[1].Share}
		if key == sharePool {
			w.must((&gateway.Gateways{Client: w.gateways}).SetClients(t.Context(), open, []string{"10.0.0.7/32"})) // as a signup had opened it
		}
		w.watch(id)
		if h := w.host(id); h.Slots[1].State != pool.SlotReturned {
			t.Fatalf("slot is %s before it has rested", h.Slots[1].State)
		}
		w.now = w.now.Add(pool.ReturnRest - time.Minute)
		w.watch(id)
		h := w.host(id)
		if h.Slots[1].State != pool.SlotFree || h.Slots[2].State != pool.SlotReturned && h.Slots[2].State != pool.SlotFree {
			t.Fatalf("slots are %s and %s", h.Slots[1].State, h.Slots[2].State)
		}
		w.now = w.now.Add(time.Minute)
		step := pool.Step("")
		if drained {
			step = pool.StepWatch
		}
		if h.Step != "" {
			w.watch(id)
		}
		if h = w.host(id); h.Free() != 2 || h.Step != step || h.Slots[1].Tenant != "" || h.Slots[2].Tenant != "" {
			t.Errorf("%d slots are free, step %q: %+v", h.Free(), h.Step, h.Slots)
		}
		if key == dbPool && len(w.databases.closed) != 2 {
			t.Errorf("%d databases were closed", len(w.databases.closed))
		}
		for _, share := range w.gateways.Shares() {
			if len(share.Clients) != 1 || share.Clients[0] != nobody {
				t.Errorf("share %s is open to %v", share.ID, share.Clients)
			}
		}
		return w.outcome(id, stack)
	}, alike)
}

// A gateway that hangs is said to run for a while.
func TestADoubtedGatewayIsWatchedUntilItAnswersNFSClients(t *testing.T) {
	w, id, _ := serving(t, &killtest.Life{}, sharePool)
	w.change(id, func(h pool.Host) pool.Host {
		h, err := pool.Suspect(h, "it is silent", w.now)
		w.must(err)
		return pool.Onward(h, w.now)
	})
	w.deaf = true
	for range 5 {
		w.watch(id)
	}
	if h := w.host(id); h.State != pool.HostCordoned {
		t.Fatalf("while it answers no NFS client, host is %s", h.State)
	}
	w.deaf = false
	w.watch(id)
	w.drain()
	if h := w.host(id); h.State != pool.HostInService {
		t.Errorf("once it does, host is %s", h.State)
	}
}
