package endtoend

import (
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/local"
	"headroom/internal/pool"
)

// A tenant goes back in time while deliveries are doubled, late and out of order, and restore dies between any two of its calls:
// it has its rows, and nothing is left of what was made for that.
func TestATenantGoesBackWhileItsFunctionIsKilled(t *testing.T) {
	t.Parallel()
	terms := leavers
	s := startWith(t, document{Version: "1", Pools: twoSlots(), Terms: &terms}, untidy, func(o *local.Options) {
		o.Speed, o.RetryDelay = 20, 100*time.Millisecond
	})
	s.awaitInService(t, 1, 1)
	b, n := s.travellers(t)
	aside := n.write(t)
	b.uploaded(t)
	k := newKiller(t, s, "restore")
	then, _ := b.asksToGoBack(t)
	b.within(t, "it is restored", func() bool { return len(heard[events.TenantRestored](s.watch)) > 0 })
	if got := b.noted(t); got != then {
		t.Errorf("it has %s, and had %s", got, then)
	}
	b.isBack(t)
	b.within(t, "the temporary instance is gone", func() bool { return s.temporary(t) == 0 })
	b.within(t, "it is over", func() bool {
		r, err := s.ledger.Restoration(t.Context(), backer)
		return err == nil && r.State == pool.RestorationRestored
	})
	wantKilledAt(t, k.stop(), map[string][]string{"restore": {
		"dynamodb:PutItem", "ecs:RunTask", "events:PutEvents TenantRestored", "rds:RestoreDBInstanceToPointInTime", "rds:ModifyDBInstance",
		"rds:DeleteDBInstance", "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "sqs:SendMessage Step",
		"storagegateway:NotifyWhenUploaded", "storagegateway:RefreshCache",
	}})
	if refused := aside.stop(t); refused > 0 {
		t.Errorf("the neighbour was refused %d times", refused)
	}
	n.isAsBefore(t)
	if bays, err := s.ledger.Bays(t.Context()); err != nil || len(bays.Taken) > 0 {
		t.Errorf("bays are taken: %v, %v", bays.Taken, err)
	}
}
