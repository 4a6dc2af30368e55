package hostrepair

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// beyond has a gateway fail so that neither a restart nor another machine helps by itself, until a person is asked.
func (w *world) beyond(id pool.HostID) {
	w.t.Helper()
	w.drills = nil
	w.breaks(id, "nothing")
	w.run(2 * time.Hour)
	w.asks(id, pool.WayMachine)
}

// renewed fails unless a host serves by a new gateway, over the same buckets and for the same clients, and what the old one
// left is kept.
func (w *world) renewed(id pool.HostID, before pool.Host) {
	w.t.Helper()
	w.inService(id)
	w.reopened(id)
	now := w.host(id)
	if now.Access.Gateway == before.Access.Gateway || now.Access.Cache == before.Access.Cache || now.Access.Machine == before.Access.Machine ||
		now.Access.Appliance != before.Access.Appliance || now.Access.Address != before.Access.Address || now.Gateways != before.Gateways+1 {
		w.t.Fatalf("the host was %+v, and is %+v", before.Access, now.Access)
	}
	for i, s := range now.Slots {
		was := before.Slots[i]
		if s.Share == was.Share || s.Role == was.Role || s.Name != was.Name || s.Bucket != was.Bucket || s.Tenant != was.Tenant || s.Generation != was.Generation {
			w.t.Fatalf("slot was %+v, and is %+v", was, s)
		}
	}
	if stack := w.stack(id).parameters; stack["GatewayId"] != now.Access.GatewayID() || stack["HasMachine"] != "true" || stack["Fence"] != "off" || stack["ImageId"] != now.Image {
		w.t.Fatalf("the stack has %v", stack)
	}
	if w.center.gateways[before.Access.GatewayID()] == nil {
		w.t.Fatal("the old gateway is gone")
	}
}

func TestAGatewayThatIsGivenUpIsReplacedByANewOneOverItsBuckets(t *testing.T) {
	for name, dirty := range map[string]bool{"with a cache that is dirty": true, "with one that is clean": false} {
		w := newWorld(t, 2)
		before := w.host(first)
		w.must((outside{w, undisturbed}).Set(t.Context(), tenantOf(w, before), pool.ShareRef{Gateway: before.Access.Gateway, ID: before.Slots[0].Share}, before.Access.SecurityGroup))
		w.center.upload(before.Access.GatewayID())
		if dirty {
			w.writes(first, "late")
		}
		w.beyond(first)
		w.must(w.request(first, events.RepairProceed, "gateway"))
		w.run(time.Hour)
		w.renewed(first, before)
		r := w.repair(first)
		if w.tried(first) != "reboot restart gateway" || len(r.Undecided()) != 2 {
			t.Errorf("%s: tried %s, kept %+v", name, w.tried(first), r.Kept)
		}
		cache := w.center.volumes[before.Access.Cache]
		if cache == nil || slices.Contains(cache.dirty, "late") != dirty || cache.tags["headroom:root-of"] != before.Access.GatewayID() {
			t.Errorf("%s: the old cache disk is %+v", name, cache)
		}
		if !strings.Contains(r.Renewal.Lost, "the last writes of tenant-1") || !strings.Contains(r.Renewal.Lost, "is kept until a person says") {
			t.Errorf("%s: what may be lost is %q", name, r.Renewal.Lost)
		}
		w.writes(first, "after")
		if other := w.host("share-standard-2"); other.Gateways != 0 || other.State != pool.HostInService {
			t.Errorf("%s: its neighbour is %+v", name, other)
		}
	}
}

// TestWhatAGivenUpGatewayHadNotUploadedIsLookedUpBeforeAndAfterTheWord has a gateway tell something more after a person was asked.
func TestWhatAGivenUpGatewayHadNotUploadedIsLookedUpBeforeAndAfterTheWord(t *testing.T) {
	w := newWorld(t, 1)
	host := w.host(first)
	g := w.gateway(first)
	g.measured = pool.Unuploaded{Dirty: 10, DirtyAt: w.now.Add(-5 * time.Minute), Failing: 2, FailingAt: w.now.Add(-5 * time.Minute)}
	w.leaves(host, pool.Failing{Share: host.Slots[0].Share, At: w.now.Add(-time.Hour), FailingFiles: pool.FailingFiles{Names: []string{"a (S3AccessDenied)"}, Count: 1}})
	w.beyond(first)
	asked := w.repair(first)
	says := asked.Loss(w.host(first))
	for _, want := range []string{"up to 15 GiB, 10% of its cache of 150 GiB", "of tenant-1 a report named 1 file at 2026-11-02T08:10:00Z, as a (S3AccessDenied)", "2 in all failed to upload"} {
		if !strings.Contains(says, want) {
			t.Errorf("asked is by %q, without %q", says, want)
		}
	}
	version := asked.Version
	w.run(6 * time.Hour)
	if looks := w.repair(first).Version - version; looks > 6*12+2 {
		t.Errorf("its record was written %d times in six hours", looks)
	}
	if r := w.repair(first); r.Seen.DirtyAt != asked.Seen.DirtyAt || !slices.Contains(w.calls, "Unuploaded") {
		t.Errorf("while it asks it has looked again: %+v", r.Seen)
	}
	g.measured.Dirty, g.measured.DirtyAt = 20, w.now
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(time.Hour)
	if lost := w.repair(first).Renewal.Lost; !strings.Contains(lost, "up to 30 GiB, 20% of its cache") || !strings.Contains(lost, "as a (S3AccessDenied)") {
		t.Errorf("what may be lost is %q", lost)
	}
}

