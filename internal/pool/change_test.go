package pool_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/events"
	"headroom/internal/pool"
)

const changeTerm = 24 * time.Hour

const a, b, c, d, e, f = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"

// readyWith is a tenant that is ready, with addresses.
func readyWith(addresses ...string) pool.Tenant {
	return pool.Tenant{ID: "acme", State: pool.TenantReady, Addresses: addresses}
}

// fields is a list of addresses that are separated by spaces.
func fields(addresses string) []string { return strings.Fields(addresses) }

// wish changes a tenant's record n seconds after noon.
func wish(t pool.Tenant, n int, add, remove string) (pool.Tenant, error) {
	at := now.Add(time.Duration(n) * time.Second)
	return pool.ChangeAddresses(t, pool.AddressChange{Add: fields(add), Remove: fields(remove), At: at, Message: fmt.Sprint("m", n)}, changeTerm, at)
}

// wishes changes a tenant's record, which is done as all steps are that follow.
func wishes(t *testing.T, tenant pool.Tenant, n int, add, remove string) pool.Tenant {
	t.Helper()
	out, err := wish(tenant, n, add, remove)
	if err != nil {
		t.Fatal(err)
	}
	return through(out, now.Add(time.Duration(n)*time.Second))
}

// stepOf does one step of a change, as if it succeeded at once.
func stepOf(t pool.Tenant, at time.Time) pool.Tenant {
	switch t.Step {
	case pool.StepAdmit:
		return pool.Admitted(t, at)
	case pool.StepEvict:
		if out, changed := pool.GoingOut(t); changed {
			return out
		}
		return pool.Evicted(t, at)
	case pool.StepChanged:
		return pool.Told(t, at)
	case pool.StepConfirm:
		return pool.Confirmed(t, at)
	default:
		return t
	}
}

// through does all steps of a change.
func through(t pool.Tenant, at time.Time) pool.Tenant {
	for t.Step.OfChange() && t.Step != pool.StepOverlap {
		t = stepOf(t, at)
	}
	return t
}

func TestWhatAWishMakesOfARecord(t *testing.T) {
	going := readyWith(a, b)
	going.Change = pool.Change{Going: []string{a}}
	going = pool.RestTenant(going, now)
	evicting, _ := pool.GoingOut(going)
	coming := readyWith(a)
	coming.Change.Coming = []string{b}
	waiting := pool.Tenant{ID: "acme", State: pool.TenantWaiting, Addresses: []string{a}}
	tests := []struct {
		name         string
		tenant       pool.Tenant
		add, remove  string
		addresses    string
		coming, goes string
		desired      string
		refused      string // how the refusal begins
		then         pool.Step
	}{
		{name: "one is added", tenant: readyWith(a), add: b, addresses: a, coming: b, desired: a + " " + b, then: pool.StepAdmit},
		{name: "one that it has", tenant: readyWith(a), add: a, addresses: a, desired: a},
		{name: "one for the other: both are served until the new one is", tenant: readyWith(a), add: b, remove: a, addresses: a, coming: b, goes: a, desired: a + " " + b, then: pool.StepAdmit},
		{name: "one is removed", tenant: readyWith(a, b), remove: a, addresses: a + " " + b, goes: a, desired: a + " " + b, then: pool.StepEvict},
		{name: "the last one", tenant: readyWith(a), remove: a, refused: "remove takes the tenant's last address"},
		{name: "the last two", tenant: readyWith(a, b), remove: a + " " + b, refused: "remove takes the tenant's last address"},
		{name: "all, and one comes", tenant: readyWith(a, b), add: c, remove: a + " " + b, addresses: a + " " + b, coming: c, goes: a + " " + b, desired: a + " " + b + " " + c, then: pool.StepAdmit},
		{name: "one that it never had", tenant: readyWith(a), remove: b, refused: "remove has number 1, which is no address"},
		{name: "one that goes already", tenant: going, remove: a, addresses: a + " " + b, goes: a, desired: a + " " + b, then: pool.StepEvict},
		{name: "one that goes, and stays after all", tenant: going, add: a, addresses: a + " " + b, desired: a + " " + b},
		{name: "one that is being put out", tenant: evicting, add: a, refused: "add number 1: the address is still being put out"},
		{name: "one that comes", tenant: coming, add: b, addresses: a, coming: b, desired: a + " " + b, then: pool.StepAdmit},
		{name: "one that comes goes: it may be half in", tenant: coming, remove: b, addresses: a, goes: b, desired: a, then: pool.StepEvict},
		{name: "the one that would be left", tenant: coming, remove: a + " " + b, refused: "remove takes the tenant's last address"},
		{name: "as many as may be", tenant: readyWith(a), add: b + " " + c + " " + d + " " + e, addresses: a, coming: b + " " + c + " " + d + " " + e, desired: a + " " + b + " " + c + " " + d + " " + e, then: pool.StepAdmit},
		{name: "one too many", tenant: readyWith(a), add: b + " " + c + " " + d + " " + e + " " + f, refused: "add makes it 6 addresses"},
		{name: "one too many while others go", tenant: readyWith(a, b, c, d, e), add: f, remove: a, refused: "add makes it 6 addresses"},
		{name: "a tenant that waits: what will be opened is another", tenant: waiting, add: b, remove: a, coming: b, goes: a, desired: b},
		{name: "a tenant that waits, and has two", tenant: waiting, add: b, addresses: a, coming: b, desired: a + " " + b},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := test.tenant.Clone()
			got, err := wish(test.tenant, 1, test.add, test.remove)
			diff(t, "the argument", test.tenant, before)
			if test.refused != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.refused) {
					t.Errorf("answered %v, want %q", err, test.refused)
				}
				if bad := (*events.FieldError)(nil); !errors.As(err, &bad) && !errors.Is(err, pool.ErrGoing) {
					t.Errorf("the error is %T", err)
				}
				diff(t, "refused", got, test.tenant)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "addresses", got.Addresses, fields(test.addresses))
			diff(t, "coming", got.Change.Coming, fields(test.coming))
			diff(t, "going", got.Change.Going, fields(test.goes))
			diff(t, "desired", got.Desired(), fields(test.desired))
			if test.then != "" && got.Step != test.then {
				t.Errorf("the step is %q, want %q", got.Step, test.then)
			}
			again, err := wish(got, 1, test.add, test.remove)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "the same again", again, got)
		})
	}
}

