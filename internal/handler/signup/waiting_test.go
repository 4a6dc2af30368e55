package signup

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

var errNotNow = errors.New("not now")

// crowd has n tenants sign up one after the other.
func (w *world) crowd(n int) {
	for i := range n {
		w.ask(fmt.Sprintf("t%02d", i), fmt.Sprintf("10.0.1.%d", i+1))
		w.drain(w.once)
	}
}

func TestWhenThePoolIsEmptyTenantsWaitInOrder(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.crowd(3)
	for i, detail := range w.bus.Of("StorageWaiting") {
		var waiting events.StorageWaiting
		w.must(json.Unmarshal(detail, &waiting))
		if waiting.Position != i+1 || waiting.TenantID != fmt.Sprintf("t%02d", i) || waiting.Reason == "" {
			t.Errorf("event %d: %+v", i, waiting)
		}
		// Nothing is on its way: what the pool check is going to order is estimated.
		if e := waiting.Estimate; e == nil || waiting.Capped != "" || e.P50Seconds < 15*60 || e.P90Seconds < e.P50Seconds {
			t.Errorf("event %d estimates %+v, capped %q", i, e, waiting.Capped)
		}
	}
	if got := w.said("StorageWaiting"); got != "t00 t01 t02" {
		t.Errorf("waiting: %q", got)
	}
	if tenant := w.tenant("t01"); tenant.State != pool.TenantWaiting || !tenant.Due.IsZero() {
		t.Errorf("tenant: %+v", tenant)
	}
	if len(w.checks.Messages()) < 3 || len(w.signups.Messages()) != 0 {
		t.Errorf("%d pool checks were asked for, messages: %v", len(w.checks.Messages()), w.signups.Messages())
	}
}

func TestWhoWaitsForWhatIsCappedIsToldThat(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.must(w.ledger.SaveStops(t.Context(), pool.Stops{Order: true, By: "ops", Why: "a drill"}))
	w.crowd(1)
	var waiting events.StorageWaiting
	w.must(json.Unmarshal(w.bus.Of("StorageWaiting")[0], &waiting))
	if waiting.Estimate != nil || !strings.Contains(waiting.Capped, "stop") {
		t.Errorf("estimated are %+v, capped %q", waiting.Estimate, waiting.Capped)
	}
}

// A slot that rests for a day comes back in ten minutes: whoever waits for it is told that, and the next that it waits for a host.
func TestWhoWaitsForASlotThatRestsIsToldWhenItIsBack(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 3)
	w.add(pool.Share, 1)
	id := pool.HostID("share-standard-1")
	before, err := w.ledger.Host(t.Context(), id)
	w.must(err)
	after := before.Clone()
	slot := &after.Slots[0]
	slot.State, slot.Generation = pool.SlotCooling, 2
	w.must(w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
	_, err = w.ledger.SaveClearance(t.Context(), pool.Clearance{}, pool.Clearance{
		Departure: "gone.mark", Kind: pool.Share, Holding: pool.Holding{Host: id, Index: slot.Index, Generation: 1}, CoolDown: 24 * time.Hour, Next: slot.Name,
		State: pool.ClearanceCooling, Progress: pool.Progress{Step: pool.StepCool, Due: w.now.Add(10 * time.Minute)},
		Proofs: []pool.Proof{{Step: pool.StepProve, At: w.now.Add(10*time.Minute - 24*time.Hour), What: "it is clean"}},
	})
	w.must(err)
	w.crowd(2)
	var waits []events.StorageWaiting
	for _, detail := range w.bus.Of("StorageWaiting") {
		var waiting events.StorageWaiting
		w.must(json.Unmarshal(detail, &waiting))
		waits = append(waits, waiting)
	}
	if len(waits) != 2 || waits[0].Estimate == nil || waits[1].Estimate == nil {
		t.Fatalf("%+v", waits)
	}
	if e := waits[0].Estimate; e.P50Seconds < 10*60 || e.P90Seconds > 11*60 {
		t.Errorf("the first is told %+v", e)
	}
	if e := waits[1].Estimate; e.P50Seconds < 12*60 || e.P90Seconds < 15*60 {
		t.Errorf("the second is told %+v", e)
	}
}

func TestAWaitingTenantThatSignsUpAgainIsToldItsPlaceAgain(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.crowd(2)
	w.ask("t01", "10.0.1.2")
	w.drain(w.once)
	said := w.bus.Of("StorageWaiting")
	if len(said) != 3 || string(said[1]) != string(said[2]) {
		t.Errorf("waiting: %s", said)
	}
}

func TestThoseWhoWaitedLongestAreServedFirst(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.crowd(5)
	w.add(pool.Database, 3)
	w.add(pool.Share, 3)
	w.reconcile()
	// A newcomer does not overtake them.
	w.ask("new", "10.0.2.1")
	w.drain(w.once)
	ready := strings.Fields(w.said("StorageReady"))
	slices.Sort(ready)
	if got := strings.Join(ready, " "); got != "t00 t01 t02" {
		t.Errorf("ready: %q", got)
	}
	w.add(pool.Database, 4)
	w.add(pool.Share, 4)
	w.reconcile()
	w.drain(w.once)
	ready = strings.Fields(w.said("StorageReady"))
	slices.Sort(ready)
	if got := strings.Join(ready, " "); got != "new t00 t01 t02 t03 t04" {
		t.Errorf("ready: %q", got)
	}
	if s := w.shelf(); s.Queue != 0 {
		t.Errorf("nobody waits, and the shelf is kept for those who do: %+v", s)
	}
	w.ask("later", "10.0.2.2")
	w.drain(w.once)
	if !strings.HasSuffix(w.said("StorageReady"), "later") {
		t.Errorf("ready: %q", w.said("StorageReady"))
	}
}

