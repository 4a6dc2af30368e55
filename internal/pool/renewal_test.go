package pool_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// renewing is a host whose repair has made a new gateway for it.
func renewing(t *testing.T) pool.MoveTarget {
	t.Helper()
	target := doomed()
	h, r := target.Host, target.Repair
	h.Slots = []pool.Slot{
		{Index: 1, Generation: 2, Name: "s1", State: pool.SlotAssigned, Tenant: "acme", Role: "old-1", Share: "share-1"},
		{Index: 2, Generation: 1, Name: "s2", State: pool.SlotLeaving, Tenant: "globex", Role: "old-2", Share: "share-2"},
	}
	r.Way, r.Consent = pool.WayGateway, pool.Consent{By: "ops", Way: pool.WayGateway}
	r = r.Keep("vol-cache", h.Access.GatewayID(), true, noon).Fenced(h, pool.SideA)
	r.Next, r.Renewal.Cache, r.Renewal.Gateway = "i-2", "vol-2", strings.Replace(gatewayARN, "12A3456B", "99", 1)
	r.Renewal.Shares[0].Role, r.Renewal.Shares[0].Share, r.Renewal.Shares[1].Role = "new-1", "share-3", "new-2"
	return pool.MoveTarget{Host: h, Repair: r}
}

func TestAHostIsMovedToANewGatewayWhole(t *testing.T) {
	target := renewing(t)
	moved, against := pool.MoveToGateway(target)
	if len(against) > 0 {
		t.Fatalf("refused: %v", against)
	}
	want := pool.Access{Gateway: target.Repair.Renewal.Gateway, Machine: "i-2", Cache: "vol-2"}
	if moved.Access != want || moved.Image != "ami-2" || moved.Gateways != 1 {
		t.Errorf("moved to %+v of %s, gateways %d", moved.Access, moved.Image, moved.Gateways)
	}
	if a, b := moved.Slots[0], moved.Slots[1]; a.Role != "new-1" || a.Share != "share-3" || a.Tenant != "acme" || b.Role != "new-2" || b.Share != "" || b.Name != "s2" {
		t.Errorf("slots %+v", moved.Slots)
	}
	if target.Host.Slots[0].Share != "share-1" {
		t.Error("the record of before was changed")
	}
	r := target.Repair.Renewed()
	if r.Renewing() || r.Machine != "i-2" || r.Cache != "vol-2" || r.Next != "" || r.Root != "" || r.Image != "ami-2" {
		t.Errorf("the repair goes on as %+v", r)
	}
}

func TestAHostIsUnopenedFromItsMoveUntilItsTenantsAreLetIn(t *testing.T) {
	for name, test := range map[string]struct {
		proved []pool.Step
		want   bool
	}{
		"not moved":                    {[]pool.Step{pool.StepFence, pool.StepShares}, false},
		"moved":                        {[]pool.Step{pool.StepMove}, true},
		"moved, and rebooted since":    {[]pool.Step{pool.StepMove, pool.StepReboot, pool.StepJudge}, true},
		"let in":                       {[]pool.Step{pool.StepMove, pool.StepReadmit, pool.StepJudge}, false},
		"moved once more":              {[]pool.Step{pool.StepMove, pool.StepReadmit, pool.StepFence, pool.StepMove}, true},
		"let in after the second move": {[]pool.Step{pool.StepMove, pool.StepMove, pool.StepReadmit}, false},
	} {
		var r pool.Repair
		for _, step := range test.proved {
			r.Proofs = append(r.Proofs, pool.Proof{Step: step})
		}
		if r.Unopened() != test.want {
			t.Errorf("%s: it is unopened: %t", name, r.Unopened())
		}
	}
}

