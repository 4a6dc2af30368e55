package signup

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// deadHost is a world with two database hosts and one share host, of which the next database host is dead. Each draw
// is another mark.
func deadHost(t *testing.T, call killtest.Call) (w *world, dead pool.HostID) {
	t.Helper()
	w = newWorld(t, call, 0)
	w.remark = true
	w.add(pool.Database, 10)
	w.add(pool.Database, 2)
	w.add(pool.Share, 20)
	w.reconcile()
	w.drain(w.once)
	dead = pool.Key{Kind: pool.Database, Tier: tier}.Host(w.shelf().Databases[0].Host)
	w.dead[w.host(dead).Access.Address] = true
	return w, dead
}

// A3, G1: a database host stops answering; there are two pairs on a healthy one, and eight signups.
func TestADeadHostSwallowsNobody(t *testing.T) {
	w, dead := deadHost(t, undisturbed)
	for i := range 8 {
		w.ask(fmt.Sprintf("t%d", i), fmt.Sprintf("10.0.0.%d", i+1))
	}
	w.drain(w.once)
	if h := w.host(dead); h.State != pool.HostCordoned || h.Doubt == "" || !strings.Contains(h.Why, "connection refused") {
		t.Fatalf("the dead host is %s: %s", h.State, h.Why)
	}
	if n := len(w.hostEvents.Messages()); n != 1 {
		t.Errorf("%d messages have it announced", n)
	}
	ready := strings.Fields(w.said("StorageReady"))
	if len(ready) != 2 || len(w.refused.Messages()) != 0 {
		t.Errorf("ready %v, %d dead letters", ready, len(w.refused.Messages()))
	}
	for i := range 8 {
		id := pool.TenantID(fmt.Sprintf("t%d", i))
		if tenant := w.tenant(id); tenant.State == pool.TenantRequested {
			t.Errorf("%s is %s, and was told nothing: %s", id, tenant.State, tenant.Error)
		}
	}
	w.add(pool.Database, 10) // the replacement
	w.add(pool.Share, 10)
	w.reconcile()
	w.drain(w.once)
	if ready := strings.Fields(w.said("StorageReady")); len(ready) != 8 {
		t.Errorf("with a replacement %d are ready: %v", len(ready), ready)
	}
	if n := w.shelf().Signups; n != 8 {
		t.Errorf("8 signups, of which some were given other slots, were counted as %d", n)
	}
	w.reconcile()
	w.returnedRest(t, dead)
}

// returnedRest wants every slot that was taken back to rest, and none of it to be a tenant's.
func (w *world) returnedRest(t *testing.T, dead pool.HostID) {
	t.Helper()
	returned := 0
	for _, id := range w.hosts {
		for _, slot := range w.host(id).Slots {
			if slot.State == pool.SlotReturned {
				returned++
				if slot.Tenant == "" {
					t.Errorf("nobody knows whose slot %s/%d was, and who is to be put out", id, slot.Index)
				}
			}
			if id == dead && slot.State != pool.SlotReturned && slot.State != pool.SlotFree {
				t.Errorf("slot %d of the dead host is %s", slot.Index, slot.State)
			}
		}
	}
	if returned == 0 {
		t.Error("no slot was returned: half open, they are free again")
	}
}

// Whatever call an exchange is killed at, the tenant is served, has one pair, and nobody has a slot twice.
func TestAnExchangeKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) any {
		w, dead := deadHost(t, undisturbed)
		w.ask("acme", "10.0.0.7")
		disturbed := w.handler(life.Call)
		for range 60 {
			at, ok := w.signups.Next()
			if !ok {
				break
			}
			if at.After(w.now) {
				w.now = at
			}
			d, _ := w.signups.Receive(visibility)
			received := 0
			_ = life.Deliver(func() error {
				received++
				d.Redelivered = received > 1
				return disturbed.Message(t.Context(), d)
			})
			w.signups.Delete(d.ID)
		}
		if acme := w.tenant("acme"); acme.State != pool.TenantReady {
			w.now = acme.Due
			w.retryOverdue("acme")
			w.drain(w.once)
		}
		acme := w.tenant("acme")
		if acme.State != pool.TenantReady || acme.Database.Host == dead || w.said("StorageReady") == "" {
			t.Fatalf("it is %s on %s: %s", acme.State, acme.Database.Host, acme.Error)
		}
		w.reconcile()
		w.reconcile()
		if n := len(w.shelf().Withdrawn); n != 0 {
			t.Errorf("%d slots are on their way", n)
		}
		used := 0
		for _, id := range w.hosts {
			for _, slot := range w.host(id).Slots {
				if slot.State == pool.SlotAssigned {
					used++
				}
			}
		}
		if used != 2 {
			t.Errorf("%d slots are assigned", used)
		}
		w.knowsItsSecrets(t, acme)
		return w.host(dead).State
	})
}

