package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// retiringHost is an empty host whose retirement has come to a step.
func retiringHost(t testing.TB, kind pool.Kind, step pool.Step) pool.Host {
	t.Helper()
	h := idle(2, "ffff", day)
	h.Kind, h.ID = kind, pool.Key{Kind: kind, Tier: standard}.Host(2)
	h, err := pool.Retire(h, "", "not needed", now)
	if err != nil {
		t.Fatal(err)
	}
	return pool.Begin(h, step, now)
}

func TestARetirementGoesThroughItsSteps(t *testing.T) {
	for kind, want := range map[pool.Kind]string{
		pool.Database: "recall inspect unprotect dismantle date",
		pool.Share:    "recall inspect unshare deregister dismantle disks buckets",
	} {
		h := retiringHost(t, kind, pool.StepRecall)
		if c := pool.Contribution(h); c.Hosts != 1 || c.InService+c.Reserve+c.Slots != 0 || pool.Spending(h) != h.Price {
			t.Errorf("it counts as %+v", c)
		}
		var steps []string
		for h.State == pool.HostRetiring {
			steps = append(steps, string(h.Step))
			next, err := pool.RetiredOn(h, now)
			if err != nil {
				t.Fatal(err)
			}
			h = next
		}
		if got := strings.Join(steps, " "); got != want || h.State != pool.HostDeleted || h.Step != pool.StepAnnounce || pool.Spending(h) != 0 {
			t.Errorf("%s: %s, then %s at %s", kind, got, h.State, h.Step)
		}
		if after := pool.Onward(h, now); after.Step != "" {
			t.Errorf("%s goes on with %s", kind, after.Step)
		}
	}
}

func TestARetirementIsCalledOffWhileNothingIsDestroyed(t *testing.T) {
	for step, may := range map[pool.Step]bool{
		pool.StepRecall: true, pool.StepInspect: true, pool.StepUnshare: false, pool.StepDismantle: false, pool.StepBuckets: false,
	} {
		h := retiringHost(t, pool.Share, step)
		off, err := pool.CallOff(h, "a claim was first", now.Add(time.Minute))
		if (err == nil) != may {
			t.Errorf("at %s: %v", step, err)
		}
		if may && (off.State != pool.HostInService || off.Step != "" || !off.Retire.At.IsZero() || off.Retire.Off.IsZero() || !strings.Contains(off.Why, "a claim was first")) {
			t.Errorf("at %s: %+v", step, off)
		}
		protected, err := pool.Protect(h, "ann: mine", now.Add(time.Minute))
		if err != nil || (protected.State == pool.HostInService) != may || protected.Protected != "ann: mine" {
			t.Errorf("at %s a host that is protected is %s: %v", step, protected.State, err)
		}
	}
	drained := retiringHost(t, pool.Share, pool.StepRecall)
	drained.Drained = "ann: old"
	if off, err := pool.CallOff(drained, "a claim", now); err != nil || off.State != pool.HostCordoned || off.Step != pool.StepWatch {
		t.Errorf("a drained host is %s at %s: %v", off.State, off.Step, err)
	}
}