// What can't be learnt holds nothing up, and is said to be unknown, unless it was known before.
func TestAGatewayIsGivenUpWhateverIsNotKnownOfIt(t *testing.T) {
	for name, test := range map[string]struct {
		fails string
		late  bool // only when it is fenced off
		want  string
	}{
		"nothing can be read of what was measured":     {"Unuploaded", false, "how much is not known"},
		"it can't be read any more":                    {"Unuploaded", true, "up to 15 GiB, 10% of its cache of 150 GiB"},
		"nobody says how large the disk is":            {"Size", false, "10% of its cache, whose size is not known"},
		"departures can't be read":                     {"Departures", false, "up to 15 GiB"},
		"departures can't be read any more":            {"Departures", true, "as a (S3AccessDenied)"},
		"how large the disk is can't be read any more": {"Size", true, "up to 15 GiB, 10% of its cache of 150 GiB"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			host := w.host(first)
			w.gateway(first).measured = pool.Unuploaded{Dirty: 10, DirtyAt: w.now}
			w.leaves(host, pool.Failing{At: w.now, FailingFiles: pool.FailingFiles{Names: []string{"a (S3AccessDenied)"}, Count: 1}})
			if !test.late {
				w.fail[test.fails] = errNotNow
			}
			w.beyond(first)
			w.fail[test.fails] = errNotNow
			w.must(w.request(first, events.RepairProceed, "gateway"))
			w.run(time.Hour)
			w.inService(first)
			if lost := w.repair(first).Renewal.Lost; !strings.Contains(lost, test.want) {
				t.Errorf("what may be lost is %q, without %q", lost, test.want)
			}
		})
	}
}

func tenantOf(w *world, h pool.Host) pool.Tenant {
	t, err := w.ledger.Tenant(context.Background(), h.Slots[0].Tenant)
	w.must(err)
	return t
}

func TestALostCacheIsReplacedWithItsGatewayByWord(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.center.upload(before.Access.GatewayID())
	w.center.terminate(w.machine(first), false)
	w.run(time.Minute)
	w.center.lose(before.Access.Cache)
	w.doubt(first)
	w.run(2 * time.Hour)
	w.asks(first, pool.WayGateway)
	if w.made() != "" {
		t.Fatalf("calls %s", w.made())
	}
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(time.Hour)
	w.renewed(first, before)
	if lost := w.repair(first).Renewal.Lost; !strings.Contains(lost, before.Access.Cache+" is gone") {
		t.Errorf("what may be lost is %q", lost)
	}
}

func TestNoNewGatewayIsMadeWithoutAWord(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.beyond(first)
	for range 30 {
		w.run(24 * time.Hour)
	}
	w.asks(first, pool.WayMachine)
	if w.center.activated > 0 || w.stack(first).parameters["Fence"] != "off" || w.host(first).Access != before.Access {
		t.Errorf("%d gateways are activated, the stack has %v", w.center.activated, w.stack(first).parameters)
	}
}

// TestAStackOfAnEarlierTemplateIsLeftAlone has a stack that can't be fenced.
func TestAStackOfAnEarlierTemplateIsLeftAlone(t *testing.T) {
	for _, parameter := range []string{"Fence", "Side", "GatewayId"} {
		w := newWorld(t, 1)
		w.beyond(first)
		old := w.machine(first)
		delete(w.stack(first).parameters, parameter)
		w.must(w.request(first, events.RepairProceed, "gateway"))
		w.run(3 * time.Hour)
		if r := w.repair(first); r.State != pool.RepairAsking || w.machine(first) != old || len(old.disks) != 2 || !strings.Contains(r.Tried[len(r.Tried)-1].Came, "without parameter "+parameter) {
			t.Errorf("without %s: %+v", parameter, r)
		}
		w.sound()
	}
}

func TestAnUpdateThatIsRolledBackLetsNobodyWrite(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.beyond(first)
	failed := 0
	w.mishap = func(operation string, after bool) {
		if !after && operation == "Update" && failed < 4 && w.center.failing == 0 {
			failed++
			w.center.failing = 1
		}
	}
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(4 * time.Hour)
	if w.renewed(first, before); failed != 4 {
		t.Errorf("%d updates failed", failed)
	}
}

