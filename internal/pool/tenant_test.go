package pool_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"headroom/internal/pool"
)

func TestTenantsMoveAsTheirLifeHasIt(t *testing.T) {
	all := []pool.TenantState{pool.TenantRequested, pool.TenantWaiting, pool.TenantReady}
	allowed := map[[2]pool.TenantState]bool{
		{pool.TenantRequested, pool.TenantWaiting}: true,
		{pool.TenantRequested, pool.TenantReady}:   true,
		{pool.TenantWaiting, pool.TenantRequested}: true,
		{pool.TenantWaiting, pool.TenantReady}:     true,
	}
	for _, from := range all {
		for _, to := range all {
			before := pool.Tenant{ID: "a", State: from, Progress: pool.Started(pool.StepOpen, now)}
			after, err := pool.MoveTenant(before, to, now, "test")
			switch {
			case from == to:
				if err != nil {
					t.Errorf("%s to itself: %v", from, err)
				}
				diff(t, "to itself", after, before)
			case allowed[[2]pool.TenantState{from, to}]:
				if err != nil {
					t.Errorf("%s to %s: %v", from, to, err)
				}
				diff(t, string(from)+" to "+string(to), after, pool.Tenant{
					ID: "a", State: to, History: []pool.Entry{{At: now, What: string(to), Why: "test"}},
				})
			default:
				if err == nil {
					t.Errorf("%s to %s was allowed", from, to)
				}
			}
		}
	}
}

func TestDesiredClientsFollowFromTheTenant(t *testing.T) {
	tenant := pool.Tenant{Addresses: []string{"10.0.0.9", "10.0.0.1"}}
	diff(t, "clients", tenant.Clients(), []string{"10.0.0.1/32", "10.0.0.9/32"})
	diff(t, "addresses", tenant.Addresses, []string{"10.0.0.9", "10.0.0.1"})
}

func TestAnOverdueTenantIsTriedAndThenReported(t *testing.T) {
	tenant := pool.Tenant{ID: "a", State: pool.TenantRequested, Progress: pool.Started(pool.StepOpen, now)}
	if _, changed := pool.OverdueTenant(tenant, tenant.Due.Add(-time.Second)); changed {
		t.Error("overdue before its deadline")
	}
	tenant.Progress = tenant.Failed(errors.New("the database did not answer"))
	for try := 1; try <= pool.MaxTries; try++ {
		next, changed := pool.OverdueTenant(tenant, tenant.Due)
		if !changed || next.Step != pool.StepOpen || next.Tries != try || !next.Due.Equal(tenant.Due.Add(pool.Deadline(pool.StepOpen))) {
			t.Fatalf("try %d: %+v", try, next.Progress)
		}
		tenant = next
	}
	given, changed := pool.OverdueTenant(tenant, tenant.Due)
	if !changed || given.Step != pool.StepReport || given.Stuck != pool.StepOpen || given.State != pool.TenantRequested {
		t.Fatalf("given up: %+v", given)
	}
	if last := given.History[len(given.History)-1]; last.What != "given up" || !strings.Contains(last.Why, "6 times") || !strings.Contains(last.Why, "the database did not answer") {
		t.Errorf("history says %+v", last)
	}
	lines := len(given.History)
	for range 3 * pool.MaxTries {
		if given, changed = pool.OverdueTenant(given, given.Due); !changed || given.Step != pool.StepReport {
			t.Fatalf("a report that nobody heard is not tried again: %+v", given)
		}
	}
	if len(given.History) != lines {
		t.Error("the tries of a report crowd out the history")
	}
}

func TestAStoredErrorIsBounded(t *testing.T) {
	p := pool.Started(pool.StepOpen, now).Failed(errors.New(strings.Repeat("x", 10_000)))
	if len(p.Error) > 300 || len(p.Error) < 290 {
		t.Errorf("%d bytes", len(p.Error))
	}
	p = p.Failed(errors.New(strings.Repeat("ä", 10_000)))
	if len(p.Error) > 300 || !utf8.ValidString(p.Error) {
		t.Errorf("%d bytes, cut within a character: %q", len(p.Error), p.Error)
	}
}

// Errors are wrapped from the outside in, so the cause comes last.
func TestAStoredErrorKeepsItsCause(t *testing.T) {
	what := "open the share of tenant acme: "
	cause := "InvalidGatewayRequestException: The specified gateway is out of date."
	p := pool.Started(pool.StepOpen, now).Failed(errors.New(what +
		"set the clients of share arn:aws:storagegateway:eu-west-1:123456789012:share/share-0123456789ABCDEF0: " +
		"operation error Storage Gateway: UpdateNFSFileShare, https response error StatusCode: 400, " +
		"RequestID: 0d1f2e3c-4b5a-6978-8796-a5b4c3d2e1f0, " + cause))
	if len(p.Error) > 300 || !strings.HasPrefix(p.Error, what) || !strings.HasSuffix(p.Error, cause) {
		t.Errorf("kept %q", p.Error)
	}
}
