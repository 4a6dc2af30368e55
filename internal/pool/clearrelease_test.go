package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

// quarantinedSlot is the clearance of a slot that is quarantined, in its former generation or the next, and its host.
func quarantinedSlot(t *testing.T, generation int) (pool.Host, pool.Clearance) {
	t.Helper()
	_, d := leaving(t, leaver())
	c := pool.Clear(d, pool.Share, "next", noon)
	c.Progress = pool.Started(pool.StepProve, noon)
	c.Unclean, c.Report = pool.UncleanLooks, "a file"
	c, err := pool.MoveClearance(c, pool.ClearanceQuarantined, "", noon, "it was not clean")
	if err != nil {
		t.Fatal(err)
	}
	return pool.Host{ID: "share-standard-1", Kind: pool.Share, State: pool.HostInService, Slots: []pool.Slot{
		{Index: 4, Generation: generation, Name: "def", State: pool.SlotQuarantined, Tenant: "acme"},
	}}, c
}

func TestAReleasedSlotIsLookedIntoAnewInItsGeneration(t *testing.T) {
	for generation, want := range map[int]pool.SlotState{1: pool.SlotLeaving, 2: pool.SlotCooling} {
		host, c := quarantinedSlot(t, generation)
		out, changed, err := pool.ReleaseSlot(host, c, noon)
		if err != nil || !changed || out.Slot(4).State != want {
			t.Errorf("generation %d: %+v, %v, %v", generation, out.Slots, changed, err)
		}
		if _, changed, err := pool.ReleaseSlot(out, c, noon); changed || err != nil {
			t.Errorf("once more: changed %v, %v", changed, err)
		}
		released, err := pool.ReleaseClearance(c, noon.Add(time.Minute), "again")
		if err != nil || released.State != pool.ClearanceScrubbing || released.Step != pool.StepProve || released.Unclean != 0 || released.Report != "" || released.Stuck != "" {
			t.Errorf("it is %+v, %v", released, err)
		}
		if _, err := pool.ReleaseClearance(released, noon, "again"); err == nil {
			t.Error("one that is not quarantined is released")
		}
	}
}

func TestARetiredSlotNeverComesBack(t *testing.T) {
	for _, generation := range []int{1, 2} {
		host, c := quarantinedSlot(t, generation)
		out, changed, err := pool.RetireSlot(host, c, noon)
		if slot := out.Slot(4); err != nil || !changed || slot.State != pool.SlotRetired || slot.Tenant != "" {
			t.Fatalf("it is %+v, %v, %v", slot, changed, err)
		}
		if out.Free() != 0 || out.Used() != 0 || out.Leaving() != 0 || out.Cooling() != 0 {
			t.Errorf("it counts as %d free, %d used, %d leaving, %d cooling", out.Free(), out.Used(), out.Leaving(), out.Cooling())
		}
		if _, changed, err := pool.RetireSlot(out, c, noon); changed || err != nil {
			t.Errorf("once more: changed %v, %v", changed, err)
		}
		for name, change := range map[string]func(pool.Host, pool.Clearance, time.Time) (pool.Host, bool, error){
			"released": pool.ReleaseSlot, "quarantined": pool.QuarantineSlot, "renewed": pool.RenewSlot, "freed": pool.FreeSlot,
		} {
			if _, changed, err := change(out, c, noon); changed || err == nil {
				t.Errorf("it was %s: %v", name, err)
			}
		}
		retired, err := pool.RetireClearance(c, noon, "its disk is broken")
		if err != nil || retired.State != pool.ClearanceRetired || retired.WhyRetired() != "its disk is broken; it was quarantined because it was not clean" {
			t.Errorf("it is %s: %q, %v", retired.State, retired.WhyRetired(), err)
		}
		if _, err := pool.ReleaseClearance(retired, noon, "again"); err == nil {
			t.Error("one that is out of use is released")
		}
	}
}
