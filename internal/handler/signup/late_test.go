package signup

import (
	"context"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// A message that looks at a share carries what is to be said once that serves. It is delivered again when acme was announced, and
// is not as the message says any more.
func TestAnAnnouncementThatComesLateSaysWhatIsSoByNow(t *testing.T) {
	const elsewhere = "database-standard-9.internal"
	for name, test := range map[string]struct {
		since func(*world)
		hears bool
		at    string // the address of the database that it says; empty: that which acme was given
		step  pool.Step
	}{
		"all is as it was": {func(*world) {}, true, "", ""},
		"it has moved":     {func(w *world) { w.changes(func(t *pool.Tenant) { t.Database.Address = elsewhere }) }, true, elsewhere, ""},
		"it is moving":     {func(w *world) { w.shuts(func(r *pool.Restoration) { r.Shut = w.now }) }, false, "", pool.StepServe},
		"it is of a later life": {func(w *world) {
			w.changes(func(t *pool.Tenant) { t.ReadyAt = t.ReadyAt.Add(time.Hour) })
		}, false, "", ""},
		"it is not ready": {func(w *world) { w.changes(func(t *pool.Tenant) { t.State = pool.TenantRequested }) }, false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, undisturbed, looksUnrecorded-1)
			w.remark = true
			w.add(pool.Database, 1)
			w.add(pool.Share, 1)
			w.ask("acme", "10.0.0.1")
			var look events.Delivery
			w.drain(func(d events.Delivery) error {
				if strings.Contains(d.Body, `"announce"`) {
					look = d
				}
				return w.once(d)
			})
			if w.said("StorageReady") != "acme" || look.Body == "" {
				t.Fatalf("ready: %q, and looked at by %q", w.said("StorageReady"), look.Body)
			}
			given := w.tenant("acme").Database.Address
			w.now = w.now.Add(visibility)
			test.since(w)
			look.Redelivered = true
			w.must(w.once(look))
			said := w.bus.Of("StorageReady")
			if heard := len(said) > 1; heard != test.hears {
				t.Errorf("it is said %d times", len(said))
			}
			if test.at == "" {
				test.at = given
			}
			if last := string(said[len(said)-1]); !strings.Contains(last, test.at) {
				t.Errorf("its database is at %s, and it is told %s", test.at, last)
			}
			if step := w.tenant("acme").Step; step != test.step {
				t.Errorf("its step is %q", step)
			}
		})
	}
}

// changes changes the record of acme.
func (w *world) changes(change func(*pool.Tenant)) {
	w.t.Helper()
	before := w.tenant("acme")
	after := before.Clone()
	change(&after)
	_, err := w.ledger.SaveTenant(context.Background(), before, after)
	w.must(err)
}