func TestNoHostIsMovedToANewGatewayWrongly(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*pool.MoveTarget)
		reason string
	}{
		"the stop switch is on":        {func(m *pool.MoveTarget) { m.Stops = pool.Stops{Repair: true, By: "ops", Why: "drill"} }, "stop"},
		"another way":                  {func(m *pool.MoveTarget) { m.Repair.Way = pool.WayMachine }, `by way "machine"`},
		"the repair asks":              {func(m *pool.MoveTarget) { m.Repair.State = pool.RepairAsking }, "the repair is asking"},
		"another repair":               {func(m *pool.MoveTarget) { m.Host.Repair = 9 }, "in repair"},
		"a host in service":            {func(m *pool.MoveTarget) { m.Host.State = pool.HostInService }, "the host is in-service"},
		"nothing is fenced off":        {func(m *pool.MoveTarget) { m.Repair.Renewal.Mark = "" }, "no gateway is fenced off"},
		"it was moved already":         {func(m *pool.MoveTarget) { m.Repair.Renewal.Moved = true }, "no gateway is fenced off"},
		"no new gateway":               {func(m *pool.MoveTarget) { m.Repair.Renewal.Gateway = "" }, "the new gateway is"},
		"the old gateway":              {func(m *pool.MoveTarget) { m.Repair.Renewal.Gateway = gatewayARN }, "the new gateway is"},
		"the old cache":                {func(m *pool.MoveTarget) { m.Repair.Renewal.Cache = "vol-cache" }, "the new cache disk"},
		"the old machine":              {func(m *pool.MoveTarget) { m.Repair.Next = "i-1" }, "the new machine"},
		"the old role":                 {func(m *pool.MoveTarget) { m.Repair.Renewal.Shares[0].Role = "old-1" }, "slot 1 has no new role"},
		"a slot without a role":        {func(m *pool.MoveTarget) { m.Repair.Renewal.Shares = m.Repair.Renewal.Shares[1:] }, "slot 1 has no new role"},
		"a slot of another generation": {func(m *pool.MoveTarget) { m.Host.Slots[0].Generation = 3 }, "of generation 3"},
		"a slot on its way":            {func(m *pool.MoveTarget) { m.Host.Slots[0].State = pool.SlotOffered }, "on its way to a tenant"},
		"a tenant's without a share":   {func(m *pool.MoveTarget) { m.Repair.Renewal.Shares[0].Share = "" }, "has no new share"},
	} {
		target := renewing(t)
		test.change(&target)
		if _, reasons := pool.MoveToGateway(target); len(reasons) != 1 || !strings.Contains(reasons[0], test.reason) {
			t.Errorf("%s: reasons %q, want one with %q", name, reasons, test.reason)
		}
	}
}

func TestTheGuardOfAGatewayThatIsGivenUp(t *testing.T) {
	target := doomed()
	target.Repair.Way, target.Repair.Consent, target.Repair.Root = pool.WayGateway, pool.Consent{By: "ops", Way: pool.WayGateway}, ""
	if reasons := pool.GuardMachine(target); len(reasons) > 0 {
		t.Errorf("with a word, and its root gone: %v", reasons)
	}
	for reason, change := range map[string]func(*pool.MachineTarget){
		"nobody has given the word": func(m *pool.MachineTarget) { m.Repair.Consent = pool.Consent{By: "ops", Way: pool.WayMachine} },
		"on their way to tenants":   func(m *pool.MachineTarget) { m.Host.Slots = []pool.Slot{{Index: 1, State: pool.SlotOffered}} },
		"the machine is running":    func(m *pool.MachineTarget) { m.Machine.State = pool.MachineRunning },
		"cache disk is at machine":  func(m *pool.MachineTarget) { m.Cache.Machine = "i-1" },
	} {
		bad := target
		change(&bad)
		if reasons := pool.GuardMachine(bad); len(reasons) != 1 || !strings.Contains(reasons[0], reason) {
			t.Errorf("reasons %q, want one with %q", reasons, reason)
		}
	}
}

