package stackcomplete

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// The stop switch is in force for failed stacks too: they stay, as long as it is so, and are given up for that by nobody.
func TestAFailedStackIsNotDeletedWhileDestructionIsStopped(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 3)
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Destroy: true, By: "ops", Why: "a drill"}))
	w.deliver(w.finish(stack, types.StackStatusRollbackComplete, "no capacity"))
	for until := w.now.Add(24 * time.Hour); w.now.Before(until); {
		if at, ok := w.steps.Next(); !ok || at.After(until) {
			break
		} else if at.After(w.now) {
			w.now = at
		}
		d, _ := w.steps.Receive(time.Hour)
		w.deliver(d.Body)
		w.steps.Delete(d.ID)
	}
	if s, _ := w.stacks.Stack(stack); s.Deletions != 0 || w.host(id).State != pool.HostDeleting || w.host(id).Tries != 0 {
		t.Fatalf("deleted %d times; after a day the host is %s, with %d tries", s.Deletions, w.host(id).State, w.host(id).Tries)
	}
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}))
	w.drain()
	if s, _ := w.stacks.Stack(stack); s.Deletions != 1 {
		t.Errorf("deleted %d times once destruction is not stopped", s.Deletions)
	}
}