func TestAMachineIsReplacedStepByStep(t *testing.T) {
	tenant, err := wish(readyWith(a), 1, b, a)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for tenant.Step.OfChange() {
		seen = append(seen, fmt.Sprintf("%s: desired %s, admitted %s, evicted %s", tenant.Step,
			strings.Join(tenant.Desired(), " "), strings.Join(tenant.Change.Admitted, " "), strings.Join(tenant.Change.Evicted, " ")))
		if !tenant.FirstLook() {
			t.Errorf("at step %s after %d looks nothing is set", tenant.Step, tenant.Count)
		}
		tenant.Count++ // a look that found nothing yet
		tenant = stepOf(tenant, now)
	}
	diff(t, "steps", seen, []string{
		"admit: desired 10.0.0.1 10.0.0.2, admitted , evicted ",
		"changed: desired 10.0.0.1 10.0.0.2, admitted 10.0.0.2, evicted ",
		"evict: desired 10.0.0.1 10.0.0.2, admitted , evicted ",
		"evict: desired 10.0.0.2, admitted , evicted ",
		"changed: desired 10.0.0.2, admitted , evicted 10.0.0.1",
		"confirm: desired 10.0.0.2, admitted , evicted ",
	})
	diff(t, "at rest", tenant.Progress, pool.Progress{})
	if !tenant.Had(a) || tenant.Had(b) || tenant.Had(c) {
		t.Errorf("it had %v", tenant.Change.Words)
	}
}

// Messages come twice, late, and in another order than they were sent in.
func TestALateWishChangesNothing(t *testing.T) {
	tenant := wishes(t, readyWith(a), 1, b, a)
	tenant = wishes(t, tenant, 2, c, b)
	for _, late := range []struct {
		n           int
		add, remove string
	}{{1, b, a}, {2, c, b}, {1, b, ""}, {0, "", c}} {
		got, err := wish(tenant, late.n, late.add, late.remove)
		if err != nil {
			t.Errorf("%+v: %v", late, err)
		}
		diff(t, fmt.Sprint(late), got, tenant)
	}
	again := readyWith(d)
	again.RequestedAt = now.Add(3 * time.Second)
	life, err := wish(again, 2, e, d)
	if err != nil {
		t.Error(err)
	}
	diff(t, "of an earlier life of the name", life, again)
	diff(t, "added last, removed before", wishes(t, wishes(t, readyWith(a, b), 3, a, ""), 2, "", a).Addresses, []string{a, b})
}

