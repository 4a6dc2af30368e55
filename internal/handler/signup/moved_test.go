package signup

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue/queuetest"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// wish changes the addresses of a tenant in its record.
func (w *world) wish(id pool.TenantID, add, remove string) pool.Tenant {
	w.t.Helper()
	_, t, err := ledger.UpdateTenant(context.Background(), w.ledger, id, func(t pool.Tenant) (pool.Tenant, error) {
		return pool.ChangeAddresses(t, pool.AddressChange{Add: strings.Fields(add), Remove: strings.Fields(remove), At: w.now}, time.Hour, w.now)
	})
	w.must(err)
	return t
}

// changed does what instancechange does next about a tenant.
func (w *world) changed(id pool.TenantID, step pool.Step, do func(pool.Tenant, time.Time) pool.Tenant) pool.Tenant {
	w.t.Helper()
	_, t, err := ledger.UpdateTenant(context.Background(), w.ledger, id, func(t pool.Tenant) (pool.Tenant, error) {
		if t.Step != step {
			w.t.Fatal("it is at step " + string(t.Step) + ", not " + string(step))
		}
		return do(t, w.now), nil
	})
	w.must(err)
	return t
}

// moved replaces the one address of a tenant wholly, but for its share.
func (w *world) moved(id pool.TenantID, to string) {
	w.t.Helper()
	from := w.tenant(id).Addresses[0]
	w.must(w.ledger.Register(context.Background(), to, id))
	w.wish(id, to, from)
	w.changed(id, pool.StepAdmit, pool.Admitted)
	w.changed(id, pool.StepChanged, pool.Told)
	w.changed(id, pool.StepEvict, func(t pool.Tenant, _ time.Time) pool.Tenant { t, _ = pool.GoingOut(t); return t })
	gone := w.changed(id, pool.StepEvict, pool.Evicted)
	w.must(w.ledger.Unregister(context.Background(), from, gone))
	w.changed(id, pool.StepChanged, pool.Told)
	rested := w.changed(id, pool.StepConfirm, pool.Confirmed)
	w.must(outside{w, w.call}.SetClients(context.Background(), w.shareOf(rested), rested.Clients()))
}

// shareOf is the share of a tenant.
func (w *world) shareOf(t pool.Tenant) pool.ShareRef {
	ref, _ := w.host(t.Share.Host).ShareRef(t.Share.Index)
	return ref
}

// clientsOf is the client list of a tenant's share.
func (w *world) clientsOf(id pool.TenantID) []string {
	for _, share := range w.gateways.Shares() {
		if share.ID == w.shareOf(w.tenant(id)).ID {
			return share.Clients
		}
	}
	return nil
}

func TestASignupOfAnAddressThatWasReplacedSinceIsAnsweredAndLetsNobodyIn(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 3)
	w.add(pool.Share, 3)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	w.moved("acme", "10.0.0.2")
	for _, again := range []string{"10.0.0.1", "10.0.0.2"} {
		w.ask("acme", again)
		w.drain(w.once)
	}
	if got := w.said("StorageReady"); got != "acme acme acme" {
		t.Errorf("ready: %q", got)
	}
	if got := w.clientsOf("acme"); !slices.Equal(got, []string{"10.0.0.2/32"}) {
		t.Errorf("let in: %v", got)
	}
	w.ask("other", "10.0.0.1")
	w.drain(w.once)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	if got := w.said("StorageReady"); got != "acme acme acme other acme" || len(w.rejected()) != 0 {
		t.Errorf("once its address is another's: ready: %q, rejected %v", got, w.rejected())
	}
	w.ask("acme", "10.0.0.3")
	w.drain(w.once)
	if got := w.rejected(); len(got) != 1 || !strings.HasPrefix(got[0], "acme instanceIp: is another address") {
		t.Errorf("one that it never had: %v", got)
	}
}

// A signup that was given up goes on also when it is sent again as it was sent first, from where its tenant is not any more.
func TestASignupThatWasGivenUpGoesOnByItsFirstAddress(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	w.moved("acme", "10.0.0.2")
	_, _, err := ledger.UpdateTenant(context.Background(), w.ledger, "acme", func(t pool.Tenant) (pool.Tenant, error) {
		t.Progress = pool.Progress{Stuck: pool.StepServe}
		return t, nil
	})
	w.must(err)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	if got := w.tenant("acme"); got.Stuck != "" || got.Step != "" || w.said("StorageReady") != "acme acme" {
		t.Errorf("ready: %q, tenant %+v", w.said("StorageReady"), got)
	}
}

// Its share serves as it should only once what was to become of its addresses is done, which is not signup's: that goes first.
func TestASignupThatWasGivenUpGoesOnWithWhatItsAddressesWereToBe(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	w.must(w.ledger.Register(context.Background(), "10.0.0.2", "acme"))
	w.wish("acme", "10.0.0.2", "")
	_, _, err := ledger.UpdateTenant(context.Background(), w.ledger, "acme", func(t pool.Tenant) (pool.Tenant, error) {
		t.Progress = pool.Progress{Stuck: pool.StepServe}
		return t, nil
	})
	w.must(err)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	if got := w.tenant("acme"); got.Step != pool.StepAdmit || got.Due.After(w.now) || !got.Change.Untold || got.Stuck != "" {
		t.Errorf("it is %+v, of its addresses %+v", got.Progress, got.Change)
	}
}