// knowsItsSecrets wants a tenant's record to name the mark of every secret that its signup made: by those they go.
func (w *world) knowsItsSecrets(t *testing.T, tenant pool.Tenant) {
	t.Helper()
	if len(tenant.Spent) == 0 || slices.Contains(tenant.Spent, tenant.Mark) {
		t.Errorf("its mark is %s, and before it was %v", tenant.Mark, tenant.Spent)
	}
	for name := range w.secrets.Secrets() {
		mark, its := strings.CutPrefix(name, "headroom/dev/tenant/"+string(tenant.ID)+"/")
		if its && mark != tenant.Mark && !slices.Contains(tenant.Spent, mark) {
			t.Errorf("secret %s is forgotten: marks %s and %v", name, tenant.Mark, tenant.Spent)
		}
	}
}

func TestASignupThatFailedAndWasServedAbsolvesItsHost(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 10)
	w.add(pool.Share, 10)
	w.reconcile()
	w.drain(w.once)
	id := pool.HostID("database-standard-1")
	w.dead[w.host(id).Access.Address] = true
	w.ask("acme", "10.0.0.7")
	w.drainFor(5*time.Second, w.once)
	if n := len(w.host(id).Strikes); n == 0 || n >= pool.StrikesMost {
		t.Fatalf("%d strikes", n)
	}
	w.dead = map[string]bool{}
	w.drain(w.once)
	if h := w.host(id); w.tenant("acme").State != pool.TenantReady || len(h.Strikes) != 0 || h.State != pool.HostInService {
		t.Errorf("it is %s, host is %s with %d strikes", w.tenant("acme").State, h.State, len(h.Strikes))
	}
}

// What is no host's fault cordons no host: a service that refuses everybody, a password that can't be read.
func TestWhatIsNoHostsFaultCordonsNone(t *testing.T) {
	for _, operation := range []string{"Secret", "Master", "Admit", "Tag", "SetClients"} {
		w := newWorld(t, undisturbed, 0)
		w.add(pool.Database, 10)
		w.add(pool.Share, 10)
		w.reconcile()
		w.drain(w.once)
		w.fail[operation] = errNotNow
		for i := range 8 {
			w.ask(fmt.Sprintf("t%d", i), fmt.Sprintf("10.0.0.%d", i+1))
		}
		w.drain(w.once)
		for _, id := range w.hosts {
			if h := w.host(id); h.State != pool.HostInService || len(h.Strikes) != 0 {
				t.Errorf("%s refused: host %s is %s with %d strikes", operation, id, h.State, len(h.Strikes))
			}
		}
	}
}

func TestAGatewayThatIsNotConnectedIsCordoned(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.remark = true
	w.add(pool.Database, 10)
	w.add(pool.Share, 5)
	w.reconcile()
	w.drain(w.once)
	w.fail["SetClients"] = fmt.Errorf("update the share: %w", pool.ErrUnreachable)
	w.ask("acme", "10.0.0.7")
	w.drain(w.once)
	if h := w.host("share-standard-1"); h.State != pool.HostCordoned {
		t.Fatalf("the gateway is %s with %d strikes", h.State, len(h.Strikes))
	}
	if s := w.tenant("acme").State; s != pool.TenantWaiting {
		t.Errorf("acme is %s", s)
	}
	delete(w.fail, "SetClients")
	w.add(pool.Share, 5)
	w.reconcile()
	w.drain(w.once)
	if got := w.said("StorageReady"); got != "acme" {
		t.Errorf("ready: %q", got)
	}
	if s := w.shelf(); s.Tail == 0 || s.Signups != 1 {
		t.Errorf("%d numbers were drawn, and one signup was counted as %d", s.Tail, s.Signups)
	}
}

// B5: a tenant is checked against the policies and the networks when it is new, and then no more.
func TestATierThatIsTakenOutServesItsTenantsOn(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 10)
	w.add(pool.Share, 10)
	w.reconcile()
	w.ask("acme", "10.0.0.7")
	w.drain(w.once)
	w.fail["Tag"] = errNotNow
	w.ask("beta", "10.0.0.8") // claims its slots, and is not done yet
	w.drain(w.once)
	delete(w.fail, "Tag")
	for i := range w.policies {
		w.policies[i].Tier = "gold"
	}
	w.ask("acme", "10.0.0.7")  // the same again: the same answer
	w.ask("acme", "10.0.0.99") // another address than its own
	w.ask("new", "10.0.0.9")
	w.drain(w.once)
	w.now = w.tenant("beta").Due
	w.retryOverdue("beta")
	w.drain(w.once)
	ready := strings.Fields(w.said("StorageReady"))
	slices.Sort(ready)
	if got := strings.Join(ready, " "); got != "acme acme beta" {
		t.Errorf("ready: %q", got)
	}
	rejected := strings.Fields(w.said("SignupRejected"))
	slices.Sort(rejected)
	if got := strings.Join(rejected, " "); got != "acme new" {
		t.Errorf("rejected: %q", got)
	}
}

