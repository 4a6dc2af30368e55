package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

const gatewayARN = "arn:aws:storagegateway:eu-west-1:111122223333:gateway/sgw-12A3456B"

// doomed is a machine that may be taken away.
func doomed() pool.MachineTarget {
	return pool.MachineTarget{
		Host: pool.Host{
			ID: "share-standard-1", Kind: pool.Share, State: pool.HostCordoned, Mark: "m1", Repair: 3,
			Access: pool.Access{Gateway: gatewayARN, Machine: "i-1", Cache: "vol-cache"},
		},
		Repair: pool.Repair{
			Host: "share-standard-1", Number: 3, State: pool.RepairMending, Way: pool.WayMachine,
			Machine: "i-1", Root: "vol-root", Cache: "vol-cache", To: "ami-2",
		},
		Machine: pool.MachineLook{State: pool.MachineStopped},
	}
}

func TestTheGuardLetsAMachineGoThatHasNothingLeft(t *testing.T) {
	for _, state := range []pool.MachineState{"", pool.MachineStopped, pool.MachineShuttingDown, pool.MachineTerminated} {
		target := doomed()
		target.Machine.State = state
		if reasons := pool.GuardMachine(target); len(reasons) > 0 {
			t.Errorf("a machine that is %q is refused: %v", state, reasons)
		}
	}
}

// gatewayMachine is a machine with the disks of a gateway.
func gatewayMachine(state pool.MachineState) pool.MachineLook {
	return pool.MachineLook{State: state, Disks: []pool.MachineDisk{{Volume: "vol-8", Device: "/dev/xvda", Root: true}, {Volume: "vol-9", Device: "/dev/sdf"}}}
}

func TestTheGuardLetsAMachineOfTheStackGoThatIsNoGateway(t *testing.T) {
	bare := gatewayMachine(pool.MachineRunning)
	bare.Disks = bare.Disks[:1]
	for name, test := range map[string]struct {
		stacked string
		other   pool.MachineLook
	}{
		"its own":               {stacked: "i-1"},
		"none":                  {},
		"one that has ended":    {"i-9", pool.MachineLook{State: pool.MachineTerminated}},
		"one that is forgotten": {"i-9", pool.MachineLook{}},
		"one that is ending":    {"i-9", gatewayMachine(pool.MachineShuttingDown)},
		"one that is bare":      {"i-9", bare},
	} {
		target := doomed()
		target.Stacked, target.Other = test.stacked, test.other
		if reasons := pool.GuardMachine(target); len(reasons) > 0 {
			t.Errorf("%s is refused: %v", name, reasons)
		}
	}
}

func TestTheGuardRefusesEveryWrongMachine(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*pool.MachineTarget)
		reason string
	}{
		"the stop switch is on":            {func(t *pool.MachineTarget) { t.Stops = pool.Stops{Repair: true, By: "ops", Why: "drill"} }, "stop switch"},
		"the repair only waits":            {func(t *pool.MachineTarget) { t.Repair.State = pool.RepairWaiting }, "the repair is waiting"},
		"the repair asks":                  {func(t *pool.MachineTarget) { t.Repair.State = pool.RepairAsking }, "the repair is asking"},
		"the repair was dropped":           {func(t *pool.MachineTarget) { t.Repair.State = pool.RepairDropped }, "the repair is dropped"},
		"another way":                      {func(t *pool.MachineTarget) { t.Repair.Way = pool.WayRestart }, `by way "restart"`},
		"the way that keeps nothing":       {func(t *pool.MachineTarget) { t.Repair.Way = pool.WayGateway }, "nobody has given the word"},
		"another host":                     {func(t *pool.MachineTarget) { t.Repair.Host = "share-standard-10" }, "in repair share-standard-1.3"},
		"another repair":                   {func(t *pool.MachineTarget) { t.Host.Repair = 4 }, "in repair share-standard-1.4"},
		"a host that is in no repair":      {func(t *pool.MachineTarget) { t.Host.Repair = 0 }, "in repair share-standard-1.0"},
		"a host in service":                {func(t *pool.MachineTarget) { t.Host.State = pool.HostInService }, "the host is in-service"},
		"a host that is lost":              {func(t *pool.MachineTarget) { t.Host.State = pool.HostLost }, "the host is lost"},
		"a host that is being deleted":     {func(t *pool.MachineTarget) { t.Host.State = pool.HostDeleting }, "the host is deleting"},
		"a machine that is not the one":    {func(t *pool.MachineTarget) { t.Host.Access.Machine = "i-2" }, `machine is "i-2"`},
		"no machine is known":              {func(t *pool.MachineTarget) { t.Host.Access.Machine, t.Repair.Machine = "", "" }, `machine is ""`},
		"a cache disk that is not the one": {func(t *pool.MachineTarget) { t.Host.Access.Cache = "vol-other" }, `cache disk is "vol-other"`},
		"no cache disk is known":           {func(t *pool.MachineTarget) { t.Host.Access.Cache, t.Repair.Cache = "", "" }, `cache disk is ""`},
		"no root disk is known":            {func(t *pool.MachineTarget) { t.Repair.Root = "" }, "root disk is not known"},
		"the cache taken for the root":     {func(t *pool.MachineTarget) { t.Repair.Root = t.Repair.Cache }, "root disk is not known"},
		"nothing to make the next from":    {func(t *pool.MachineTarget) { t.Repair.To = "" }, "no image"},
		"a machine that runs":              {func(t *pool.MachineTarget) { t.Machine.State = pool.MachineRunning }, "the machine is running"},
		"a machine that starts":            {func(t *pool.MachineTarget) { t.Machine.State = pool.MachinePending }, "the machine is pending"},
		"a machine that stops":             {func(t *pool.MachineTarget) { t.Machine.State = pool.MachineStopping }, "the machine is stopping"},
		"a machine in a state of no name":  {func(t *pool.MachineTarget) { t.Machine.State = "hibernating" }, "the machine is hibernating"},
		"a disk that it has": {func(t *pool.MachineTarget) {
			t.Machine.Disks = []pool.MachineDisk{{Volume: "vol-x", Device: "/dev/sdh"}}
		}, "1 disks"},
		"a machine of the stack that is not known": {func(t *pool.MachineTarget) { t.Stacked, t.Other = "i-9", gatewayMachine(pool.MachineRunning) }, "its stack has machine i-9, with 2 disks, and not i-1"},
		"one that is stopped":                      {func(t *pool.MachineTarget) { t.Stacked, t.Other = "i-9", gatewayMachine(pool.MachineStopped) }, "its stack has machine i-9"},
		"the root is attached":                     {func(t *pool.MachineTarget) { t.Root = pool.Attachment{Machine: "i-1", Done: true} }, "root disk is at machine i-1"},
		"the root is on its way":                   {func(t *pool.MachineTarget) { t.Root = pool.Attachment{Machine: "i-1"} }, "root disk is at machine i-1"},
		"the cache is attached":                    {func(t *pool.MachineTarget) { t.Cache = pool.Attachment{Machine: "i-1", Done: true} }, "cache disk is at machine i-1"},
		"the cache is elsewhere":                   {func(t *pool.MachineTarget) { t.Cache = pool.Attachment{Machine: "i-9", Done: true} }, "cache disk is at machine i-9"},
	} {
		target := doomed()
		test.change(&target)
		reasons := pool.GuardMachine(target)
		if len(reasons) != 1 || !strings.Contains(reasons[0], test.reason) {
			t.Errorf("%s: reasons %q, want one with %q", name, reasons, test.reason)
		}
	}
}

