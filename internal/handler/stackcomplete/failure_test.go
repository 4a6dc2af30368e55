package stackcomplete

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func TestAFailureThatCannotBeAnnouncedYetIsAnnouncedBeforeItsHostIsClosed(t *testing.T) {
	tests := []struct {
		name   string
		fails  types.StackStatus // what the failure is first heard by
		copies int               // of the news that the stack is deleted, while nobody can be told
	}{
		{"its stack is deleted by hand", types.StackStatusRollbackComplete, 1},
		{"its stack is deleted by hand, said twice", types.StackStatusRollbackComplete, 2},
		{"its stack was deleted in the making, said twice", types.StackStatusDeleteComplete, 1},
	}
	for _, test := range tests {
		for _, next := range []string{"its next try comes", "the message comes again", "its deadline passes"} {
			t.Run(test.name+", "+next, func(t *testing.T) {
				w := newWorld(t, &killtest.Life{}, 0)
				id, stack := w.order(sharePool, 3)
				w.mute = true
				failed := w.finish(stack, test.fails, "")
				w.must(w.handle(failed, 1))
				if h := w.host(id); !strings.Contains(h.Error, errMute.Error()) {
					t.Fatalf("the announcement did not fail: host is %s at %q, %q", h.State, h.Step, h.Error)
				}
				gone := w.finish(stack, types.StackStatusDeleteComplete, "")
				for range test.copies {
					w.must(w.handle(gone, 1))
				}
				if h := w.host(id); h.State != pool.HostDeleting || h.Step != pool.StepAnnounce {
					t.Fatalf("host is %s at %s before anybody was told", h.State, h.Step)
				}
				w.mute = false
				switch next {
				case "its deadline passes":
					w.overdue(id)
				case "the message comes again":
					w.must(w.handle(failed, 2))
				}
				w.drain()
				record, _ := w.ledger.Pool(t.Context(), sharePool)
				if h := w.host(id); h.State != pool.HostDeleted || record.Failures != 1 || record.Counters.Hosts != 0 {
					t.Errorf("host is %s, record %+v", h.State, record)
				}
				if said, notes := len(w.bus.Of("HostFailed")), len(w.topic.Notes()); said != 1 || notes != 1 {
					t.Errorf("said %d times, %d notes", said, notes)
				}
				if len(w.poolChecks.Messages()) == 0 {
					t.Error("no pool check was asked for")
				}
			})
		}
	}
}

func TestAFailureWhoseStackIsDeletedByHandKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, life, 0)
		id, stack := w.order(sharePool, 3)
		failed := w.finish(stack, types.StackStatusRollbackComplete, "")
		gone := w.finish(stack, types.StackStatusDeleteComplete, "")
		w.mute = true
		_ = w.handle(failed, 1)
		w.mute = false
		w.deliver(gone)
		w.deliver(gone)
		if w.host(id).Step != "" {
			w.overdue(id)
		}
		w.drain()
		o := w.outcome(id, stack)
		if len(o.Events) != 1 || o.Host.State != pool.HostDeleted {
			t.Errorf("host is %s, said %v", o.Host.State, o.Events)
		}
		o.Host.History = nil // it may tell of a try more
		return o
	}, alike)
}

func TestAQuarantinedHostIsThePoolChecks(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 3)
	w.change(id, func(h pool.Host) pool.Host {
		h.Tries = pool.MaxTries
		h, _, err := pool.Overdue(h, h.Due)
		w.must(err)
		return h
	})
	before := w.host(id)
	for _, step := range []pool.Step{pool.StepBuild, pool.StepAnnounce} {
		body, err := json.Marshal(events.NewHostStep(string(id), string(step), 1))
		w.must(err)
		for received := range 2 {
			w.must(w.handle(string(body), received+1))
		}
	}
	w.must(w.handle(w.finish(stack, types.StackStatusCreateComplete, ""), 2))
	if after := w.host(id); after.Version != before.Version || len(w.bus.Published()) != 0 || len(w.topic.Notes()) != 0 {
		t.Errorf("host %+v, said %v", after, w.bus.Published())
	}
}
