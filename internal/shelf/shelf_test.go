package shelf

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// given makes a world with database and share hosts of as many slots as said.
func given(t *testing.T, o memory.Options, p pool.Placement, limit int, databases, shares []int) *world {
	t.Helper()
	w := newWorld(o, p, limit)
	for _, slots := range databases {
		must(t, w.add(pool.Database, slots))
	}
	for _, slots := range shares {
		must(t, w.add(pool.Share, slots))
	}
	return w
}

func (w *world) shelf(t *testing.T) pool.Shelf {
	t.Helper()
	must(t, w.check())
	s, err := w.ledger.Shelf(t.Context(), tier)
	must(t, err)
	return s
}

func (w *world) host(t *testing.T, id pool.HostID) pool.Host {
	t.Helper()
	h, err := w.ledger.Host(t.Context(), id)
	must(t, err)
	return h
}

func (w *world) signUpMany(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		must(t, w.signUp(pool.TenantID(fmt.Sprintf("t%d", i)), atOnce))
	}
}

// step lets the only process make its next call.
func step(t *testing.T, w *world) {
	t.Helper()
	_, err := w.Step(0)
	must(t, err)
}

// hostsOf lists the numbers of the offers' hosts.
func hostsOf(offers []pool.Offer) []int {
	var hosts []int
	for _, o := range offers {
		hosts = append(hosts, o.Host)
	}
	return hosts
}