func TestRolesThatAreNotDeletedDenyEverything(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.center.stubborn = true
	w.beyond(first)
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(time.Hour)
	w.renewed(first, before)
	if r := w.center.roles[before.Slots[0].Role]; r == nil || !r.denied {
		t.Errorf("the old role is %+v", r)
	}
}

func TestANewGatewayIsNotLeftHalfDone(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.center.weak = true
	w.beyond(first)
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(12 * time.Hour)
	w.asks(first, pool.WayGateway)
	if err := w.request(first, events.RepairDrop, ""); err == nil || !strings.Contains(err.Error(), "fenced off") {
		t.Errorf("dropped: %v", err)
	}
	w.center.weak = false
	w.machine(first).hangs = "" // somebody mends it
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(2 * time.Hour)
	w.renewed(first, before)
}

func TestSlotsOnTheirWayToTenantsAreWaitedFor(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.beyond(first)
	set := func(state pool.SlotState) {
		_, _, err := ledger.UpdateHost(t.Context(), w.ledger, first, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
			h.Slots[1].State = state
			return h, pool.Neutral, nil
		})
		w.must(err)
	}
	set(pool.SlotOffered)
	w.must(w.request(first, events.RepairProceed, "gateway"))
	w.run(30 * time.Minute)
	if w.stack(first).parameters["Fence"] != "off" || !strings.Contains(w.repair(first).Error, "on their way to tenants") {
		t.Fatalf("the stack has %v: %+v", w.stack(first).parameters, w.repair(first))
	}
	set(pool.SlotFree)
	w.run(2 * time.Hour)
	w.renewed(first, before)
}

func TestAStopIsHeededBeforeEachStepOfANewGateway(t *testing.T) {
	steps := []pool.Step{
		pool.StepStop, pool.StepDetach, pool.StepFence, pool.StepRefit, pool.StepAttach, pool.StepActivate, pool.StepCache, pool.StepShares, pool.StepAlarms, pool.StepMove, pool.StepReadmit,
	}
	for _, step := range steps {
		w := newWorld(t, 1)
		before := w.host(first)
		w.beyond(first)
		stopped := -1
		w.mishap = func(operation string, after bool) {
			if r := w.repair(first); after && operation == "SaveRepair" && r.Step == step && r.Way == pool.WayGateway && stopped < 0 {
				w.must(w.ledger.SaveStops(context.Background(), pool.Stops{Repair: true, By: "ops", Why: "wait"}))
				stopped = len(w.calls)
			}
		}
		w.must(w.request(first, events.RepairProceed, "gateway"))
		w.run(3 * time.Hour)
		if stopped < 0 {
			t.Fatalf("%s: it was never there", step)
		}
		for _, call := range w.calls[stopped:] {
			switch call {
			case "Stop", "Detach", "Update", "Attach", "Activate", "AddCache", "CreateShare", "Set", "SaveHost":
				t.Errorf("%s: call %s while repairs are stopped", step, call)
			}
		}
		w.must(w.ledger.SaveStops(t.Context(), pool.Stops{}))
		w.run(3 * time.Hour)
		w.renewed(first, before)
	}
}

func TestANewGatewayKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t, 1)
		before := w.host(first)
		w.center.late = 3 * time.Second
		w.drills = nil
		w.center.terminate(w.machine(first), false)
		w.doubt(first)
		w.run(15 * time.Minute)
		w.gives(events.RepairProceed, "gateway")
		w.deliver(life, 40*time.Minute)
		w.renewed(first, before)
		return w.outcome()
	})
}

func TestMessagesAboutANewGatewayThatComeTwiceDoNothingTwice(t *testing.T) {
	w := newWorld(t, 1)
	before := w.host(first)
	w.beyond(first)
	w.repairs.Double = true
	w.gives(events.RepairProceed, "gateway")
	w.run(2 * time.Hour)
	w.renewed(first, before)
	if w.center.activated != 1 || w.tried(first) != "reboot restart gateway" {
		t.Errorf("%d gateways are activated, tried %s", w.center.activated, w.tried(first))
	}
}

// TestANewGatewayIsOneLikeAnyOther has the new gateway fail as well: it is mended, and replaced once more.
func TestANewGatewayIsOneLikeAnyOther(t *testing.T) {
	w := newWorld(t, 1)
	for n := range 3 {
		before := w.host(first)
		w.beyond(first)
		w.must(w.request(first, events.RepairProceed, "gateway"))
		w.run(2 * time.Hour)
		w.renewed(first, before)
		w.writes(first, fmt.Sprint("round ", n))
		w.center.upload(w.host(first).Access.GatewayID())
		w.breaks(first, "reboot")
		w.run(9 * time.Hour)
		w.inService(first)
	}
	if side := w.stack(first).parameters["Side"]; side != pool.SideB || len(w.repair(first).Kept) != 6 {
		t.Errorf("the stack is on side %s, and %d disks are kept", side, len(w.repair(first).Kept))
	}
}
