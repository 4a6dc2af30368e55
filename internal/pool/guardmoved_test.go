package pool

import (
	"strings"
	"testing"
	"time"
)

func TestTheGuardOfWhatATenantMovedAwayFromAsksWhatItHasAndLeftWith(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	was := Holding{Host: "database-standard-1", Index: 1, Generation: 3, Name: "was"}
	has := Holding{Host: "database-standard-2", Index: 2, Generation: 1, Name: "has"}
	r := Restoration{Tenant: "acme", Number: 1, Move: true, Kept: []KeptDatabase{{Move: "acme.move-1", Holding: was, Now: has, Until: now}}}
	target := Target{
		What: "database", Name: "d_was", Want: "d_was",
		Slot:      Slot{Index: 1, Generation: 3, State: SlotLeaving, Tenant: "acme"},
		Clearance: Clearance{Departure: "acme.move-1", Kind: Database, Holding: was, State: ClearanceScrubbing},
	}
	left := func(state DepartureState, with Holding) []Departure {
		return []Departure{{State: state, Tenant: Tenant{ID: "acme", Mark: "mark", Database: with}}}
	}
	there, gone := Tenant{ID: "acme", Database: has}, Tenant{ID: "acme", State: TenantLeft}
	for name, c := range map[string]struct {
		tenant Tenant
		left   []Departure
		says   string // empty: it may go
	}{
		"it has the other":                                 {there, nil, ""},
		"it left with the other":                           {gone, left(DepartureScrubbing, has), ""},
		"it left before it moved, and stayed":              {there, left(DepartureUndone, was), ""},
		"it has this one":                                  {Tenant{ID: "acme", Database: was}, nil, "held by tenant"},
		"it left with this one":                            {there, left(DepartureLeaving, was), "held by tenant"},
		"that is being undone":                             {there, left(DepartureUndoing, was), "held by tenant"},
		"it does not have the other":                       {gone, nil, "does not have what it moved to"},
		"it left with the other once, and that was undone": {gone, left(DepartureUndone, has), "does not have what it moved to"},
	} {
		said := strings.Join(GuardMoved(target, r, c.tenant, c.left, now), "; ")
		if c.says == "" && said != "" || !strings.Contains(said, c.says) {
			t.Errorf("%s: the guard says %q, and is to say %q", name, said, c.says)
		}
	}
}

// A tenant that moves once more has what it moves to by its record a moment before the record of its moves says so.
func TestTheGuardOfWhatATenantMovedAwayFromKnowsThatItMovesOn(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(n int) Holding { return Holding{Host: "database-standard-1", Index: n, Generation: 1} }
	target := Target{
		What: "database", Name: "d_was", Want: "d_was",
		Slot:      Slot{Index: 1, Generation: 1, State: SlotLeaving, Tenant: "acme"},
		Clearance: Clearance{Departure: "acme.move-1", Kind: Database, Holding: at(1), State: ClearanceScrubbing},
	}
	for name, c := range map[string]struct {
		from, to, has Holding        // of the move that is under way, and what the tenant has
		left          DepartureState // with what it had; empty: it has it
		may           bool
	}{
		"it has what it moves to":             {at(2), at(3), at(3), "", true},
		"it has what it moves from":           {at(2), at(3), at(2), "", true},
		"it has neither":                      {at(2), at(3), at(4), "", false},
		"it moves from elsewhere":             {at(4), at(3), at(3), "", false},
		"it left, and no slot was found":      {at(2), Holding{}, Holding{}, "", false},
		"it left before it had what is found": {at(2), at(3), Holding{}, "", false},
		"it left with what it moves to":       {at(2), at(3), at(3), DepartureLeaving, true},
		"it left with what it moves from":     {at(2), at(3), at(2), DepartureLeaving, true},
		"it left with neither":                {at(2), at(3), at(4), DepartureLeaving, false},
		"it stays after all, with neither":    {at(2), at(3), at(3), DepartureUndone, false},
	} {
		r := Restoration{
			Tenant: "acme", Number: 2, Move: true, State: RestorationRestoring, Database: c.from, Target: c.to,
			Kept: []KeptDatabase{{Move: "acme.move-1", Holding: at(1), Now: at(2), Until: now}},
		}
		tenant, left := Tenant{ID: "acme", Database: c.has}, []Departure(nil)
		if c.left != "" {
			left, tenant.Database = []Departure{{Tenant: tenant, State: c.left}}, Holding{}
		}
		if said := GuardMoved(target, r, tenant, left, now); (len(said) == 0) != c.may {
			t.Errorf("%s: the guard says %q", name, said)
		}
		over, itself := r, r
		over.State, itself.Number = RestorationRestored, 1
		for _, r := range []Restoration{over, itself} { // nothing is on its way, or it is the move that left this
			if said := GuardMoved(target, r, Tenant{ID: "acme", Database: c.to}, nil, now); len(said) == 0 {
				t.Errorf("%s: the guard has nothing against it by %s, which is %s", name, r.ID(), r.State)
			}
		}
	}
}

// What its tenant moved away from is cleared by another function, whose clock may be behind. What is beside the tenant's own is dropped
// by who looks.
func TestWhatWasMovedAwayFromGoesWhenItsTimeIsOverByEveryClock(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for move, want := range map[RestorationID]time.Time{"": now, "acme.move-1": now.Add(ClockMargin)} {
		r := Restoration{Tenant: "acme", Number: 1, State: RestorationRestoring, Kept: []KeptDatabase{{Move: move, Until: now}, {Until: now.Add(time.Hour)}}}
		rested, err := r.Rest(RestorationRestored, now.Add(-time.Hour), "")
		if err != nil || rested.Step != StepSweep || !rested.Due.Equal(want) {
			t.Errorf("by move %q it is due at %s, not %s: %v", move, rested.Due, want, err)
		}
	}
}