// oldRoot is a root disk that may be deleted.
func oldRoot() (pool.Host, pool.KeptDisk, pool.Volume) {
	h := doomed().Host
	v := pool.Volume{ID: "vol-root", State: "available", Tags: map[string]string{
		"headroom:host": string(h.ID), "headroom:order": h.Mark, "headroom:root-of": "sgw-12A3456B",
	}}
	return h, pool.KeptDisk{Volume: "vol-root", Until: noon}, v
}

func TestTheGuardLetsAnOldRootDiskBeDeleted(t *testing.T) {
	h, kept, v := oldRoot()
	if reasons := pool.GuardDisk(h, kept, v, pool.Stops{Repair: true, Order: true}, noon); len(reasons) > 0 {
		t.Errorf("refused: %v", reasons)
	}
}

func TestTheGuardRefusesEveryWrongRootDisk(t *testing.T) {
	for name, test := range map[string]struct {
		change func(h *pool.Host, kept *pool.KeptDisk, v *pool.Volume, stops *pool.Stops)
		reason string
	}{
		"the stop switch is on": {func(_ *pool.Host, _ *pool.KeptDisk, _ *pool.Volume, s *pool.Stops) { s.Destroy = true }, "stop switch"},
		"its term is not over":  {func(_ *pool.Host, k *pool.KeptDisk, _ *pool.Volume, _ *pool.Stops) { k.Until = noon.Add(time.Second) }, "kept until"},
		"another volume":        {func(_ *pool.Host, _ *pool.KeptDisk, v *pool.Volume, _ *pool.Stops) { v.ID = "vol-other" }, `volume "vol-other"`},
		"no volume":             {func(_ *pool.Host, k *pool.KeptDisk, v *pool.Volume, _ *pool.Stops) { k.Volume, v.ID = "", "" }, `volume ""`},
		"the cache disk":        {func(h *pool.Host, _ *pool.KeptDisk, v *pool.Volume, _ *pool.Stops) { h.Access.Cache = v.ID }, "cache disk"},
		"one that is in use":    {func(_ *pool.Host, _ *pool.KeptDisk, v *pool.Volume, _ *pool.Stops) { v.State = "in-use" }, "it is in-use"},
		"one in no state":       {func(_ *pool.Host, _ *pool.KeptDisk, v *pool.Volume, _ *pool.Stops) { v.State = "" }, "it is "},
		"another host's": {func(_ *pool.Host, _ *pool.KeptDisk, v *pool.Volume, _ *pool.Stops) {
			v.Tags["headroom:host"] = "share-standard-10"
		}, "marks of host"},
		"another order's": {func(_ *pool.Host, _ *pool.KeptDisk, v *pool.Volume, _ *pool.Stops) { v.Tags["headroom:order"] = "m0" }, "marks of host"},
		"no old root disk": {func(_ *pool.Host, _ *pool.KeptDisk, v *pool.Volume, _ *pool.Stops) {
			delete(v.Tags, "headroom:root-of")
		}, "no mark of an old disk"},
	} {
		h, kept, v := oldRoot()
		var stops pool.Stops
		test.change(&h, &kept, &v, &stops)
		reasons := pool.GuardDisk(h, kept, v, stops, noon)
		if len(reasons) != 1 || !strings.Contains(reasons[0], test.reason) {
			t.Errorf("%s: reasons %q, want one with %q", name, reasons, test.reason)
		}
	}
	h, kept, v := oldRoot()
	v.Tags = nil
	if len(pool.GuardDisk(h, kept, v, pool.Stops{}, noon)) == 0 {
		t.Error("a disk without any mark may be deleted")
	}
}