func TestWhatWasGivenUpIsTriedAgainWhenItIsAskedForAgain(t *testing.T) {
	tenant, err := wish(readyWith(a), 1, b, "")
	if err != nil {
		t.Fatal(err)
	}
	for range pool.MaxTries + 1 {
		tenant, _ = pool.OverdueTenant(tenant, tenant.Due)
	}
	if tenant.Step != pool.StepReport || tenant.Stuck != pool.StepAdmit {
		t.Fatalf("it is at %+v", tenant.Progress)
	}
	reported := pool.ReportedTenant(tenant, now)
	if reported.Step != "" || reported.Stuck != pool.StepAdmit {
		t.Errorf("reported: %+v", reported.Progress)
	}
	for _, given := range []pool.Tenant{tenant, reported} {
		got, err := wish(given, 1, b, "")
		if err != nil || got.Step != pool.StepAdmit || got.Tries != 0 || got.Stuck != "" {
			t.Errorf("tried again: %+v, %v", got.Progress, err)
		}
	}
}

func TestAChangeThatDoesNotEndIsToldOnce(t *testing.T) {
	tenant := wishes(t, readyWith(a), 0, b, "")
	if tenant.Step != pool.StepOverlap || !tenant.Due.Equal(now.Add(changeTerm)) {
		t.Fatalf("open since noon: %+v", tenant.Progress)
	}
	ended := wishes(t, tenant, 100, "", a)
	diff(t, "ended in time", ended.Progress, pool.Progress{})
	other := wishes(t, tenant, 100, "", b)
	diff(t, "called off", other.Progress, pool.Progress{})

	overdue, changed := pool.OverdueTenant(tenant, now.Add(changeTerm))
	if !changed || overdue.Step != pool.StepReport || overdue.Stuck != pool.StepOverlap {
		t.Fatalf("overdue: %+v", overdue.Progress)
	}
	told := pool.ReportedTenant(overdue, now.Add(changeTerm))
	diff(t, "told", told.Progress, pool.Progress{})
	two := wishes(t, told, 90000, c, "")
	if two.Step != pool.StepOverlap {
		t.Errorf("a third address beside two that it has for good: %+v", two.Progress)
	}
	diff(t, "two again", wishes(t, two, 90001, "", a).Progress, pool.Progress{})
	one := wishes(t, told, 90000, "", a)
	if one.Step != pool.StepOverlap {
		t.Errorf("one address of two that it has for good: %+v", one.Progress)
	}
}

func TestAChangeOfATenantThatIsNotReadyIsGoneOnWithWhenItIs(t *testing.T) {
	waiting := pool.Tenant{ID: "acme", State: pool.TenantRequested, Addresses: []string{a}, Progress: pool.Started(pool.StepOpen, now)}
	changed, err := wish(waiting, 1, b, a)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "its step", changed.Progress, waiting.Progress)
	ready, err := pool.MoveTenant(changed, pool.TenantReady, now, "test")
	if err != nil {
		t.Fatal(err)
	}
	if ready.Step != pool.StepAdmit || !ready.Change.Untold {
		t.Errorf("ready: %+v, %+v", ready.Progress, ready.Change)
	}
	ready = through(ready, now)
	diff(t, "addresses", ready.Addresses, []string{b})
	if ready.Step != pool.StepServe || ready.Change.Untold || ready.Due.After(now) {
		t.Errorf("it is said that it is ready: %+v", ready.Progress)
	}
	back, err := wish(changed, 2, a, "")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "desired, once the first comes back", back.Desired(), []string{b, a})
}

func TestAReadyTenantThatIsChangedBeforeThatIsSaidIsStillSaidToBeReady(t *testing.T) {
	for _, progress := range []pool.Progress{pool.Started(pool.StepServe, now), {Step: pool.StepReport, Stuck: pool.StepServe}, {Stuck: pool.StepServe}} {
		tenant := readyWith(a)
		tenant.Progress = progress
		if got := wishes(t, tenant, 1, b, ""); got.Step != pool.StepServe {
			t.Errorf("from %+v: to %+v", progress, got.Progress)
		}
	}
}

func TestAGatewaysRulesAreEnoughForAllItsTenantsAtOnce(t *testing.T) {
	const tenants, rules, own = 10, 60, 10
	if tenants*pool.AddressesMost > rules-own {
		t.Errorf("%d tenants with %d addresses each need more than %d rules", tenants, pool.AddressesMost, rules-own)
	}
}

