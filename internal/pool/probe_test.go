package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestAShareRestsThatMayBeOpenToAProber(t *testing.T) {
	closed := func(at time.Time) func(*pool.Host, *pool.Repair) {
		return func(_ *pool.Host, r *pool.Repair) { r.Proofs = []pool.Proof{{Step: pool.StepProbe, At: at}} }
	}
	for name, test := range map[string]struct {
		change func(*pool.Host, *pool.Repair)
		to     pool.SlotState
	}{
		"it was opened":                          {func(*pool.Host, *pool.Repair) {}, pool.SlotReturned},
		"it was closed, and not looked at again": {func(_ *pool.Host, r *pool.Repair) { r.Probe.Closed = now }, pool.SlotReturned},
		"it was closed for good":                 {closed(now.Add(time.Minute)), pool.SlotFree},
		"one before was closed for good":         {closed(now.Add(-time.Minute)), pool.SlotReturned},
		"no task was heard of":                   {func(_ *pool.Host, r *pool.Repair) { r.Probe.Address = "" }, pool.SlotFree},
		"it was another":                         {func(_ *pool.Host, r *pool.Repair) { r.Probe.Share = "share-9" }, pool.SlotFree},
		"it cools":                               {func(h *pool.Host, _ *pool.Repair) { h.Slots[0].State = pool.SlotCooling }, pool.SlotCooling},
		"it is on its way to a tenant":           {func(h *pool.Host, _ *pool.Repair) { h.Slots[0].State = pool.SlotOffered }, pool.SlotOffered},
		"it is a tenant's":                       {func(h *pool.Host, _ *pool.Repair) { h.Slots[0].State = pool.SlotAssigned }, pool.SlotAssigned},
		"its host failed, with which it will go": {func(h *pool.Host, _ *pool.Repair) { h.State = pool.HostLost }, pool.SlotFree},
	} {
		h := pool.Host{ID: "share-standard-1", Kind: pool.Share, State: pool.HostCordoned, Slots: []pool.Slot{{Index: 1, State: pool.SlotFree, Share: "share-1"}, {Index: 2, State: pool.SlotFree, Share: "share-2"}}}
		r := pool.Repair{Host: h.ID, Number: 1, Probe: pool.Probe{Look: 1, Share: "share-1", TaskAt: now, Address: "10.0.7.1"}}
		test.change(&h, &r)
		out, err := pool.RestProbed(h, r, now)
		if err != nil || out.Slots[0].State != test.to || out.Slots[1] != h.Slots[1] {
			t.Errorf("%s: %v, %+v", name, err, out.Slots)
		}
		if test.to == pool.SlotReturned && (!out.Slots[0].Since.Equal(now) || h.Slots[0].State != pool.SlotFree) {
			t.Errorf("%s: %+v, of %+v", name, out.Slots[0], h.Slots[0])
		}
	}
}
