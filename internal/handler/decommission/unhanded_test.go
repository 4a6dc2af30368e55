package decommission

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
	"headroom/internal/pool/recovery"
)

// exchanged has "bolt" be a signup that was given other slots twice, and is not served yet.
func (w *world) exchanged() pool.Tenant {
	w.t.Helper()
	before, _, err := w.ledger.Request(context.Background(), pool.Tenant{
		ID: "bolt", Tier: tier, Mark: "markbolt", Addresses: []string{"10.0.0.9"}, State: pool.TenantRequested, RequestedAt: w.now,
	})
	w.must(err)
	exchanged := before.Clone()
	exchanged.Spent = []string{"firstbolt", "secondbolt"}
	_, err = w.ledger.SaveTenant(context.Background(), before, exchanged)
	w.must(err)
	for _, mark := range append(exchanged.Spent, before.Mark) {
		w.secret("bolt", mark)
	}
	return exchanged
}

func TestASignupThatIsTakenBackLeavesNoSecret(t *testing.T) {
	w := newWorld(t)
	w.exchanged()
	w.ask("bolt", "")
	w.run(time.Hour, w.once)
	if d := w.departure("bolt.markbolt"); d.State != pool.DepartureLeft {
		t.Fatalf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
	for name := range w.secrets.Secrets() {
		if strings.Contains(name, "bolt") {
			t.Errorf("left: secret %s", name)
		}
	}
}

// The stop switch is in force at the next secret, and not only at the next try.
func TestSecretsAreKeptFromWhenDestructionIsStopped(t *testing.T) {
	for name, test := range map[string]struct {
		tenant, first string // what is destroyed first; then it is stopped
		leave         func(w *world)
	}{
		"of a signup that is taken back": {"bolt", "unhanded", func(w *world) { w.exchanged(); w.ask("bolt", "") }},
		"of a tenant":                    {"acme", "secret", func(w *world) { w.ask("acme", "") }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var gone []string
			w.inspect = func(what, name string) {
				if what != "unhanded" && what != "secret" {
					return
				}
				if gone = append(gone, what); len(gone) == 1 {
					w.must(w.ledger.SaveStops(context.Background(), pool.Stops{Destroy: true, By: "ops", Why: "an incident"}))
				}
			}
			test.leave(w)
			w.run(grace+24*time.Hour, w.once)
			if !slices.Equal(gone, []string{test.first}) {
				t.Fatalf("stopped at the first, deleted are %v", gone)
			}
			w.must(w.ledger.SaveStops(context.Background(), pool.Stops{}))
			w.run(24*time.Hour+coolDown, w.once)
			for id := range w.secrets.Secrets() {
				if strings.Contains(id, "/"+test.tenant+"/") {
					t.Errorf("once it goes on, left is secret %s", id)
				}
			}
		})
	}
}

// Who has nothing by a record that was put back may have been served since: that it has left would cost what says whose its data is.
func TestWhoMayHaveBeenServedLeavesWhenThatIsKnown(t *testing.T) {
	for name, r := range map[string]recovery.Record{
		"a recovery begins to hold":      {Holding: true},
		"a recovery holds all hosts":     {HeldAt: start},
		"a host did not answer to it":    {Done: true, Keep: []pool.HostID{"database-standard-1"}},
		"it lets hosts go, all but some": {Freeing: true, Keep: []pool.HostID{"database-standard-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.complain = false
			w.exchanged()
			w.must(w.ledger.SaveRecovery(context.Background(), recovery.Record{}, r))
			w.ask("bolt", "")
			w.run(time.Minute, w.once)
			if bolt := w.tenant("bolt"); bolt.State != pool.TenantRequested {
				t.Fatalf("it is %s", bolt.State)
			}
			if n := len(w.secrets.Secrets()); n == 0 {
				t.Fatal("its secrets are gone")
			}
			seen, err := w.ledger.Recovery(context.Background())
			w.must(err)
			w.must(w.ledger.SaveRecovery(context.Background(), seen, recovery.Record{Done: true}))
			w.run(time.Hour, w.once)
			if d := w.departure("bolt.markbolt"); d.State != pool.DepartureLeft {
				t.Errorf("once it is known, its departure is %s at %q: %s", d.State, d.Step, d.Error)
			}
		})
	}
}