func TestADirtyDiskWaitsForAWordAndItsTerm(t *testing.T) {
	h, kept, v := oldRoot()
	kept.Dirty, kept.Gateway = true, "sgw-12A3456B"
	if reasons := pool.GuardDisk(h, kept, v, pool.Stops{}, noon); len(reasons) != 1 || !strings.Contains(reasons[0], "nobody has given the word") {
		t.Errorf("without a word: %v", reasons)
	}
	r := pool.Repair{Host: h.ID, State: pool.RepairMended, Kept: []pool.KeptDisk{kept}}
	if r.Rest(noon).Step != "" {
		t.Error("it is to be swept without a word")
	}
	given, changed := r.Discard("ops: nothing is missed", noon, noon)
	if !changed || given.Step != pool.StepSweep || len(given.Undecided()) > 0 {
		t.Errorf("given: %+v", given)
	}
	if _, again := given.Discard("ops", noon, noon); again {
		t.Error("the word is given twice")
	}
	if reasons := pool.GuardDisk(h, given.Kept[0], v, pool.Stops{}, noon); len(reasons) > 0 {
		t.Errorf("with a word: %v", reasons)
	}
	if reasons := pool.GuardDisk(h, given.Kept[0], v, pool.Stops{}, noon.Add(-time.Hour)); len(reasons) != 1 {
		t.Errorf("before its term: %v", reasons)
	}
	v.Tags["headroom:root-of"] = "sgw-99"
	if reasons := pool.GuardDisk(h, given.Kept[0], v, pool.Stops{}, noon); len(reasons) != 1 || !strings.Contains(reasons[0], "and not of") {
		t.Errorf("of another gateway: %v", reasons)
	}
}

// A disk that was kept by a repair whose way came to nothing is in use again: a word that was given for it then is not meant
// for what it holds when it is kept once more.
func TestADiskThatWasInUseAgainIsKeptAnew(t *testing.T) {
	r := pool.Repair{Host: "share-standard-1", Number: 1}.Keep("vol-cache", "sgw-1", true, noon)
	if early, changed := r.Discard("ops", noon.Add(-time.Minute), noon); changed || early.Kept[0].Doomed() {
		t.Error("a word of before it was kept is given for it")
	}
	r, changed := r.Discard("ops", noon.Add(time.Minute), noon)
	if !changed || !r.Kept[0].Doomed() {
		t.Fatalf("%+v", r.Kept)
	}
	later := noon.Add(60 * 24 * time.Hour)
	r = r.Keep("vol-cache", "sgw-1", true, later)
	if k := r.Kept[0]; len(r.Kept) != 1 || k.Doomed() || !k.Until.After(later) {
		t.Errorf("%+v", r.Kept)
	}
}

func TestAGatewayThatWasFencedOffHasNotTakenOverWhatIsMadeThen(t *testing.T) {
	h := pool.Host{ID: "share-standard-1", Access: pool.Access{Gateway: "arn:gateway/sgw-1", Machine: "i-1"}}
	r := pool.Repair{Host: h.ID, Number: 1, Machine: "i-1", Next: "i-2", Proofs: []pool.Proof{{Step: pool.StepTakeOver}}}
	if !r.TookOver() || r.Seated(h).Access.Machine != "i-2" {
		t.Fatalf("the gateway runs on %s", r.Seated(h).Access.Machine)
	}
	r.Step = pool.StepFence
	r = r.Proven(pool.StepRefit, noon, "fenced").Fenced(h, pool.SideA)
	r.Next = "i-3"
	if r.TookOver() || r.Seated(h).Access.Machine != "i-1" {
		t.Error("the gateway that is fenced off has taken over a machine that was made for another")
	}
}

func TestStraysAreWhatNobodyKnowsOf(t *testing.T) {
	h := pool.Host{Access: pool.Access{Cache: "vol-cache"}}
	r := pool.Repair{Root: "vol-root", Cache: "vol-cache", Renewal: pool.Renewal{Cache: "vol-next"}}.Keep("vol-kept", "", false, noon)
	marked := []pool.Volume{{ID: "vol-at", State: "in-use"}}
	for _, id := range []string{"vol-root", "vol-cache", "vol-next", "vol-kept", "vol-stray"} {
		marked = append(marked, pool.Volume{ID: id, State: pool.VolumeFree})
	}
	if strays := r.Strays(h, marked); !slices.Equal(strays, []string{"vol-stray"}) {
		t.Errorf("strays are %v", strays)
	}
}
