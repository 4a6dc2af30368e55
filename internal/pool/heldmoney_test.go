package pool_test

import (
	"testing"

	"headroom/internal/pool"
)

func TestMoneyIsHeldForAsLongAsTheDisksOfItsOwnRepairAreKept(t *testing.T) {
	r := pool.Repair{Number: 3, State: pool.RepairMended, Kept: []pool.KeptDisk{{Volume: "vol-2", Repair: 2}}}
	for number, want := range map[int]bool{1: false, 2: true, 3: false} {
		if got := r.HoldsMoney(number); got != want {
			t.Errorf("repair %d: %v", number, got)
		}
	}
	if r.State = pool.RepairMending; !r.HoldsMoney(3) {
		t.Error("one that is under way holds none")
	}
	r.Kept = []pool.KeptDisk{{Volume: "vol-1"}} // of an earlier Headroom, which did not say
	if !r.HoldsMoney(1) {
		t.Error("a disk of which it is not known holds none")
	}
	if kept := (pool.Repair{Number: 4}).Keep("vol-1", "", false, now).Kept; kept[0].Repair != 4 {
		t.Errorf("kept by %d", kept[0].Repair)
	}
}

func TestWhatAWayLeavesCostsByItsSize(t *testing.T) {
	r := pool.Repair{Root: "vol-root", Cache: "vol-cache"}
	volumes := []pool.Volume{{ID: "vol-cache", GiB: 500}, {ID: "vol-root", GiB: 350}, {ID: "vol-other", GiB: 9000}}
	for name, test := range map[string]struct {
		way     pool.Way
		volumes []pool.Volume
		want    pool.Cents
	}{
		"a reboot":                     {pool.WayReboot, volumes, 0},
		"another machine":              {pool.WayMachine, volumes, 3080},
		"another gateway":              {pool.WayGateway, volumes, 3080 + 4400},
		"disks that are not seen":      {pool.WayGateway, nil, 704 + 1320},
		"a cache of which no ID known": {pool.WayGateway, []pool.Volume{{GiB: 9000}}, 704 + 1320},
	} {
		if got := r.KeptPrice(test.way, test.volumes); got != test.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
