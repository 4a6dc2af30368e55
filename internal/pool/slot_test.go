package pool_test

import (
	"testing"

	"headroom/internal/pool"
)

func TestSlotsMoveAsTheirLifeHasIt(t *testing.T) {
	all := []pool.SlotState{
		pool.SlotPlanned, pool.SlotFree, pool.SlotOffered, pool.SlotAssigned, pool.SlotLeaving, pool.SlotCooling, pool.SlotReturned,
		pool.SlotQuarantined, pool.SlotRetired,
	}
	allowed := map[[2]pool.SlotState]bool{
		{pool.SlotPlanned, pool.SlotFree}:         true,
		{pool.SlotFree, pool.SlotOffered}:         true,
		{pool.SlotFree, pool.SlotAssigned}:        true, // of a tenant that moves there
		{pool.SlotFree, pool.SlotReturned}:        true, // open to a prober, when its host's repair ended
		{pool.SlotOffered, pool.SlotFree}:         true,
		{pool.SlotOffered, pool.SlotAssigned}:     true,
		{pool.SlotOffered, pool.SlotReturned}:     true,
		{pool.SlotReturned, pool.SlotFree}:        true,
		{pool.SlotReturned, pool.SlotQuarantined}: true, // it holds something, whosever
		{pool.SlotAssigned, pool.SlotLeaving}:     true,
		{pool.SlotAssigned, pool.SlotReturned}:    true, // settled, and not handed over
		{pool.SlotLeaving, pool.SlotAssigned}:     true, // an undo
		{pool.SlotLeaving, pool.SlotCooling}:      true,
		{pool.SlotCooling, pool.SlotFree}:         true,

		{pool.SlotLeaving, pool.SlotQuarantined}:  true,
		{pool.SlotCooling, pool.SlotQuarantined}:  true,
		{pool.SlotQuarantined, pool.SlotLeaving}:  true, // looked at anew
		{pool.SlotQuarantined, pool.SlotCooling}:  true,
		{pool.SlotQuarantined, pool.SlotRetired}:  true,
		{pool.SlotQuarantined, pool.SlotReturned}: true, // nobody's, after all
	}
	for _, from := range all {
		for _, to := range all {
			s := pool.Slot{Index: 3, State: from}
			moved, err := pool.MoveSlot(s, to, now)
			switch {
			case from == to:
				if err != nil || moved != s {
					t.Errorf("%s to itself: %+v, %v", from, moved, err)
				}
			case allowed[[2]pool.SlotState{from, to}]:
				if err != nil || moved.State != to || !moved.Since.Equal(now) {
					t.Errorf("%s to %s: %+v, %v", from, to, moved, err)
				}
			default:
				if err == nil || moved != s {
					t.Errorf("%s to %s was allowed", from, to)
				}
			}
		}
	}
}

func TestARenewedSlotHasNothingOfTheLastTenant(t *testing.T) {
	s := pool.Slot{
		Index: 3, Generation: 1, Name: "first", State: pool.SlotLeaving, Bucket: "bucket", Role: "role", Share: "share-1", Refill: 7, Tenant: "a",
	}
	renewed, err := pool.Renew(s, "second", "share-2", now)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "renewed", renewed, pool.Slot{
		Index: 3, Generation: 2, Name: "second", State: pool.SlotCooling, Since: now, Bucket: "bucket", Role: "role", Share: "share-2",
	})
	for name, again := range map[string]func() (pool.Slot, error){
		"the same name":       func() (pool.Slot, error) { return pool.Renew(s, "first", "share-2", now) },
		"the same share":      func() (pool.Slot, error) { return pool.Renew(s, "second", "share-1", now) },
		"no name":             func() (pool.Slot, error) { return pool.Renew(s, "", "share-2", now) },
		"one that is renewed": func() (pool.Slot, error) { return pool.Renew(renewed, "third", "share-3", now) },
	} {
		if got, err := again(); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