func TestWhatIsOpenedForATenantThatMovedMeanwhileIsItsNewAddress(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	w.wish("acme", "10.0.0.2", "10.0.0.1")
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.reconcile()
	w.drain(w.once)
	tenant := w.tenant("acme")
	if got := w.clientsOf("acme"); !slices.Equal(got, []string{"10.0.0.2/32"}) || len(w.groups.Rules("sg-1")) != 1 {
		t.Errorf("let in: %v, by %v", got, w.groups.Rules("sg-1"))
	}
	if tenant.State != pool.TenantReady || tenant.Step != pool.StepAdmit || w.said("StorageReady") != "acme" {
		t.Errorf("it is %s, step %s, ready: %q", tenant.State, tenant.Step, w.said("StorageReady"))
	}
}

// The change message comes while the share is being opened for the address that it puts out.
func TestATenantThatMovesWhileItIsOpenedIsOpenedAnew(t *testing.T) {
	moved := false
	var w *world
	w = newWorld(t, func(operation string, do func() error) error {
		err := do()
		if operation == "SetClients" && !moved {
			moved = true
			w.wish("acme", "10.0.0.2", "10.0.0.1")
		}
		return err
	}, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	if got := w.clientsOf("acme"); !slices.Equal(got, []string{"10.0.0.2/32"}) {
		t.Errorf("let in: %v", got)
	}
	if tenant := w.tenant("acme"); tenant.State != pool.TenantReady || !slices.Equal(tenant.Change.Going, []string{"10.0.0.1"}) {
		t.Errorf("it is %s, and has to clean up %v", tenant.State, tenant.Change.Going)
	}
}

func TestATenantThatMovesBeforeItIsAnnouncedIsAnnouncedAfterwards(t *testing.T) {
	w := newWorld(t, undisturbed, 20)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	for w.tenantOrNone("acme").State != pool.TenantReady {
		d, _ := w.signups.Receive(time.Hour)
		w.must(w.once(d))
		w.signups.Delete(d.ID)
	}
	w.wish("acme", "10.0.0.2", "")
	w.drain(w.once) // the looks that are not recorded come to their end
	if got := w.said("StorageReady"); got != "" {
		t.Fatalf("ready: %q", got)
	}
	if tenant := w.tenant("acme"); tenant.Step != pool.StepAdmit || !tenant.Change.Untold {
		t.Fatalf("it is at %s: %+v", tenant.Step, tenant.Change)
	}
	w.changed("acme", pool.StepAdmit, pool.Admitted)
	w.changed("acme", pool.StepChanged, pool.Told)
	w.gateways.Late = 0
	tenant := w.tenant("acme")
	for w.clientsOf("acme")[len(w.clientsOf("acme"))-1] != "10.0.0.2/32" {
		_ = outside{w, w.call}.SetClients(context.Background(), w.shareOf(tenant), tenant.Clients())
	}
	if tenant := w.tenant("acme"); tenant.Step != pool.StepConfirm {
		t.Errorf("before its share is as desired for good it goes on with %+v", tenant.Progress)
	}
	w.changed("acme", pool.StepConfirm, pool.Confirmed)
	w.retryOverdue("acme")
	w.drain(w.once)
	if got := w.said("StorageReady"); got != "acme" {
		t.Errorf("ready: %q", got)
	}
	if tenant := w.tenant("acme"); tenant.Step != pool.StepOverlap {
		t.Errorf("its change goes on with %+v", tenant.Progress)
	}
}

// tenantOrNone is a tenant's record, which need not be there.
func (w *world) tenantOrNone(id pool.TenantID) pool.Tenant {
	t, _ := w.ledger.Tenant(context.Background(), id)
	return t
}

func TestAnAddressThatComesStaysTheTenantsWhenASignupNamesIt(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	w.ask("acme", "10.0.0.1")
	w.drain(w.once)
	w.must(w.ledger.Register(context.Background(), "10.0.0.2", "acme"))
	w.wish("acme", "10.0.0.2", "")
	w.ask("acme", "10.0.0.2")
	w.drain(w.once)
	w.ask("other", "10.0.0.2")
	w.drain(w.once)
	if got := w.rejected(); len(got) != 1 || got[0] != "other "+taken {
		t.Errorf("rejected: %v", got)
	}
}

// The message that made it ready was cut short before the announcement, and its addresses are being changed when it comes
// again.
func TestATenantWhoseAddressesChangeSinceIsAnnouncedByTheNextDelivery(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 3)
	w.add(pool.Share, 3)
	w.ask("acme", "10.0.0.1")
	d, _ := w.signups.Receive(time.Hour)
	saved := false
	err := w.handler(func(operation string, do func() error) error {
		if saved {
			return errNotNow
		}
		err := do()
		saved = operation == "SaveTenant"
		return err
	}).Message(context.Background(), d)
	if err == nil || w.tenant("acme").State != pool.TenantReady {
		t.Fatalf("it is %s; %v", w.tenant("acme").State, err)
	}
	w.signups.Delete(d.ID)
	w.must(w.ledger.Register(context.Background(), "10.0.0.2", "acme"))
	w.wish("acme", "10.0.0.2", "10.0.0.1")
	step := events.Delivery{ID: "m", Queue: queuetest.Name, Body: `{"version":"1","type":"Step","of":"tenant","id":"acme","step":"open","try":2}`}
	for _, step.Redelivered = range []bool{false, true} {
		w.must(w.once(step))
		w.drain(w.once)
		if owed := w.said("StorageReady") != "" || w.tenant("acme").Change.Untold; owed != step.Redelivered {
			t.Errorf("redelivered %t: it is announced, or that is owed: %t", step.Redelivered, owed)
		}
	}
}
