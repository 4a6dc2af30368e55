package operator

import (
	"context"
	"strings"
	"testing"
	"time"

	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// stuckBooks is a ledger in memory with things that were given up.
type stuckBooks struct {
	inMemory
	departures   []pool.Departure
	clearances   []pool.Clearance
	restorations []pool.Restoration
}

func (b stuckBooks) GivenUp(context.Context) ([]pool.Departure, []pool.Clearance, []pool.Restoration, error) {
	return b.departures, b.clearances, b.restorations, nil
}

func wanted(t *testing.T, needs []Need, want ...string) {
	t.Helper()
	var said []string
	for _, n := range needs {
		said = append(said, n.What+" | "+n.Do)
	}
	if got := strings.Join(said, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("needs are\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestWhatWasGivenUpStaysNamed(t *testing.T) {
	gaveUp := func(step pool.Step, why string) pool.Progress { return pool.Progress{Stuck: step, Error: why} }
	departure := func(id string, state pool.DepartureState, p pool.Progress) pool.Departure {
		return pool.Departure{Tenant: pool.Tenant{ID: pool.TenantID(id), Mark: "m"}, State: state, Progress: p}
	}
	slot := pool.Holding{Host: "share-standard-1", Index: 3, Generation: 1}
	o := Operator{Ledger: stuckBooks{
		departures: []pool.Departure{
			departure("acme", pool.DepartureLeaving, gaveUp(pool.StepArchive, "no task")),
			departure("gone", pool.DepartureLeft, gaveUp(pool.StepShut, "once")), // it went on
		},
		clearances: []pool.Clearance{
			{Departure: "globex.m", Kind: pool.Share, Holding: slot, State: pool.ClearanceQuarantined, Progress: gaveUp(pool.StepProve, ""), History: []pool.Entry{{Why: "2 objects were found"}}},
			{Departure: "globex.m", Kind: pool.Database, State: pool.ClearanceScrubbing, Progress: gaveUp(pool.StepRemake, "no connection")},
			{Departure: "gone.m", Kind: pool.Database, State: pool.ClearanceRetired, Progress: gaveUp(pool.StepRemake, "no connection")},
		},
		restorations: []pool.Restoration{
			{Tenant: "hooli", Number: 2, State: pool.RestorationWithdrawn, Failed: true, Why: "the backup is gone"},
			{Tenant: "initech", Number: 1, State: pool.RestorationWithdrawing, Failed: true, Why: "it is not over"},
		},
	}}
	needs, notes, err := o.abandoned(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wanted(t, needs,
		"step archive of departure acme.m was given up: no task | headroom departure resume acme.m --reason …",
		"step remake of the database of departure globex.m was given up: no connection | headroom departure resume globex.m --reason …",
		"the share of departure globex.m, slot share-standard-1/3, is quarantined since step prove: 2 objects were found | headroom departure again globex.m share --reason …",
	)
	wanted(t, notes, "restoration hooli.restore-2 came to nothing: the backup is gone | headroom tenant explain hooli")
}

func TestWhatDoesNotComeOnIsNamedWhileItIsTriedAgain(t *testing.T) {
	l := memory.New(memory.Options{})
	due := func(step pool.Step, tries int) pool.Progress {
		return pool.Progress{Step: step, Tries: tries, Due: noon.Add(time.Hour), Error: "no answer"}
	}
	for _, r := range []pool.Repair{
		{Host: "share-standard-1", Number: 1, State: pool.RepairAsking, Asked: "way machine: no drill", Progress: due(pool.StepAsk, 40)},
		{Host: "share-standard-2", Number: 1, State: pool.RepairMending, Progress: due(pool.StepDischarge, pool.MaxTries+1)},
		{Host: "share-standard-3", Number: 1, State: pool.RepairMending, Progress: due(pool.StepReboot, 1)},
	} {
		if _, err := l.SaveRepair(t.Context(), pool.Repair{}, r); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []pool.Restoration{
		{Tenant: "acme", Number: 1, Move: true, State: pool.RestorationRestoring, Progress: due(pool.StepSwitch, pool.MaxTries+1)},
		{Tenant: "globex", Number: 1, State: pool.RestorationRestoring, Progress: due(pool.StepCopy, 1)},
		{Tenant: "hooli", Number: 1, State: pool.RestorationRestored, Progress: due(pool.StepSweep, 90)},
	} {
		if _, err := l.SaveRestoration(t.Context(), pool.Restoration{}, r); err != nil {
			t.Fatal(err)
		}
	}
	o := Operator{Ledger: inMemory{l}}
	needs, err := o.unfinished(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wanted(t, needs,
		"repair share-standard-1.1 asks for a person's word: way machine: no drill | headroom host explain share-standard-1",
		"step discharge of repair share-standard-2.1 was tried 6 times: no answer | headroom host explain share-standard-2",
		"step switch of restoration acme.move-1 was tried 6 times: no answer | headroom tenant explain acme",
	)
}

func TestASlotInQuarantineIsNamed(t *testing.T) {
	hosts, _ := world()
	hosts[1].Slots[0].State = pool.SlotQuarantined
	wanted(t, unclean(hosts), "1 slot of host share-standard-1 is in quarantine | headroom host show share-standard-1")
}

// A host that is lost is named as long as a tenant's own record says that what it has is there.
func TestAHostThatIsLostStaysNamed(t *testing.T) {
	l := memory.New(memory.Options{})
	for _, id := range []pool.TenantID{"acme", "moved"} {
		stored, _, err := l.Request(t.Context(), pool.Tenant{ID: id, Tier: "standard", State: pool.TenantRequested, Addresses: []string{"10.0.0." + string(id[0])}, RequestedAt: noon})
		if err != nil {
			t.Fatal(err)
		}
		ready := stored.Clone()
		ready.State, ready.Database = pool.TenantReady, pool.Holding{Host: "database-standard-1", Index: 1, Generation: 2}
		if id == "moved" {
			ready.Database.Host = "database-standard-2"
		}
		if _, err := l.SaveTenant(t.Context(), stored, ready); err != nil {
			t.Fatal(err)
		}
	}
	hosts, _ := world()
	hosts[0].Slots[1] = pool.Slot{Index: 2, State: pool.SlotAssigned, Tenant: "moved"}
	o := Operator{Ledger: inMemory{l}}
	for state, want := range map[pool.HostState][]string{
		pool.HostInService: nil,
		pool.HostLost:      {"host database-standard-1 is lost since 2026-03-02T12:00:00Z, and 1 tenant had what is theirs there: acme | headroom host show database-standard-1"},
	} {
		hosts[0].State, hosts[0].Since = state, noon
		needs, err := o.lostNeeds(t.Context(), hosts)
		if err != nil {
			t.Fatal(err)
		}
		wanted(t, needs, want...)
	}
}
