package operator

import (
	"context"
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

// oneHost is a ledger with a host.
type oneHost struct {
	inMemory
	host pool.Host
}

func (o oneHost) Host(context.Context, pool.HostID) (pool.Host, error) { return o.host, nil }

// By a record that is behind its slots are free, so that nothing else speaks against it.
func TestAHostThatARecoveryHoldsIsNotLetOut(t *testing.T) {
	hosts, _ := world()
	host := hosts[0]
	host.Slots = host.Slots[1:]
	held, _, err := recovery.Held(host, noon)
	if err != nil {
		t.Fatal(err)
	}
	l := memory.New(memory.Options{})
	o := asking(l, policytest.New("/headroom/dev/policy", sized(40, 0)))
	o.Ledger = oneHost{inMemory{l}, held}
	_, uncordon := o.HostAction(t.Context(), string(held.ID), events.HostUncordon, "it is well")
	_, retire := o.RetireHost(t.Context(), string(held.ID), "it is empty")
	for what, err := range map[string]error{"uncordon": uncordon, "retire": retire} {
		if err == nil || !strings.Contains(err.Error(), "held by a recovery") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