func TestTheShelfIsFilledInTheOrderOfPlacement(t *testing.T) {
	for name, test := range map[string]struct {
		placement pool.Placement
		limit     int
		want      []int
	}{
		"pack fills one host up before the next":      {pool.Pack, 0, []int{1, 1, 1, 2, 2, 2}},
		"spread takes turns":                          {pool.Spread, 0, []int{1, 2, 1, 2, 1, 2}},
		"no host goes over the limit, packed":         {pool.Pack, 2, []int{1, 1, 2, 2}},
		"no host goes over the limit, spread":         {pool.Spread, 1, []int{1, 2}},
		"a limit beyond the slots makes no slots":     {pool.Pack, 9, []int{1, 1, 1, 2, 2, 2}},
		"a limit as large as a host changes nothing ": {pool.Spread, 3, []int{1, 2, 1, 2, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			w := given(t, memory.Options{}, test.placement, test.limit, []int{3, 3}, []int{3})
			must(t, w.reconcile())
			if diff := cmp.Diff(test.want, hostsOf(w.shelf(t).Databases)); diff != "" {
				t.Errorf("hosts on the shelf (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAShelfIsFilledToItsSizeAndThenLeftAlone(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{10, 10, 10, 10, 10, 10}, []int{10, 10, 10, 10, 10})
	must(t, w.reconcile())
	full := w.shelf(t)
	if len(full.Databases) != pool.ShelfSize || len(full.Shares) != pool.ShelfSize {
		t.Fatalf("%d databases and %d shares are set out", len(full.Databases), len(full.Shares))
	}
	must(t, w.signUp("acme", atOnce))
	must(t, w.reconcile())
	if s := w.shelf(t); s.Refills != full.Refills || s.Pairs() != pool.ShelfSize-1 {
		t.Errorf("refilled for one pair: %d pairs after %d refills", s.Pairs(), s.Refills)
	}
}

func TestReadyTenantsAreSettledAndOthersKeepTheirHolds(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{2}, []int{2})
	must(t, w.reconcile())
	must(t, w.signUp("acme", atOnce))
	if _, _, err := w.ledger.Request(t.Context(), pool.Tenant{ID: "slow", Tier: tier, State: pool.TenantRequested}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ledger.Claim(t.Context(), tier, "slow", false); err != nil {
		t.Fatal(err)
	}
	w.now = start.Add(time.Minute)
	must(t, w.reconcile())
	s := w.shelf(t)
	if _, held := s.Held["slow"]; len(s.Held) != 1 || !held {
		t.Errorf("held: %v", s.Held)
	}
	for _, id := range w.hosts {
		h := w.host(t, id)
		if h.Slots[0].State != pool.SlotAssigned || h.Slots[0].Tenant != "acme" || h.Slots[1].State != pool.SlotOffered {
			t.Errorf("slots of %s: %+v", id, h.Slots)
		}
		if !h.Slots[0].Since.Equal(w.now) || !h.Slots[1].Since.Equal(start) {
			t.Errorf("slots of %s are so since %s and %s", id, h.Slots[0].Since, h.Slots[1].Since)
		}
	}
}

func TestSlotsOfACordonedHostGoBackAndReturnWithIt(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{3, 2}, []int{5})
	must(t, w.reconcile())
	must(t, w.signUp("acme", atOnce))
	must(t, w.turn("database-standard-1"))
	must(t, w.reconcile())
	if diff := cmp.Diff([]int{2, 2}, hostsOf(w.shelf(t).Databases)); diff != "" {
		t.Errorf("cordoned: hosts on the shelf (-want +got):\n%s", diff)
	}
	h := w.host(t, "database-standard-1")
	if h.Used() != 1 || h.Free() != 2 || h.Slots[0].Tenant != "acme" {
		t.Errorf("cordoned: slots %+v", h.Slots)
	}
	must(t, w.turn("database-standard-1"))
	must(t, w.reconcile())
	if diff := cmp.Diff([]int{2, 2, 1, 1}, hostsOf(w.shelf(t).Databases)); diff != "" {
		t.Errorf("restored: hosts on the shelf (-want +got):\n%s", diff)
	}
}

func TestWhatAStalledSignupTakesLateComesBack(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{3}, []int{3})
	must(t, w.reconcile())
	w.Start(func(call killtest.Call) error { return w.signUp("acme", call) })
	step(t, w) // it heard of the tenant, and stalls
	must(t, w.signUp("acme", atOnce))
	must(t, w.reconcile())
	for w.Running() > 0 {
		step(t, w)
	}
	if s := w.shelf(t); len(s.Held) != 1 {
		t.Fatalf("the stalled signup took nothing: %v", s.Held)
	}
	w.now = w.now.Add(pool.SettleAfter)
	must(t, w.reconcile()) // takes it back
	must(t, w.reconcile()) // sets it out again
	if s := w.shelf(t); len(s.Held) != 0 || len(s.Withdrawn) != 0 || s.Pairs() != 2 {
		t.Errorf("held %v, withdrawn %v, pairs %d", s.Held, s.Withdrawn, s.Pairs())
	}
	if h := w.host(t, "share-standard-1"); h.Used() != 3 || h.Slots[0].Tenant != "acme" || h.Slots[1].Tenant != "" {
		t.Errorf("slots: %+v", h.Slots)
	}
}

// A hold of a slot's next generation is not of what its tenant has, though it is of the same slot.
func TestAHoldOfAnotherGenerationIsAStray(t *testing.T) {
	for _, kind := range pool.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			w := given(t, memory.Options{}, pool.Pack, 0, []int{1}, []int{1})
			must(t, w.reconcile())
			must(t, w.signUp("acme", atOnce))
			// The slot went on to its next generation, and the tenant holds that.
			id := pool.Key{Kind: kind, Tier: tier}.Host(1)
			before := w.host(t, id)
			after := before.Clone()
			after.Slots[0].Generation++
			must(t, w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
			shelf := w.shelf(t)
			next, hold := shelf.Clone(), shelf.Held["acme"]
			if kind == pool.Database {
				hold.Database.Generation++
			} else {
				hold.Share.Generation++
			}
			next.Held["acme"] = hold
			must(t, w.ledger.SaveShelf(t.Context(), shelf, next))
			must(t, w.reconcile())
			if slot := w.host(t, id).Slots[0]; slot.Tenant != "" || slot.State == pool.SlotAssigned {
				t.Errorf("the next generation was assigned: %+v", slot)
			}
			if s := w.shelf(t); len(s.Held) != 0 {
				t.Errorf("held: %v", s.Held)
			}
		})
	}
}

func TestAHostThatIsCordonedAsItIsSetOutStaysOut(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{2, 2}, []int{4})
	w.Start(func(call killtest.Call) error { return w.reconciler(call).Reconcile(context.Background(), tier) })
	for w.Next(0) != "BeginRefill" {
		step(t, w)
	}
	must(t, w.turn("database-standard-1"))
	for w.Running() > 0 {
		step(t, w)
		must(t, w.check())
	}
	if hosts := hostsOf(w.shelf(t).Databases); slices.Contains(hosts, 1) || len(hosts) != 2 {
		t.Errorf("hosts on the shelf: %v", hosts)
	}
	must(t, w.turn("database-standard-1"))
	must(t, w.reconcile())
	if hosts := hostsOf(w.shelf(t).Databases); len(hosts) != 4 {
		t.Errorf("restored: hosts on the shelf: %v", hosts)
	}
}

