package poolcheck

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// lost makes a world whose table was lost: the stack of a host that it knew, with the tags that its host
// templates' stacks have, stands still, under the name of the pool's first host.
func lost(t *testing.T) *world {
	w := newWorld(t)
	w.stacks.Add("headroom-dev-share-standard-1", "share-standard-1-another000", map[string]string{
		"headroom:stage": "dev", "headroom:host": "share-standard-1", "headroom:tier": "standard", "headroom:order": "another000",
	})
	w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling = 1, 5 })
	return w
}

// What bears our names and lacks the order's mark is foreign (case A1): its number is passed over, people are
// told, and nothing of it is taken for a host.
func TestAStackThatLacksTheOrdersMarkIsPassedOver(t *testing.T) {
	w := lost(t)
	w.must(w.check())
	first, second := w.host("share-standard-1"), w.host("share-standard-2")
	if first.State != pool.HostDeleted || first.Stack.ID != "" || first.Step != "" || !strings.Contains(first.Why, "passed over") {
		t.Errorf("the foreign number: %+v", first)
	}
	if second.State != pool.HostBuilding || w.stacks.Count() != 2 {
		t.Errorf("the next number: %+v, %d stacks", second, w.stacks.Count())
	}
	if r := w.pool(shares); r.Counters.Hosts != 1 || r.Failures != 0 || !r.BackoffUntil.IsZero() {
		t.Errorf("a foreign stack counts as a host, or holds orders back: %+v", r)
	}
	var failed events.HostFailed
	w.must(json.Unmarshal(w.bus.Of("HostFailed")[0], &failed))
	if failed.HostID != "share-standard-1" || !strings.Contains(failed.Reason, "passed over") {
		t.Errorf("said %+v", failed)
	}
	if notes := w.topic.Notes(); len(notes) != 1 || !strings.Contains(notes[0].Message, "Nothing of that stack is touched") {
		t.Errorf("notified %v", notes)
	}
	w.now = w.now.Add(24 * time.Hour)
	w.must(w.check())
	if len(w.bus.Of("HostFailed")) != 1 {
		t.Error("it is told of again")
	}
}

// A host that failed is replaced by the next number, however many are passed over for it.
func TestWhatReplacesAnOrderThatIsPassedOverInheritsWhenItWasDecidedOn(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling = 1, 5 })
	w.must(w.check())
	decided := w.host("share-standard-1").DecidedAt
	failed := w.host("share-standard-1")
	gone, err := pool.MoveHost(failed, pool.HostDeleting, w.now, "test")
	w.must(err)
	w.must(w.ledger.SaveHost(t.Context(), failed, gone, pool.Failed, w.now))
	w.stacks.Add("headroom-dev-share-standard-2", "share-standard-2-another000", nil)
	before := w.pool(shares)
	w.now = before.BackoffUntil.Add(time.Minute)
	w.must(w.check())
	if two, three := w.host("share-standard-2"), w.host("share-standard-3"); two.State != pool.HostDeleted || !three.DecidedAt.Equal(decided) {
		t.Errorf("%s is %s, %s was decided on at %s, want %s", two.ID, two.State, three.ID, three.DecidedAt, decided)
	}
	if r := w.pool(shares); r.Failures != before.Failures || !r.BackoffUntil.Equal(before.BackoffUntil) || len(r.Owed) != 0 {
		t.Errorf("the pool: %+v", r)
	}
}

func TestPassingOverKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := lost(t)
		w.deliver(life)
		for range 2 {
			w.now = w.now.Add(time.Hour)
			w.deliver(&killtest.Life{})
		}
		if h := w.host("share-standard-1"); h.State != pool.HostDeleted || h.Step != "" || len(w.topic.Notes()) < 1 {
			t.Errorf("host %+v, notified %v", h, w.topic.Notes())
		}
		return w.outcome()
	})
}

// Who loses the race for the record of a foreign number decides again: one that is ordered still is passed
// over, and of one that has moved on nothing is said.
func TestANumberThatMovedOnIsNotPassedOver(t *testing.T) {
	for state, says := range map[pool.HostState]int{pool.HostOrdered: 1, pool.HostBuilding: 0} {
		w, moved := lost(t), false
		err := w.checkBy(func(operation string, do func() error) error {
			if operation == "SaveHost" && !moved {
				moved = true
				w.change("share-standard-1", func(h pool.Host) pool.Host {
					h.State = state
					return h
				})
			}
			return do()
		})
		want := map[bool]pool.HostState{true: pool.HostDeleted, false: state}[says == 1]
		if h := w.host("share-standard-1"); !moved || err != nil || h.State != want {
			t.Errorf("changed to %s: host %+v, error %v", state, h, err)
		}
		if failed, notes := w.bus.Of("HostFailed"), w.topic.Notes(); len(failed) != says || len(notes) != says {
			t.Errorf("changed to %s: said %s, notified %v", state, failed, notes)
		}
	}
}
