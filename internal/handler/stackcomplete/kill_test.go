package stackcomplete

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// alike compares outcomes without what may differ between runs.
var alike = cmp.Options{
	cmpopts.IgnoreTypes(time.Time{}),
	cmpopts.IgnoreFields(pool.Host{}, "Version"),
	cmpopts.IgnoreFields(pool.Lead{}, "Took"),
	cmpopts.IgnoreUnexported(gatewaytest.Gateway{}, gatewaytest.Share{}),
	cmpopts.EquateEmpty(),
}

// contended is a ledger in which what comes of other hosts of the pool is always noted at the same time.
func contended() *memory.Ledger { return memory.New(memory.Options{Contended: true}) }

func TestAShareHostKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorldOn(t, contended(), life, 2)
		id, stack := w.order(sharePool, 3)
		w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
		w.drain()
		if !w.bornNamed(id) {
			t.Error("a share bears a name that was not recorded")
		}
		return w.outcome(id, stack)
	}, alike)
}

func TestADatabaseHostKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorldOn(t, contended(), life, 0)
		id, stack := w.order(dbPool, 12)
		w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
		w.drain()
		if !w.bornNamed(id) {
			t.Error("a database bears a name that was not recorded")
		}
		return w.outcome(id, stack)
	}, alike)
}

func TestAFailedHostKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorldOn(t, contended(), life, 0)
		id, stack := w.order(sharePool, 3)
		w.deliver(w.event(stack, types.StackStatusRollbackInProgress, "no capacity"))
		w.deliver(w.finish(stack, types.StackStatusRollbackComplete, ""))
		w.drain()
		w.deliver(w.finish(stack, types.StackStatusDeleteComplete, ""))
		w.drain()
		return w.outcome(id, stack)
	}, alike)
}