// A reconciler stalls before it forgets what it has put back. Meanwhile the same slots are set out again and
// withdrawn again: these are not the ones that it has put back.
func TestSlotsThatAreWithdrawnTwiceAreNotForgotten(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{3}, []int{3})
	must(t, w.reconcile())
	must(t, w.turn("database-standard-1"))
	reconcile := func(call killtest.Call) error { return w.reconciler(call).Reconcile(context.Background(), tier) }
	w.Start(reconcile)
	for w.Next(0) != "SaveHosts" {
		step(t, w)
	}
	step(t, w)
	must(t, w.reconcile())
	must(t, w.turn("database-standard-1"))
	must(t, w.reconcile())
	must(t, w.turn("database-standard-1"))
	w.Start(reconcile)
	for w.Next(1) != "SaveShelf" {
		if _, err := w.Step(1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Step(1); err != nil {
		t.Fatal(err)
	}
	w.Kill(1)
	if s := w.shelf(t); len(s.Withdrawn) != 3 {
		t.Fatalf("withdrawn: %v", s.Withdrawn)
	}
	for w.Running() > 0 {
		step(t, w)
		must(t, w.check())
	}
	must(t, w.turn("database-standard-1"))
	must(t, w.reconcile())
	if s := w.shelf(t); len(s.Databases) != 3 || len(s.Withdrawn) != 0 {
		t.Errorf("databases %v, withdrawn %v", s.Databases, s.Withdrawn)
	}
}

func TestAnIndexThatLagsHidesNoSlots(t *testing.T) {
	// The index still has the first host in service with all its slots.
	w := given(t, memory.Options{Lag: 1}, pool.Pack, 0, []int{40, 2}, []int{2})
	must(t, w.turn("database-standard-1"))
	must(t, w.reconcile())
	if diff := cmp.Diff([]int{2, 2}, hostsOf(w.shelf(t).Databases)); diff != "" {
		t.Errorf("hosts on the shelf (-want +got):\n%s", diff)
	}
}

func TestAStepThatFailsDoesNotKeepTheShelfEmpty(t *testing.T) {
	broken := errors.New("broken")
	fail := ""
	w := given(t, memory.Options{Fault: func(operation string) (bool, error) {
		if operation == fail {
			return false, broken
		}
		return false, nil
	}}, pool.Pack, 0, []int{2, 38}, []int{60})
	must(t, w.reconcile())
	w.signUpMany(t, pool.ShelfSize-pool.ShelfLow)
	fail = "Settle"
	if err := w.reconcile(); !errors.Is(err, broken) {
		t.Errorf("got %v, want the failure to be told", err)
	}
	if s := w.shelf(t); len(s.Shares) != pool.ShelfSize {
		t.Errorf("%d shares are set out", len(s.Shares))
	}
}

func TestATierOutOfThePolicyIsSettledAndNotRefilled(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{60}, []int{60})
	must(t, w.reconcile())
	w.signUpMany(t, pool.ShelfSize-pool.ShelfLow)
	w.policies = nil
	must(t, w.reconcile())
	if s := w.shelf(t); len(s.Held) != 0 || s.Pairs() != pool.ShelfLow {
		t.Errorf("%d held, %d pairs", len(s.Held), s.Pairs())
	}
}

