package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// strike counts n failures against a host, a second apart.
func strike(t *testing.T, h pool.Host, n int) pool.Host {
	t.Helper()
	for i := range n {
		struck, changed, err := pool.StrikeHost(h, "acme", "no answer", now.Add(time.Duration(i)*time.Second))
		if err != nil || !changed {
			t.Fatalf("strike %d: %v, %v", i+1, changed, err)
		}
		h = struck
	}
	return h
}

func TestAHostIsCordonedByFailuresInARow(t *testing.T) {
	h := strike(t, host(1, "ff"), pool.StrikesMost-1)
	if h.State != pool.HostInService {
		t.Fatalf("host is %s after %d failures", h.State, pool.StrikesMost-1)
	}
	h = strike(t, h, 1)
	if h.State != pool.HostCordoned || h.Step != pool.StepAnnounce || !strings.Contains(h.Why, "5 signups in a row") || !strings.Contains(h.Why, "no answer") {
		t.Errorf("host is %s at step %q: %s", h.State, h.Step, h.Why)
	}
	if len(h.Strikes) != 0 {
		t.Error("the failures count again when it is back in service")
	}
	if _, changed, err := pool.StrikeHost(h, "acme", "no answer", now); changed || err != nil {
		t.Errorf("a host that is cordoned is struck: %v, %v", changed, err)
	}
}

func TestFailuresThatAreNotInARowCordonNoHost(t *testing.T) {
	h := strike(t, host(1, "ff"), pool.StrikesMost-1)
	late, _, err := pool.StrikeHost(h, "acme", "no answer", now.Add(time.Hour))
	if err != nil || late.State != pool.HostInService || len(late.Strikes) != 1 {
		t.Errorf("an hour later host is %s with %d failures, %v", late.State, len(late.Strikes), err)
	}
	absolved, changed := pool.Absolve(h)
	if !changed || strike(t, absolved, pool.StrikesMost-1).State != pool.HostInService {
		t.Error("failures before a success count")
	}
	if _, changed := pool.Absolve(absolved); changed {
		t.Error("nothing to forget is a change")
	}
}

func TestAHostIsBackWhenNothingBarsIt(t *testing.T) {
	h := strike(t, host(1, "ff"), pool.StrikesMost)
	h.Alarms = map[string]pool.AlarmMark{"cpu": {On: true, At: now}}
	h.Doubt = ""
	h, err := pool.Reconsider(h, now, "it answers again")
	if err != nil || h.State != pool.HostCordoned {
		t.Fatalf("with an alarm on, host is %s: %v", h.State, err)
	}
	h.Alarms = nil
	h, err = pool.Reconsider(h, now, "all is well")
	if err != nil || h.State != pool.HostInService || h.Step != pool.StepAnnounce || h.Why != "all is well" {
		t.Errorf("host is %s at %q because %q: %v", h.State, h.Step, h.Why, err)
	}
	for _, state := range []pool.HostState{pool.HostBuilding, pool.HostPreparing, pool.HostDeleting, pool.HostLost} {
		other := pool.Host{ID: shares.Host(1), State: state, Doubt: "it does not answer"}
		if after, err := pool.Reconsider(other, now, "x"); err != nil || after.State != state {
			t.Errorf("a host that is %s becomes %s: %v", state, after.State, err)
		}
	}
}

func TestALostHostCountsForNothing(t *testing.T) {
	for _, state := range []pool.HostState{pool.HostInService, pool.HostCordoned} {
		h := host(1, "foa")
		h.State = state
		lost, err := pool.Lose(h, now, "its stack is deleted")
		if err != nil || lost.State != pool.HostLost || lost.Step != pool.StepAnnounce {
			t.Fatalf("a host that was %s is %s: %v", state, lost.State, err)
		}
		diff(t, "counters", pool.Contribution(lost), pool.Counters{})
		diff(t, "slots, which say who was there", states(lost), "foa")
	}
	if _, err := pool.Lose(pool.Host{State: pool.HostDeleting}, now, "x"); err == nil {
		t.Error("a host that is being deleted is lost")
	}
}

func TestWhatFollowsAnAnnouncement(t *testing.T) {
	cordoned := host(1, "fr")
	cordoned.State = pool.HostCordoned
	lost := host(1, "fr")
	lost.State = pool.HostLost
	returned := host(1, "frr")
	returned.Slots[1].Since, returned.Slots[2].Since = now, now.Add(-time.Minute)
	for _, test := range []struct {
		name string
		host pool.Host
		step pool.Step
		due  time.Time
	}{
		{"a cordoned host is watched", cordoned, pool.StepWatch, now.Add(pool.Deadline(pool.StepWatch))},
		{"returned slots rest, then are closed", returned, pool.StepClose, now.Add(pool.ReturnRest)},
		{"a host in service rests", host(1, "foa"), "", time.Time{}},
		{"a lost host rests", lost, "", time.Time{}},
	} {
		after := pool.Onward(test.host, now)
		if after.Step != test.step || !after.Due.Equal(test.due) {
			t.Errorf("%s: step %q, due %s", test.name, after.Step, after.Due)
		}
	}
}

func TestASlotThatWasReturnedRests(t *testing.T) {
	slot := pool.Slot{State: pool.SlotReturned, Since: now}
	if slot.Rested(now.Add(pool.ReturnRest - time.Second)) {
		t.Error("it is closed while an invocation that stalled may still open it")
	}
	if !slot.Rested(now.Add(pool.ReturnRest)) {
		t.Error("it is never closed")
	}
	if (pool.Slot{State: pool.SlotFree, Since: now}).Rested(now.Add(pool.ReturnRest)) {
		t.Error("a free slot is closed")
	}
}

func TestASlotThatIsUsedAgainIsNobodys(t *testing.T) {
	slot := pool.Slot{Index: 3, Generation: 1, Name: "name", State: pool.SlotReturned, Since: now.Add(-time.Hour), Tenant: "acme"}
	free, err := pool.Reuse(slot, now)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "used again", free, pool.Slot{Index: 3, Generation: 1, Name: "name", State: pool.SlotFree, Since: now})
	if again, err := pool.Reuse(free, now); err == nil {
		t.Errorf("a free slot is used again: %+v", again)
	}
}

func TestReturningAHoldTakesBothHalvesBack(t *testing.T) {
	s := pool.NewShelf(standard)
	db, share := pool.Offer{Host: 1, Index: 1, Name: "x"}, shareOffer(1, 1)
	s.Held["acme"] = pool.Hold{Database: db, Share: share}
	after := pool.Return(s, "acme")
	diff(t, "withdrawn", after.Withdrawn, []pool.Listed{{Kind: pool.Database, Offer: db, Tenant: "acme"}, {Kind: pool.Share, Offer: share, Tenant: "acme"}})
	if len(after.Held) != 0 || len(s.Held) != 1 {
		t.Errorf("%d holds, %d before", len(after.Held), len(s.Held))
	}
	diff(t, "of one that holds nothing", pool.Return(after, "acme"), after)
}
