package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestOnlyWhatARecoveryQuarantinedIsGivenBackOrRetired(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	h := pool.Host{ID: "share-standard-1", Kind: pool.Share, State: pool.HostInService, Slots: []pool.Slot{
		{Index: 1, Generation: 2, State: pool.SlotQuarantined, Tenant: "acme", Doubt: "nobody knows"},
		{Index: 2, Generation: 1, State: pool.SlotQuarantined, Tenant: "globex"},
		{Index: 3, Generation: 1, State: pool.SlotAssigned, Tenant: "hooli"},
	}}
	given, err := pool.RestDoubted(h, h.Slots[0], now)
	if s := given.Slots[0]; err != nil || s.State != pool.SlotReturned || s.Tenant != "" || s.Doubt != "" || given.Step != pool.StepClose || !given.Due.Equal(now.Add(pool.ReturnRest)) {
		t.Errorf("it is %+v, and its host at step %q until %s: %v", s, given.Step, given.Due, err)
	}
	retired, err := pool.RetireDoubted(h, 1, now)
	if s := retired.Slots[0]; err != nil || s.State != pool.SlotRetired || s.Tenant != "" || s.Doubt != "" || retired.Step != "" {
		t.Errorf("it is %+v: %v", s, err)
	}
	for _, index := range []int{2, 3, 4} {
		if _, err := pool.RetireDoubted(h, index, now); err == nil {
			t.Errorf("slot %d is retired", index)
		}
		if _, err := pool.RestDoubted(h, pool.Slot{Index: index, Generation: 1, State: pool.SlotQuarantined}, now); err == nil {
			t.Errorf("slot %d is given back", index)
		}
	}
	back := h.Slots[0]
	back.Generation = 1
	if _, err := pool.RestDoubted(h, back, now); err == nil {
		t.Error("it goes back to an earlier generation")
	}
	if h.Slots[0].State != pool.SlotQuarantined {
		t.Error("the host that it was made from has changed")
	}
}