func TestNewWantsAllOfItsConfiguration(t *testing.T) {
	whole := Config{Ledger: memory.New(memory.Options{}), Policies: fixed{}, Now: time.Now}
	for name, spoil := range map[string]func(*Config){
		"Ledger":   func(c *Config) { c.Ledger = nil },
		"Policies": func(c *Config) { c.Policies = nil },
		"Now":      func(c *Config) { c.Now = nil },
	} {
		c := whole
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("made without %s", name)
		}
	}
}

func TestARefillIsLeftToItsMakerForAWhile(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{3}, []int{3})
	w.Start(func(call killtest.Call) error { return w.reconciler(call).Reconcile(context.Background(), tier) })
	for w.Next(0) != "SaveHosts" {
		step(t, w)
	}
	for _, try := range []func() error{w.reconcile, func() error { return w.reconciler(atOnce).Fill(t.Context(), tier) }} {
		must(t, try())
		if s := w.shelf(t); s.Refill == nil || s.Pairs() != 0 {
			t.Errorf("another one finished it at once: %+v", s.Refill)
		}
	}
	w.Kill(0)
	w.now = w.now.Add(pool.RefillTime)
	must(t, w.reconciler(atOnce).Fill(t.Context(), tier))
	if s := w.shelf(t); s.Refill != nil || s.Pairs() != 3 {
		t.Errorf("nobody finished it: %+v, %d pairs", s.Refill, s.Pairs())
	}
}

// A reconciler stalls between its look at the hosts, which have their slots back by then, and its look at the shelf.
// Meanwhile the same slots are set out again and withdrawn again: what it has seen of the hosts is not of these.
func TestSlotsThatAreWithdrawnAgainDuringALookAreNotForgotten(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{3}, []int{3})
	must(t, w.reconcile())
	must(t, w.turn("database-standard-1"))
	reconcile := func(call killtest.Call) error { return w.reconciler(call).Reconcile(context.Background(), tier) }
	until := func(process int, call string) {
		t.Helper()
		for w.Next(process) != call {
			if _, err := w.Step(process); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Start(reconcile)
	until(0, "SaveShelf") // takes the offers back
	step(t, w)
	until(0, "Hosts") // to put them back
	must(t, w.reconcile())
	step(t, w)
	must(t, w.turn("database-standard-1"))
	must(t, w.reconcile())
	must(t, w.turn("database-standard-1"))
	w.Start(reconcile)
	until(1, "SaveShelf")
	if _, err := w.Step(1); err != nil {
		t.Fatal(err)
	}
	w.Kill(1)
	for w.Running() > 0 {
		step(t, w)
		must(t, w.check())
	}
	must(t, w.turn("database-standard-1"))
	must(t, w.reconcile())
	if s := w.shelf(t); len(s.Databases) != 3 || len(s.Withdrawn) != 0 {
		t.Errorf("databases %v, withdrawn %v", s.Databases, s.Withdrawn)
	}
}

// Hosts of one slot each, all of them held: their holds must not keep the next hosts off the shelf.
func TestHoldsOfManyHostsAreSettledForOthersToBeSetOut(t *testing.T) {
	const tenants = pool.ShelfHosts + 2
	var one []int
	for range tenants {
		one = append(one, 1)
	}
	w := given(t, memory.Options{}, pool.Pack, 0, []int{tenants}, one)
	must(t, w.reconcile())
	for i := range tenants {
		if err := w.signUp(pool.TenantID(fmt.Sprintf("t%d", i)), atOnce); err != nil {
			t.Fatalf("tenant %d: %v", i, err)
		}
		must(t, w.reconcile())
		must(t, w.reconcile()) // what was settled made room
	}
	held := 0
	for n := 1; n <= tenants; n++ {
		held += w.host(t, pool.Key{Kind: pool.Share, Tier: tier}.Host(n)).Used()
	}
	if held != tenants {
		t.Errorf("%d of %d slots are given", held, tenants)
	}
}
