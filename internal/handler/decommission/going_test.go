package decommission

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// changing is a world in which acme changes its addresses: one comes, one goes, and one is out and not free yet.
func changing(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.opensUp()
	for _, address := range []string{"10.0.0.7", "10.0.0.8", "10.0.0.9"} {
		w.must(w.ledger.Register(context.Background(), address, "acme"))
	}
	_, _, err := ledger.UpdateTenant(context.Background(), w.ledger, "acme", func(t pool.Tenant) (pool.Tenant, error) {
		t.Change = pool.Change{Coming: []string{"10.0.0.7"}, Going: []string{"10.0.0.8"}, Evicted: []string{"10.0.0.9"}}
		t.Progress = pool.Started(pool.StepEvict, w.now)
		return t, nil
	})
	w.must(err)
	return w
}

// What was on its way in or out when the tenant left is another's only once its departure has ended: the rules that let it
// in may be there still.
func TestALateSignupFreesNoAddressThatWasOnItsWay(t *testing.T) {
	w := changing(t)
	late := func(address string) events.Delivery {
		return events.Delivery{ID: "late", Queue: "signups", SentAt: w.now, Body: fmt.Sprintf(`{"version":"1","tenantId":"acme","tier":"standard","instanceIp":%q}`, address)}
	}
	var all []events.Delivery
	for _, address := range []string{"10.0.0.7", "10.0.0.8", "10.0.0.9"} {
		all = append(all, late(address))
	}
	w.ask("acme", "")
	w.until(func(d pool.Departure) bool { return d.Step == pool.StepGrace })
	for _, d := range all {
		w.must(w.signUp(d))
	}
	for i := 7; i <= 9; i++ {
		if whose := w.whose(fmt.Sprintf("10.0.0.%d", i)); whose != fmt.Sprintf("10.0.0.%d is acme's", i) {
			t.Error(whose)
		}
	}
	w.left(6 * time.Hour)
	for i := 7; i <= 9; i++ {
		if whose := w.whose(fmt.Sprintf("10.0.0.%d", i)); whose != fmt.Sprintf("10.0.0.%d is free", i) {
			t.Error(whose)
		}
	}
}

func TestAnUndoGivesBackTheAddressesThatItHadAndTheirChange(t *testing.T) {
	w := changing(t)
	before := w.tenant("acme")
	w.ask("acme", "")
	w.until(func(d pool.Departure) bool { return d.Step == pool.StepGrace })
	w.undo("acme")
	w.run(0, w.once)
	after := w.tenant("acme")
	if !slices.Equal(after.Addresses, before.Addresses) || !slices.Equal(after.Change.Going, before.Change.Going) || !slices.Equal(after.Change.Coming, before.Change.Coming) {
		t.Errorf("it had %v, %+v, and has %v, %+v", before.Addresses, before.Change, after.Addresses, after.Change)
	}
}
