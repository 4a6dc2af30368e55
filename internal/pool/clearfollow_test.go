package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

// cleared is a clearance whose share was made anew at the gateway of its host, and that host.
func cleared() (pool.Clearance, pool.Host) {
	h := pool.Host{ID: "share-standard-1", Kind: pool.Share, State: pool.HostInService, Access: pool.Access{Gateway: "arn:gateway/sgw-1"}}
	h.Slots = []pool.Slot{{Index: 1, Generation: 1, Name: "old", State: pool.SlotLeaving, Share: "share-1", Tenant: "acme"}}
	c := pool.Clearance{
		Departure: "acme.mark", Kind: pool.Share, Holding: pool.Holding{Host: h.ID, Index: 1, Generation: 1, Name: "old"}, State: pool.ClearanceScrubbing,
		Progress: pool.Started(pool.StepProve, now), Next: "next", NextShare: "share-2", Gateway: h.Access.Gateway,
		Task: "task", Address: "10.0.0.9", Report: pool.CleanReport, Clean: 1, Look: 3,
	}
	return c, h
}

func TestAClearanceFollowsItsHostToAnotherGateway(t *testing.T) {
	c, h := cleared()
	if c.Stranded(h) {
		t.Error("its gateway is there")
	}
	old := c
	old.Gateway = "" // of an earlier form
	h.Access.Gateway = "arn:gateway/sgw-2"
	if !c.Stranded(h) || old.Stranded(h) {
		t.Errorf("stranded %v, and of an earlier form %v", c.Stranded(h), old.Stranded(h))
	}
	again := c.Follow(h, now.Add(time.Hour))
	if again.Step != pool.StepRemake || again.NextShare != "" || again.Gateway != "" || again.Task+again.Address+again.Report != "" || again.Clean != 0 ||
		again.Look != 3 || !again.Due.After(c.Due) || again.Stranded(h) {
		t.Errorf("it goes on as %+v", again)
	}
	// Its slot is renewed, and that was not recorded in the clearance: the new gateway has the share for it.
	h.Slots[0].Generation, h.Slots[0].Name, h.Slots[0].Share, h.Slots[0].State = 2, "next", "share-3", pool.SlotCooling
	looks := c.Follow(h, now)
	if looks.Step != pool.StepProve || looks.NextShare != "share-3" || looks.Gateway != h.Access.Gateway || looks.Clean != 0 {
		t.Errorf("it goes on as %+v", looks)
	}
}

func TestASlotIsNotRenewedWhileItsGatewayIs(t *testing.T) {
	c, h := cleared()
	if _, changed, err := pool.RenewSlot(h, c, now); err != nil || !changed {
		t.Fatalf("renewed %v: %v", changed, err)
	}
	inRepair := h.Clone()
	inRepair.Repair = 1
	if _, changed, err := pool.RenewSlot(inRepair, c, now); err == nil || changed {
		t.Error("it is renewed while its host is in repair")
	}
	moved := h.Clone()
	moved.Access.Gateway = "arn:gateway/sgw-2"
	if _, changed, err := pool.RenewSlot(moved, c, now); err == nil || changed {
		t.Error("it is renewed with a share of a gateway that is gone")
	}
	done := inRepair.Clone()
	done.Slots[0].Generation, done.Slots[0].Name = 2, "next"
	if _, changed, err := pool.RenewSlot(done, c, now); err != nil || changed {
		t.Errorf("it was renewed before: %v, %v", changed, err)
	}
}

func TestWhatFailsToUploadIsOfOneShare(t *testing.T) {
	f := pool.Failing{FailingFiles: pool.FailingFiles{Names: []string{"a"}, Count: 1}, At: now, Report: "arn:report", Read: true, Reports: 4}
	if of := f.Of("share-1"); of.Share != "share-1" || of.Count != 1 || of.Report != "arn:report" {
		t.Errorf("what was not said of any share is %+v", of)
	}
	f.Share = "share-1"
	if of := f.Of("share-2"); of.Share != "share-2" || of.Count != 0 || of.Report != "" || of.Read || !of.At.IsZero() || of.Reports != 4 {
		t.Errorf("of another share it is %+v", of)
	}
	if left := f.Left(); left.Share != "share-1" {
		t.Errorf("left is %+v", left)
	}
}