func TestAProtectedHostIsNotRetired(t *testing.T) {
	h := idle(2, "ffff", day)
	h, err := pool.Protect(h, "ann: mine", now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Retire(h, "bob: his", "he says so", now); err == nil {
		t.Error("it was retired")
	}
	h.Drained, h.State = "bob: his", pool.HostCordoned
	if why := pool.Emptied(h, pool.NewShelf(standard), now); !strings.Contains(why, "it is protected") {
		t.Error(why)
	}
	if h, err = pool.Protect(h, "", now); err != nil || h.Protected != "" || pool.Emptied(h, pool.NewShelf(standard), now) != "" {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestADrainedHostTakesNoMoreAndGoesOnceItIsEmpty(t *testing.T) {
	h, err := pool.Drain(idle(2, "affo", day), "ann: old", now)
	if err != nil || h.State != pool.HostCordoned || h.Step != pool.StepAnnounce || !strings.Contains(h.Barriers(), "drained, by ann: old") {
		t.Fatalf("%s at %s: %v", h.State, h.Step, err)
	}
	if why := pool.Emptied(h, pool.NewShelf(standard), now); !strings.Contains(why, "slot 1") {
		t.Error(why)
	}
	h.Slots[0].State = pool.SlotFree
	if why := pool.Emptied(h, pool.NewShelf(standard), now); why != "" {
		t.Error(why)
	}
	held := h
	held.ByHand = held.WithRecovery()
	if why := pool.Emptied(held, pool.NewShelf(standard), now); !strings.Contains(why, "held by a recovery") {
		t.Errorf("a host that may have more than its record says goes: %q", why)
	}
	if back, err := pool.Drain(h, "", now); err != nil || back.State != pool.HostInService {
		t.Errorf("%s: %v", back.State, err)
	}
}

func TestAHostThatGotStuckGoesOnWhereItWas(t *testing.T) {
	h := retiringHost(t, pool.Share, pool.StepBuckets)
	h.Tries = pool.MaxTries
	stuck, _, err := pool.Overdue(h, h.Due)
	if err != nil || stuck.State != pool.HostQuarantined || stuck.Stuck != pool.StepBuckets {
		t.Fatalf("%s, %s: %v", stuck.State, stuck.Stuck, err)
	}
	on, err := pool.Release(stuck, now, "ann: emptied by hand")
	if err != nil || on.State != pool.HostRetiring || on.Step != pool.StepBuckets {
		t.Errorf("%s at %s: %v", on.State, on.Step, err)
	}
	recall := retiringHost(t, pool.Share, pool.StepRecall)
	for range 3 * pool.MaxTries {
		if recall, _, err = pool.Overdue(recall, recall.Due); err != nil || recall.State != pool.HostRetiring {
			t.Fatalf("%s: %v", recall.State, err)
		}
	}
}

func TestSnapshotsAreSweptAtTheirDates(t *testing.T) {
	h := retiringHost(t, pool.Database, pool.StepDate)
	h.Retire.Left = []pool.Remnant{
		{What: pool.RemnantBackups, Name: "db", Until: now.Add(time.Hour)},
		{What: pool.RemnantSnapshot, Name: "b", Until: now.Add(9 * day)},
		{What: pool.RemnantSnapshot, Name: "a", Until: now.Add(3 * day)},
	}
	h, err := pool.RetiredOn(h, now)
	if err != nil {
		t.Fatal(err)
	}
	h = pool.Onward(h, now)
	if h.State != pool.HostDeleted || h.Step != pool.StepSweep || !h.Due.Equal(now.Add(3*day)) {
		t.Errorf("%s at %s, due %s", h.State, h.Step, h.Due)
	}
	h = pool.Swept(h, []string{"a"}, h.Due)
	if h.Step != pool.StepSweep || !h.Due.Equal(now.Add(9*day)) || len(h.Retire.Left) != 2 {
		t.Errorf("%s, due %s, %v", h.Step, h.Due, h.Retire.Left)
	}
	if h = pool.Swept(h, []string{"b"}, h.Due); h.Step != "" || len(h.Retire.Left) != 1 {
		t.Errorf("%s, %v", h.Step, h.Retire.Left)
	}
}

func TestGuardRetire(t *testing.T) {
	good := func() pool.RetireTarget {
		return pool.RetireTarget{
			What: "stack", Name: "headroom-dev-share-standard-2", Want: "headroom-dev-share-standard-2", Mark: "m", WantMark: "m", Step: pool.StepDismantle,
			Host: retiringHost(t, pool.Share, pool.StepDismantle), Shelf: pool.NewShelf(standard),
		}
	}
	if reasons := pool.GuardRetire(good()); len(reasons) > 0 {
		t.Fatal(reasons)
	}
	renewed := good()
	renewed.Host.Gateways, renewed.Repair = 1, pool.Repair{Host: renewed.Host.ID, Number: 1, State: pool.RepairMended}
	if reasons := pool.GuardRetire(renewed); len(reasons) > 0 {
		t.Errorf("a gateway that took another's place, of which nothing is left: %q", reasons)
	}
	for want, change := range map[string]func(*pool.RetireTarget){
		"the stop switch is on":          func(g *pool.RetireTarget) { g.Stops = pool.Stops{Destroy: true} },
		"the host is in-service":         func(g *pool.RetireTarget) { g.Host.State = pool.HostInService },
		"the host is at step \"recall\"": func(g *pool.RetireTarget) { g.Host.Step = pool.StepRecall },
		"the host is at step \"\"":       func(g *pool.RetireTarget) { g.Host.Step, g.Step = "", "" },
		"not at \"recall\"":              func(g *pool.RetireTarget) { g.Host.Step, g.Step = pool.StepRecall, pool.StepRecall },
		"protected, by ann":              func(g *pool.RetireTarget) { g.Host.Protected = "ann" },
		"in repair":                      func(g *pool.RetireTarget) { g.Host.Repair = 1 },
		"step sweep of repair share-standard-2.1 is to be done": func(g *pool.RetireTarget) {
			g.Repair = pool.Repair{Host: g.Host.ID, Number: 1, Progress: pool.Progress{Step: pool.StepSweep}}
		},
		"keeps disk vol-1 until 2026-12-01": func(g *pool.RetireTarget) {
			g.Repair = pool.Repair{Host: g.Host.ID, Number: 1, Kept: []pool.KeptDisk{{Volume: "vol-1", Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}}}
		},
		"keeps disk vol-1 until a person says": func(g *pool.RetireTarget) {
			g.Repair = pool.Repair{Host: g.Host.ID, Number: 1, Kept: []pool.KeptDisk{{Volume: "vol-1", Gateway: "sgw-1", Dirty: true}}}
		},
		"slot 1 is assigned":               func(g *pool.RetireTarget) { g.Host.Slots[0].State = pool.SlotAssigned },
		"slot 1 is offered":                func(g *pool.RetireTarget) { g.Host.Slots[0].State = pool.SlotOffered },
		"slot 1 is leaving":                func(g *pool.RetireTarget) { g.Host.Slots[0].State = pool.SlotLeaving },
		"slot 1 is cooling":                func(g *pool.RetireTarget) { g.Host.Slots[0].State = pool.SlotCooling },
		"slot 1 is quarantined":            func(g *pool.RetireTarget) { g.Host.Slots[0].State = pool.SlotQuarantined },
		"slot 1 names tenant acme":         func(g *pool.RetireTarget) { g.Host.Slots[0].Tenant = "acme" },
		"the shelf has something":          func(g *pool.RetireTarget) { g.Shelf.Shares = []pool.Offer{shareOffer(2, 1)} },
		"somebody copies":                  func(g *pool.RetireTarget) { g.Bays.Taken = []pool.Bay{{Owner: "d", Host: g.Host.ID}} },
		"is not the one that it has":       func(g *pool.RetireTarget) { g.Name = "headroom-dev-share-standard-1" },
		"\"\" is not the one":              func(g *pool.RetireTarget) { g.Name, g.Want = "", "" },
		"a root or a pattern":              func(g *pool.RetireTarget) { g.Name, g.Want = "*", "*" },
		"bears the mark \"other\"":         func(g *pool.RetireTarget) { g.Mark = "other" },
		"database d is none of its slots'": func(g *pool.RetireTarget) { g.Found = []string{"database d is none of its slots'"} },
	} {
		g := good()
		change(&g)
		if reasons := strings.Join(pool.GuardRetire(g), "; "); !strings.Contains(reasons, want) {
			t.Errorf("want %q: %s", want, reasons)
		}
	}
}

func TestGuardSnapshot(t *testing.T) {
	h := retiringHost(t, pool.Database, pool.StepDate)
	h.Mark, h.State = "k3v9", pool.HostDeleted
	good := pool.Snapshot{Name: "s-snapshot-instance-1", Mark: "k3v9", Made: now.Add(time.Hour), Until: now.Add(day)}
	if reasons := pool.GuardSnapshot(h, good, pool.Stops{}, now.Add(day)); len(reasons) > 0 {
		t.Fatal(reasons)
	}
	with := func(change func(*pool.Snapshot)) pool.Snapshot { s := good; change(&s); return s }
	alive := h
	alive.State = pool.HostRetiring
	for want, reasons := range map[string][]string{
		"the stop switch": pool.GuardSnapshot(h, good, pool.Stops{Destroy: true}, now.Add(day)),
		"the host is":     pool.GuardSnapshot(alive, good, pool.Stops{}, now.Add(day)),
		"bears the mark":  pool.GuardSnapshot(h, with(func(s *pool.Snapshot) { s.Mark = "" }), pool.Stops{}, now.Add(day)),
		"not the last":    pool.GuardSnapshot(h, with(func(s *pool.Snapshot) { s.Made = now.Add(-time.Hour) }), pool.Stops{}, now.Add(day)),
		"is kept until":   pool.GuardSnapshot(h, good, pool.Stops{}, now.Add(day-1)),
		"until 0001":      pool.GuardSnapshot(h, with(func(s *pool.Snapshot) { s.Until = time.Time{} }), pool.Stops{}, now.Add(day)),
		"a root":          pool.GuardSnapshot(h, with(func(s *pool.Snapshot) { s.Name = "" }), pool.Stops{}, now.Add(day)),
	} {
		if !strings.Contains(strings.Join(reasons, "; "), want) {
			t.Errorf("want %q: %v", want, reasons)
		}
	}
}