// B5: nor is one told to wait while the tier that was taken out has slots for it.
func TestATierThatIsTakenOutHasItsSlotsStill(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.ask("acme", "10.0.0.7")
	w.fail["Claim"] = errNotNow // it is known, and has no slots yet
	w.drainFor(time.Second, w.once)
	delete(w.fail, "Claim")
	w.add(pool.Database, 1)
	w.add(pool.Share, 1)
	for i := range w.policies {
		w.policies[i].Tier = "gold"
	}
	host := w.host("database-standard-1")
	_, err := w.ledger.BeginRefill(t.Context(), tier, pool.Refill{ // by another, who is slow
		Number: 1, At: w.now, Offers: pool.List(pool.Database, []pool.Offer{host.Slots[0].Offer(host.ID)}),
	})
	w.must(err)
	w.drain(w.once)
	if acme := w.tenant("acme"); acme.State != pool.TenantReady || w.said("StorageWaiting") != "" {
		t.Errorf("acme is %s; told to wait: %q", acme.State, w.said("StorageWaiting"))
	}
}

// G13: who waits at the ceiling hears of the ceiling.
func TestWhoWaitsAtTheCeilingHearsWhy(t *testing.T) {
	w := newWorld(t, undisturbed, 0)
	w.add(pool.Database, 10)
	w.add(pool.Share, 1)
	for i := range w.policies {
		w.policies[i].Ceiling = 1
	}
	w.reconcile()
	w.drain(w.once)
	for i := range 3 {
		w.ask(fmt.Sprintf("t%d", i), fmt.Sprintf("10.0.0.%d", i+1))
	}
	w.drain(w.once)
	waiting := strings.Fields(w.said("StorageWaiting"))
	if len(waiting) != 2 {
		t.Fatalf("waiting: %v", waiting)
	}
	for _, id := range waiting {
		history := w.tenant(pool.TenantID(id)).History
		if why := history[len(history)-1].Why; !strings.Contains(why, "no share host may be ordered: ceiling 1 hosts, there are 1") || strings.Contains(why, "database host") {
			t.Errorf("%s waits because %q", id, why)
		}
	}
}

// A signup that was tried again may have had its claim settled: its slots are its own by the hosts' records then.
func TestSlotsThatAreSettledAreExchangedToo(t *testing.T) {
	w, dead := deadHost(t, undisturbed)
	w.ask("acme", "10.0.0.7")
	w.drainFor(5*time.Second, w.once)
	if acme := w.tenant("acme"); !acme.Named() || acme.Database.Host != dead {
		t.Fatalf("acme is %s on %q", acme.State, acme.Database.Host)
	}
	w.now = w.now.Add(pool.SettleAfter)
	w.reconcile()
	if held := w.shelf().Held; len(held) != 0 {
		t.Fatalf("not settled: %v", held)
	}
	before := w.host(dead)
	doubted, err := pool.Suspect(before, "it does not answer", w.now)
	w.must(err)
	w.must(w.ledger.SaveHost(t.Context(), before, doubted, pool.Neutral, w.now))
	w.drain(w.once)
	acme := w.tenant("acme")
	if acme.State != pool.TenantReady || acme.Database.Host == dead || len(acme.Returning) != 0 {
		t.Fatalf("acme is %s on %s, and has %v to give back", acme.State, acme.Database.Host, acme.Returning)
	}
	w.reconcile()
	returned := 0
	for _, id := range w.hosts {
		for _, slot := range w.host(id).Slots {
			mine := id == acme.Database.Host && slot.Index == acme.Database.Index || id == acme.Share.Host && slot.Index == acme.Share.Index
			if slot.State == pool.SlotAssigned && slot.Tenant == "acme" && !mine {
				t.Errorf("slot %s/%d is acme's still", id, slot.Index)
			}
			if slot.State == pool.SlotReturned {
				returned++
			}
		}
	}
	if returned != 2 {
		t.Errorf("%d slots rest", returned)
	}
}

// A2: a host is lost; what its shares answer then says nothing of why. Who holds slots of it is given others.
func TestSlotsOfALostHostAreExchangedWhateverItsShareAnswers(t *testing.T) {
	for _, operation := range []string{"Admit", "SetClients", "Tag"} {
		w := newWorld(t, undisturbed, 0)
		w.remark = true
		w.add(pool.Database, 10)
		w.add(pool.Share, 5)
		w.reconcile()
		w.drain(w.once)
		before := w.host("share-standard-1")
		lost, err := pool.Lose(before, w.now, "its stack was deleted")
		w.must(err)
		w.must(w.ledger.SaveHost(t.Context(), before, lost, pool.Neutral, w.now))
		w.fail[operation] = errNotNow
		w.ask("acme", "10.0.0.7")
		w.drainFor(5*time.Second, w.once)
		delete(w.fail, operation)
		w.add(pool.Share, 5)
		w.reconcile()
		w.drain(w.once)
		if acme := w.tenant("acme"); acme.State != pool.TenantReady || acme.Share.Host == "share-standard-1" {
			t.Errorf("%s: acme is %s on %s", operation, acme.State, acme.Share.Host)
		}
	}
}