func TestALongListIsServedByOneMessageAfterTheOther(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.crowd(35)
	for range 4 {
		w.add(pool.Database, 10)
		w.add(pool.Share, 10)
	}
	w.reconcile()
	w.drain(w.once)
	w.reconcile() // a shelf holds fewer pairs than are wanted
	w.drain(w.once)
	if ready := strings.Fields(w.said("StorageReady")); len(ready) != 35 {
		t.Errorf("%d ready: %v", len(ready), ready)
	}
}

func TestOneWhoCannotBeOpenedHoldsUpNobody(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.remark = true
	w.crowd(3)
	w.add(pool.Database, 1)
	w.add(pool.Share, 3)
	w.add(pool.Database, 2)
	delete(w.masters, w.host("database-standard-1").Access.Address) // it lets nobody in
	w.reconcile()
	w.drain(w.once)
	ready := strings.Fields(w.said("StorageReady"))
	slices.Sort(ready)
	if got := strings.Join(ready, " "); got != "t01 t02" {
		t.Errorf("ready: %q", got)
	}
	// Its host is out of service by that, and it waits for other slots, before those who come later.
	w.ask("new", "10.0.2.1")
	w.drain(w.once)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.reconcile()
	w.drain(w.once)
	if got := w.said("StorageReady"); !strings.HasSuffix(got, "t00") {
		t.Errorf("ready: %q", got)
	}
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.reconcile()
	w.drain(w.once)
	if got := w.said("StorageReady"); !strings.HasSuffix(got, "t00 new") {
		t.Errorf("ready: %q", got)
	}
}

// A signup that was stuck before it had to wait has all its tries again when its turn comes.
func TestOneWhoseTurnComesHasAllItsTries(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.crowd(1)
	before := w.tenant("t00")
	stuck := before
	stuck.Tries = pool.MaxTries
	_, err := w.ledger.SaveTenant(t.Context(), before, stuck)
	w.must(err)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.fail["Tag"] = errNotNow
	w.reconcile()
	w.drain(w.once)
	if tenant := w.tenant("t00"); tenant.State != pool.TenantRequested || tenant.Tries != 0 || tenant.Due.IsZero() {
		t.Errorf("tenant: %+v", tenant)
	}
}

// Of many who can't be opened, the messages that serve the list do not multiply, and nobody behind them
// is forgotten.
func TestManyWhoCannotBeOpenedHoldUpNobody(t *testing.T) {
	const stuck = 2*serveAtOnce + 1
	w := newWorld(t, undisturbed, 0)
	w.remark = true
	w.crowd(stuck + 2)
	w.add(pool.Database, stuck)
	w.add(pool.Share, stuck+2)
	delete(w.masters, w.host("database-standard-1").Access.Address)
	w.reconcile()
	w.drain(w.once)
	w.add(pool.Database, 2)
	w.reconcile()
	w.drain(w.once)
	ready := strings.Fields(w.said("StorageReady"))
	slices.Sort(ready)
	if got := strings.Join(ready, " "); got != "t00 t01" {
		t.Errorf("ready: %q", got)
	}
	w.add(pool.Database, stuck)
	w.add(pool.Share, stuck) // those that were returned rest still
	w.reconcile()
	w.drain(w.once)
	if ready := strings.Fields(w.said("StorageReady")); len(ready) != stuck+2 || w.shelf().Queue != 0 {
		t.Errorf("%d ready: %v, shelf %+v", len(ready), ready, w.shelf())
	}
}

// Another copy of the message claimed what came in after this one found nothing, and went no further: that is no
// error of this message, whose next delivery would come two minutes later.
func TestOneThatIsGivenSlotsBeforeItDrawsItsNumberIsOpened(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.ask("acme", "10.0.0.1")
	d, _ := w.signups.Receive(visibility)
	given := false
	err := w.handler(func(operation string, do func() error) error {
		if operation == "Draw" && !given {
			given = true
			w.add(pool.Database, 1)
			w.add(pool.Share, 1)
			w.reconcile()
			_, err := w.ledger.Claim(t.Context(), tier, "acme", true)
			w.must(err)
		}
		return do()
	}).Message(t.Context(), d)
	if acme := w.tenant("acme"); err != nil || acme.State != pool.TenantReady || w.said("StorageReady") != "acme" {
		t.Errorf("error %v, it is %s, ready: %q", err, acme.State, w.said("StorageReady"))
	}
}

func TestATenantThatWaitsForSlotsInReserveDoesNotWait(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 2)
	w.add(pool.Share, 2)
	w.crowd(3) // the shelf is bare, and nobody reconciled it
	if ready, waiting := w.said("StorageReady"), w.said("StorageWaiting"); ready != "t00 t01" || waiting != "t02" {
		t.Errorf("ready %q, waiting %q", ready, waiting)
	}
}