// TestAddressesWhateverIsWished wishes anything at any time, while steps are done in between.
func TestAddressesWhateverIsWished(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tenant := pool.Tenant{ID: "acme", State: pool.TenantRequested, Addresses: []string{a}}
		last := map[string]pool.Word{}
		some := func(label string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{a, b, c, d, e, f}), 0, 3, rapid.ID[string]).Draw(t, label)
		}
		for n := range rapid.IntRange(1, 30).Draw(t, "moves") {
			at := now.Add(time.Duration(n) * time.Second)
			switch rapid.IntRange(0, 3).Draw(t, "move") {
			case 0:
				tenant = stepOf(tenant, at)
			case 1:
				if tenant.State == pool.TenantRequested && rapid.Bool().Draw(t, "ready") {
					tenant, _ = pool.MoveTenant(tenant, pool.TenantReady, at, "test")
				}
			default:
				sent := at.Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "late")) * time.Second)
				asked := pool.AddressChange{Add: some("add"), Remove: some("remove"), At: sent}
				asked.Remove = slices.DeleteFunc(asked.Remove, func(a string) bool { return slices.Contains(asked.Add, a) })
				got, err := pool.ChangeAddresses(tenant, asked, changeTerm, at)
				if err != nil {
					continue
				}
				for _, address := range asked.Add {
					if w := last[address]; !w.At.After(sent) {
						last[address] = pool.Word{At: sent}
					}
				}
				for _, address := range asked.Remove {
					if w := last[address]; !w.At.After(sent) {
						last[address] = pool.Word{At: sent, Out: true}
					}
				}
				tenant = got
			}
			checkAddresses(t, tenant)
		}
		tenant.State = pool.TenantReady
		tenant = through(pool.RestTenant(tenant, now), now)
		checkAddresses(t, tenant)
		if len(tenant.Change.Coming)+len(tenant.Change.Going)+len(tenant.Change.Admitted)+len(tenant.Change.Evicted) > 0 {
			t.Fatalf("at rest something is left to do: %+v", tenant.Change)
		}
		for address, word := range last {
			if slices.Contains(tenant.Addresses, address) == word.Out {
				t.Fatalf("it has %v, and the last word on %s is %+v", tenant.Addresses, address, word)
			}
		}
	})
}

func checkAddresses(t *rapid.T, tenant pool.Tenant) {
	if len(tenant.Desired()) == 0 || tenant.State == pool.TenantReady && len(tenant.Change.Coming) == 0 && len(tenant.Addresses) == 0 {
		t.Fatalf("nobody is let in: %+v", tenant)
	}
	if len(tenant.Reached()) > pool.AddressesMost {
		t.Fatalf("%d addresses: %+v", len(tenant.Reached()), tenant)
	}
	for _, coming := range tenant.Change.Coming {
		if slices.Contains(tenant.Addresses, coming) || slices.Contains(tenant.Change.Going, coming) {
			t.Fatalf("%s comes, and is there, or goes: %+v", coming, tenant)
		}
	}
	if len(tenant.Change.Words) > pool.AddressesMost+8 {
		t.Fatalf("%d words are kept", len(tenant.Change.Words))
	}
}

// A tenant may be replaced its machine for years.
func TestTheAddressThatATenantSignedUpWithIsNeverForgotten(t *testing.T) {
	tenant := readyWith(a)
	for n := range 30 {
		tenant = wishes(t, tenant, n, fmt.Sprintf("10.1.0.%d", n+1), tenant.Addresses[0])
	}
	if !tenant.Had(a) || !tenant.Had("10.1.0.29") || tenant.Had("10.1.0.30") || tenant.Had("10.1.0.1") {
		t.Errorf("it has %v, and of those before it knows %+v", tenant.Addresses, tenant.Change.Words)
	}
	late := pool.AddressChange{Add: []string{"10.1.0.1"}, At: now, Message: "redriven"}
	if _, err := pool.ChangeAddresses(tenant, late, time.Hour, now); err == nil || !strings.Contains(err.Error(), "may have been taken back") {
		t.Errorf("an address that was put out so long ago that nobody remembers comes back by a late wish: %v", err)
	}
	if past := tenant.Superseded(late); len(past) != 1 {
		t.Errorf("it does not count as superseded")
	}
	if kept := len(tenant.Change.Words); kept != 10 { // eight, the one that it has, and the one that went last
		t.Errorf("%d words are kept", kept)
	}
}
