package pool_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// leaver is a tenant that is ready.
func leaver() pool.Tenant {
	return pool.Tenant{
		ID: "acme", Tier: "standard", Mark: "k3v9x2m7qa", Addresses: []string{"10.0.0.1"}, State: pool.TenantReady, ReadyAt: noon, Secret: "arn:secret",
		Database: pool.Holding{Host: "database-standard-1", Index: 2, Generation: 3, Name: "abc"},
		Share:    pool.Holding{Host: "share-standard-1", Index: 4, Generation: 1, Name: "def"},
	}
}

func leaving(t *testing.T, of pool.Tenant) (pool.Tenant, pool.Departure) {
	t.Helper()
	left, d, err := pool.Leave(of, pool.Departure{Reason: "its contract ended", RequestedAt: noon, Grace: time.Hour}, pool.DefaultTerms, noon.Add(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return left, d
}

func TestATenantThatLeavesIsATombstoneAndADeparture(t *testing.T) {
	for _, state := range []pool.TenantState{pool.TenantRequested, pool.TenantWaiting, pool.TenantReady} {
		of := leaver()
		of.State = state
		left, d := leaving(t, of)
		if left.State != pool.TenantLeft || left.Named() || left.Secret != "" || left.LeftAt != noon || left.Mark != of.Mark {
			t.Errorf("%s: the tombstone is %+v", state, left)
		}
		if d.ID() != "acme.k3v9x2m7qa" || d.ID().Tenant() != "acme" || d.Step != pool.StepShut || d.Tenant.State != state || !d.Tenant.Named() {
			t.Errorf("%s: the departure is %+v", state, d)
		}
		if d.Handed() != (state == pool.TenantReady) {
			t.Errorf("%s: handed %v", state, d.Handed())
		}
	}
	gone := leaver()
	gone.State = pool.TenantLeft
	if _, _, err := pool.Leave(gone, pool.Departure{}, pool.DefaultTerms, noon); err != nil {
		t.Errorf("leaving again: %v", err) // being there already is no error; the ledger refuses the second departure
	}
}

func TestATenantThatRejoinsIsAsItWas(t *testing.T) {
	of := leaver()
	left, d := leaving(t, of)
	undone := noon.Add(time.Minute)
	back, err := pool.Rejoin(left, d, undone, noon)
	if err != nil {
		t.Fatal(err)
	}
	if back.State != pool.TenantReady || back.Database != of.Database || back.Share != of.Share || back.Secret != of.Secret || !slices.Equal(back.Addresses, of.Addresses) || back.Step != "" {
		t.Errorf("it is back as %+v", back)
	}
	if back.LeftAt != undone {
		t.Errorf("requests before %s are late, want %s", back.LeftAt, undone)
	}
	if next, second := leaving(t, back); second.ID() != d.ID()+"-1" || pool.DepartureIDOf(next) != second.ID() {
		t.Errorf("its next departure is %s, of the tombstone %s", second.ID(), pool.DepartureIDOf(next))
	}
	again := left.Clone()
	again.State, again.Mark = pool.TenantLeft, "another"
	if _, err := pool.Rejoin(again, d, undone, noon); err == nil {
		t.Error("it rejoined over a later life of its name")
	}
	again.State, again.Mark = pool.TenantRequested, left.Mark
	if _, err := pool.Rejoin(again, d, undone, noon); err == nil {
		t.Error("it rejoined over a signup of its name")
	}
	of.State = pool.TenantWaiting
	left, d = leaving(t, of)
	if _, err = pool.Rejoin(left, d, undone, noon); err == nil {
		t.Error("one that waited is back")
	}
}

func TestATenantSignsUpAgainAsANewOne(t *testing.T) {
	left, _ := leaving(t, leaver())
	first := pool.Tenant{ID: "acme", Tier: "large", Mark: "another", Addresses: []string{"10.0.0.9"}, State: pool.TenantRequested, RequestedAt: noon.Add(time.Hour)}
	left.Version = 7
	again, err := pool.SignAgain(left, first)
	if err != nil {
		t.Fatal(err)
	}
	if again.State != pool.TenantRequested || again.Named() || again.Mark != "another" || again.Tier != "large" || !again.Anew || again.LeftAt != noon || again.Version != 7 {
		t.Errorf("it is %+v", again)
	}
	held := leaver()
	held.State = pool.TenantRequested
	if left, _ = leaving(t, held); !left.Held {
		t.Error("what was not handed over is not held")
	}
	if _, err := pool.SignAgain(left, first); !errors.Is(err, pool.ErrHeld) {
		t.Errorf("one whose slots are being taken back: %v", err)
	}
	if _, err := pool.SignAgain(leaver(), first); err == nil {
		t.Error("one that is there signs up again")
	}
}

func TestDeparturesEndOneWayOrTheOther(t *testing.T) {
	_, d := leaving(t, leaver())
	undoing, err := pool.MoveDeparture(d, pool.DepartureUndoing, pool.StepReopen, noon, "it stays")
	if err != nil || undoing.Step != pool.StepReopen {
		t.Fatal(undoing, err)
	}
	scrubbing, err := pool.MoveDeparture(d, pool.DepartureScrubbing, pool.StepScrub, noon, "its grace is over")
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []struct {
		from pool.Departure
		to   pool.DepartureState
	}{{scrubbing, pool.DepartureUndoing}, {undoing, pool.DepartureScrubbing}, {undoing, pool.DepartureLeft}, {scrubbing, pool.DepartureLeaving}} {
		if _, err := pool.MoveDeparture(wrong.from, wrong.to, "", noon, "test"); err == nil {
			t.Errorf("it went from %s to %s", wrong.from.State, wrong.to)
		}
	}
}

func TestSlotsOfATenantThatLeavesGoRound(t *testing.T) {
	_, d := leaving(t, leaver())
	host := pool.Host{ID: "share-standard-1", Kind: pool.Share, Tier: "standard", Mark: "order", State: pool.HostInService, Slots: []pool.Slot{
		{Index: 4, Generation: 1, Name: "def", State: pool.SlotOffered, Share: "share-1", Refill: 7},
	}}
	left, changed, err := pool.LeaveSlot(host, d.Tenant.Share, "acme", noon)
	if err != nil || !changed || left.Slots[0].State != pool.SlotLeaving || left.Slots[0].Tenant != "acme" {
		t.Fatalf("an unsettled slot: %+v, %v, %v", left.Slots, changed, err)
	}
	if _, changed, err := pool.LeaveSlot(left, d.Tenant.Share, "acme", noon); changed || err != nil {
		t.Errorf("again: %v, %v", changed, err)
	}
	if _, _, err := pool.LeaveSlot(left, d.Tenant.Share, "other", noon); err == nil {
		t.Error("another tenant's slot leaves")
	}
	later := d.Tenant.Share
	later.Generation = 2
	if _, _, err := pool.LeaveSlot(left, later, "acme", noon); err == nil {
		t.Error("a slot of another generation leaves")
	}
	if stays, changed, err := pool.StaySlot(left, d.Tenant.Share, "acme", noon); err != nil || !changed || stays.Slots[0].State != pool.SlotAssigned {
		t.Errorf("it stays: %+v, %v", stays.Slots, err)
	}
	c := pool.Clear(d, pool.Share, "next", noon)
	c.NextShare = "share-2"
	if _, _, err := pool.FreeSlot(left, c, noon); err == nil {
		t.Error("a slot was freed that was not renewed")
	}
	renewed, changed, err := pool.RenewSlot(left, c, noon)
	if s := renewed.Slots[0]; err != nil || !changed || s.State != pool.SlotCooling || s.Generation != 2 || s.Name != "next" || s.Share != "share-2" || s.Tenant != "" {
		t.Fatalf("renewed: %+v, %v", renewed.Slots, err)
	}
	if _, changed, err := pool.RenewSlot(renewed, c, noon); changed || err != nil {
		t.Errorf("renewed again: %v, %v", changed, err)
	}
	freed, changed, err := pool.FreeSlot(renewed, c, noon)
	if err != nil || !changed || freed.Slots[0].State != pool.SlotFree {
		t.Fatalf("freed: %+v, %v", freed.Slots, err)
	}
	freed.Slots[0].State = pool.SlotOffered
	if _, changed, err := pool.FreeSlot(freed, c, noon); changed || err != nil {
		t.Errorf("freed again, when it is set out: %v, %v", changed, err)
	}
	freed.Slots[0].Generation++
	freed.Slots[0].State = pool.SlotCooling
	if _, changed, err := pool.FreeSlot(freed, c, noon); changed || err != nil {
		t.Errorf("freed again, when its next tenant has left too: %v, %v", changed, err)
	}
	renewed.Slots[0].State = pool.SlotQuarantined
	if _, _, err := pool.FreeSlot(renewed, c, noon); err == nil {
		t.Error("a quarantined slot was freed")
	}
	if host.NextMark(d.Tenant.Share) != "share-standard-1/order/4/2" || host.HeldMark(d.Tenant.Share) != "share-standard-1/order/4/1" {
		t.Errorf("marks %q, %q", host.HeldMark(d.Tenant.Share), host.NextMark(d.Tenant.Share))
	}
}

func TestCleanTwiceIsProvenAndUncleanThreeTimesIsNot(t *testing.T) {
	_, d := leaving(t, leaver())
	c := pool.Clear(d, pool.Share, "next", noon)
	c, proven, quarantine := c.Looked(nil, noon)
	if proven || quarantine {
		t.Fatal("one look proves")
	}
	if early, proven, _ := c.Looked(nil, noon.Add(time.Second)); proven || early.Clean != 1 {
		t.Error("a second look right after the first proves")
	}
	if _, proven, _ := c.Looked(nil, noon.Add(pool.CleanApart)); !proven {
		t.Error("two looks, minutes apart, do not prove")
	}
	for n := 1; n <= pool.UncleanLooks; n++ {
		c, proven, quarantine = c.Looked([]string{"a file"}, noon)
		if proven || c.Clean != 0 || quarantine != (n == pool.UncleanLooks) {
			t.Errorf("look %d that found something: proven %v, quarantine %v", n, proven, quarantine)
		}
	}
}

func TestWhatIsTimedIsLookedAtAgainAndTheRestIsGivenUp(t *testing.T) {
	_, d := leaving(t, leaver())
	now := noon.Add(time.Hour)
	for n := range pool.MaxTries {
		out, changed := pool.OverdueDeparture(d, now)
		if !changed || out.Tries != n+1 || out.Step != pool.StepShut || !out.Due.After(now) {
			t.Fatalf("try %d: %+v", n, out.Progress)
		}
		d, now = out, now.Add(time.Hour)
	}
	out, _ := pool.OverdueDeparture(d, now)
	if out.Step != pool.StepReport || out.Stuck != pool.StepShut {
		t.Errorf("after all tries: %+v", out.Progress)
	}
	for _, step := range []pool.Step{pool.StepGrace, pool.StepScrub} {
		d.Progress = pool.Progress{Step: step, Due: now, Tries: 9}
		if out, changed := pool.OverdueDeparture(d, now); !changed || out.Step != step || out.Tries != 9 || !out.Due.After(now) {
			t.Errorf("%s: %+v, %v", step, out.Progress, changed)
		}
	}
	d.Progress = pool.Progress{Step: pool.StepScrub, Due: now} // which may wait for a person
	if out, _ := pool.OverdueDeparture(d, now); !out.Due.Equal(now.Add(pool.Deadline(pool.StepScrub))) {
		t.Errorf("a scrub is looked at again at %s", out.Due)
	}
	c := pool.Clear(d, pool.Share, "next", noon)
	c.Progress = pool.Progress{Step: pool.StepCool, Due: now}
	if out, changed := pool.OverdueClearance(c, now); !changed || out.Step != pool.StepCool {
		t.Errorf("a slot that cools down: %+v", out.Progress)
	}
	if _, changed := pool.OverdueClearance(c, now.Add(-time.Second)); changed {
		t.Error("it is overdue before its time")
	}
}

func TestAnAttemptSaysHowFarItIs(t *testing.T) {
	a := pool.Attempt{Began: noon, Heard: noon.Add(10 * time.Second), Bytes: 100, Of: 300}
	if left, ok := a.Left(); a.Rate() != 10 || !ok || left != 20*time.Second {
		t.Errorf("rate %v, left %s, %v", a.Rate(), left, ok)
	}
	if _, ok := (pool.Attempt{Began: noon, Bytes: 3}).Left(); ok {
		t.Error("one that was never heard of has an estimate")
	}
}

func TestLooksThatComeToNothingAreGivenUp(t *testing.T) {
	_, d := leaving(t, leaver())
	c := pool.Clear(d, pool.Share, "next", noon)
	c.Progress = pool.Started(pool.StepProve, noon)
	for n := range pool.MaxTries {
		if c = c.LookFailed(errors.New("no capacity"), noon); c.Step != pool.StepProve || c.Tries != n+1 || c.Error != "no capacity" || c.Due != noon.Add(pool.Deadline(pool.StepProve)) {
			t.Fatalf("failure %d: %+v", n+1, c.Progress)
		}
	}
	if c = c.LookFailed(errors.New("no capacity"), noon); c.Step != pool.StepReport || c.Stuck != pool.StepProve || c.Error != "no capacity" {
		t.Errorf("after all tries: %+v", c.Progress)
	}
}

func TestASlotRestsAtLeastUntilNobodyCanBeLate(t *testing.T) {
	c := pool.Clearance{Proofs: []pool.Proof{{Step: pool.StepProve, At: noon}}}
	if until := c.RestsUntil(); !until.After(noon.Add(time.Minute)) {
		t.Errorf("without a cool-down it rests until %s", until)
	}
	if c.CoolDown = time.Hour; !c.RestsUntil().Equal(noon.Add(time.Hour)) {
		t.Errorf("it rests until %s", c.RestsUntil())
	}
}

// What its change of addresses waited for when the tenant left has an end of its own, which being back does not bring on.
func TestAChangeThatWasOpenIsOpenUntilItsTimeAfterAnUndo(t *testing.T) {
	of := leaver()
	of.Change = pool.Change{Due: noon.Add(20 * time.Hour)}
	of.Progress = pool.Progress{Step: pool.StepOverlap, Due: of.Change.Due}
	left, d := leaving(t, of)
	back, err := pool.Rejoin(left, d, noon, noon)
	if err != nil || back.Step != pool.StepOverlap || !back.Due.Equal(of.Change.Due) {
		t.Errorf("it is at %q until %s: %v", back.Step, back.Due, err)
	}
}
