package decommission

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

func TestATenantLeaves(t *testing.T) {
	w := newWorld(t)
	bucket, mark := w.bucket(1), w.host("share-standard-1").HeldMark(w.tenant("acme").Share)
	w.ask("acme", "")
	w.run(10*time.Minute, w.once)
	d := w.departure("acme.markacme")
	if d.State != pool.DepartureLeaving || d.Step != pool.StepGrace {
		t.Fatalf("it is %s at %q: %s\n%v", d.State, d.Step, d.Error, d.History)
	}
	if left := w.tenant("acme"); left.State != pool.TenantLeft || left.Held {
		t.Errorf("its record is %+v", left)
	}
	if got := w.said(); got != "TenantClosed" {
		t.Errorf("said %s", got)
	}
	if has := w.servers[w.host("database-standard-1").Access.Address].databases[d.Tenant.Database.Name]; has.login || has.copier != "" || len(has.rows) == 0 {
		t.Errorf("its database is %+v", has)
	}
	if rules := w.groups.Rules("sg-1"); len(rules) > 0 {
		t.Errorf("rules: %v", rules)
	}
	archived, err := w.store().Head(t.Context(), pool.ObjectRef{Bucket: archives, Key: d.Archive.Key, Version: d.Archive.VersionID})
	if err != nil || !archived.Until.Equal(d.Archive.RetainUntil.Truncate(time.Second)) || archived.Until.IsZero() {
		t.Errorf("the archive is locked until %v, not %v: %v", archived.Until, d.Archive.RetainUntil, err)
	}
	w.run(grace+30*time.Minute, w.once)
	if d = w.departure(d.ID()); d.State != pool.DepartureScrubbing {
		t.Fatalf("it is %s at %q: %s", d.State, d.Step, d.Error)
	}
	for _, kind := range pool.Kinds {
		if c := w.clearance(kind); c.State != pool.ClearanceCooling {
			t.Fatalf("%s is %s at %q: %s\n%v", kind, c.State, c.Step, c.Error, c.History)
		}
	}
	w.run(coolDown+time.Hour, w.once)
	if d = w.departure(d.ID()); d.State != pool.DepartureLeft || w.said() != "TenantClosed TenantReleased" {
		t.Fatalf("it is %s at %q: %s; said %s", d.State, d.Step, d.Error, w.said())
	}
	if residue := w.residue(); len(residue) > 0 {
		t.Errorf("left: %v", residue)
	}
	for _, id := range []pool.HostID{"database-standard-1", "share-standard-1"} {
		slot := w.slot(id, 1)
		if slot.State != pool.SlotFree || slot.Generation != 2 || slot.Tenant != "" || !strings.HasPrefix(slot.Name, "next") {
			t.Errorf("the slot of %s is %+v", id, *slot)
		}
	}
	if got := w.slot("share-standard-1", 1); pool.BucketName(got.Bucket) != bucket {
		t.Errorf("its bucket is %s", got.Bucket)
	}
	if now, _ := (outside{w, undisturbed}).MarkOf(t.Context(), w.slot("share-standard-1", 1).Bucket); now == mark {
		t.Errorf("its bucket bears the mark of the last generation, %s", now)
	}
	if err := w.ledger.Register(t.Context(), "10.0.0.1", "somebody-else"); err != nil {
		t.Errorf("its address is not free: %v", err)
	}
	w.certified(t, d)
}

// certified looks at the certificate of a departure.
func (w *world) certified(t *testing.T, d pool.Departure) {
	t.Helper()
	var released events.TenantReleased
	if err := json.Unmarshal([]byte(w.bus.Of("TenantReleased")[0]), &released); err != nil {
		t.Fatal(err)
	}
	content, stored, err := w.store().ReadAll(t.Context(), pool.ObjectRef{Bucket: archives, Key: "acme.markacme/certificate.json"}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if !stored.Until.Equal(d.Archive.RetainUntil.Truncate(time.Second)) {
		t.Errorf("the certificate is locked until %s, the archive until %s", stored.Until, d.Archive.RetainUntil)
	}
	var c events.Certificate
	if err := json.Unmarshal(content, &c); err != nil {
		t.Fatal(err)
	}
	if c.Archive != released.Certificate.Archive || c.Archive.SHA256 != d.Archive.SHA256 || c.RequestedBy != "billing" || c.Reason != "its contract ended" {
		t.Errorf("it certifies %+v", c)
	}
	var steps []string
	for _, s := range c.Steps {
		if s.What == "" {
			t.Errorf("step %s has no evidence", s.Step)
		}
		steps = append(steps, s.Step)
	}
	if want := "shut upload archive verify lock grace scrub"; strings.Join(steps, " ") != want {
		t.Errorf("its steps are %v, want %s", steps, want)
	}
	if len(c.Slots) != 2 || len(c.Remainders) == 0 || !c.Remainders[0].Until.After(w.now) {
		t.Errorf("slots %+v, remainders %+v", c.Slots, c.Remainders)
	}
	for _, s := range c.Slots {
		if s.Kind == "share" && s.Destroyed != 2 {
			t.Errorf("%d versions were destroyed", s.Destroyed)
		}
	}
}

func TestADepartureIsUndone(t *testing.T) {
	w := newWorld(t)
	before := w.tenant("acme")
	w.ask("acme", "")
	w.run(10*time.Minute, w.once)
	w.undo("acme")
	w.run(10*time.Minute, w.once)
	after := w.tenant("acme")
	if after.State != pool.TenantReady || after.Database != before.Database || after.Share != before.Share || after.Secret != before.Secret {
		t.Fatalf("it is back as %+v", after)
	}
	if got := w.said(); got != "TenantClosed TenantReopened" {
		t.Errorf("said %s", got)
	}
	if d := w.departure("acme.markacme"); d.State != pool.DepartureUndone || d.Step != "" {
		t.Errorf("its departure is %s at %q", d.State, d.Step)
	}
	w.asBefore(t, before)
	w.run(2*grace, w.once)
	w.asBefore(t, before)

	// It leaves again, and this time for good.
	w.ask("acme", `,"grace":"30m"`)
	w.run(6*time.Hour, w.once)
	if d := w.departure("acme.markacme-1"); d.State != pool.DepartureLeft {
		t.Errorf("its second departure is %s at %q: %s", d.State, d.Step, d.Error)
	}
	if residue := w.residue(); len(residue) > 0 {
		t.Errorf("left: %v", residue)
	}
}

// What an undo changes is its own thread's, and so is what goes on with it later.
func TestAnUndoHasAThreadOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.ask("acme", `,"correlationId":"of-the-departure"`)
	w.run(10*time.Minute, w.once)
	w.put(`{"version":"1","type":"UndoRequested","tenantId":"acme","reason":"a mistake","requestedBy":"support","correlationId":"of-the-undo"}`)
	w.run(10*time.Minute, w.once)
	back := map[string]string{"tenant": string(pool.TenantReady), "departure": string(pool.DepartureUndoing)}
	for of, history := range map[string][]pool.Entry{"tenant": w.tenant("acme").History, "departure": w.departure("acme.markacme").History} {
		undone := 1 + slices.IndexFunc(history[1:], func(e pool.Entry) bool { return e.What == back[of] })
		if undone < 1 {
			t.Fatalf("the history of the %s is %+v", of, history)
		}
		for i, e := range history {
			if want := "of-the-undo"; i >= undone && e.Correlation != want || i < undone && e.Correlation == want {
				t.Errorf("%s: %s (%s) is of %q", of, e.What, e.Why, e.Correlation)
			}
		}
	}
}

// asBefore looks whether a tenant has all that it had.
func (w *world) asBefore(t *testing.T, was pool.Tenant) {
	t.Helper()
	d := w.servers[w.host("database-standard-1").Access.Address].databases[was.Database.Name]
	if d == nil || !d.login || d.copier != "" || !slices.Equal(d.rows, []string{"rows of acme"}) {
		t.Errorf("its database is %+v", d)
	}
	for _, share := range w.gateways.Shares() {
		if share.Name == was.Share.Name && !slices.Equal(share.Clients, []string{"10.0.0.1/32"}) {
			t.Errorf("its share is open to %v", share.Clients)
		}
	}
	if rules := w.groups.Rules("sg-1"); !slices.Equal(rules, []string{rule("10.0.0.1")}) {
		t.Errorf("rules: %v", rules)
	}
	if found := w.lies(w.bucket(1)); len(found) != 2 {
		t.Errorf("its files: %v", found)
	}
	for _, id := range []pool.HostID{"database-standard-1", "share-standard-1"} {
		if slot := w.slot(id, 1); slot.State != pool.SlotAssigned || slot.Tenant != "acme" || slot.Generation != 1 {
			t.Errorf("its slot of %s is %+v", id, *slot)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		put  func(*world)
		want string // field, reason
	}{
		"a tenant that is not known": {func(w *world) { w.ask("nobody", "") }, `"field":"tenantId","reason":"is unknown"`},
		"a grace that is too long":   {func(w *world) { w.ask("acme", `,"grace":"10000h"`) }, `"field":"grace","reason":"is longer`},
		"an undo of one that stays":  {func(w *world) { w.now = w.now.Add(time.Second); w.undo("acme") }, `"field":"tenantId","reason":"is not leaving"`},
		"an undo of nobody":          {func(w *world) { w.undo("nobody") }, `"field":"tenantId","reason":"is unknown"`},
		"a message of our own": {func(w *world) {
			w.put(`{"version":"1","type":"TaskReport","job":"verify","of":"departure","id":"acme.markacme","attempt":1,"done":true,"proof":"trust me"}`)
		}, `"field":"type"`},
		"no JSON": {func(w *world) { w.put("leave") }, `"field":"type"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.put(w)
			w.run(time.Minute, w.once)
			said := w.bus.Of("RequestRejected")
			if len(said) != 1 || !strings.Contains(string(said[0]), test.want) {
				t.Errorf("said %s, want %s", said, test.want)
			}
			if kept := w.refused.Messages(); len(kept) != 1 {
				t.Errorf("%d messages are kept", len(kept))
			}
			if w.tenant("acme").State != pool.TenantReady {
				t.Error("it leaves all the same")
			}
		})
	}
}

func TestAnUndoThatOvertakesItsRequestKeepsTheTenant(t *testing.T) {
	w := newWorld(t)
	before := w.tenant("acme")
	w.now = w.now.Add(time.Minute)
	early := events.Delivery{ID: "late", Queue: "decommission", SentAt: w.now, Body: `{"version":"1","type":"DecommissionRequested","tenantId":"acme","reason":"r","requestedBy":"b"}`}
	w.now = w.now.Add(time.Minute)
	w.undo("acme")
	w.run(time.Minute, w.once)
	if err := w.once(early); err != nil {
		t.Fatal(err)
	}
	w.run(time.Minute, w.once)
	if got := w.tenant("acme"); got.State != pool.TenantReady {
		t.Errorf("it is %s", got.State)
	}
	w.asBefore(t, before)
}

func TestTheSameRequestAgainHasTheSameAnswer(t *testing.T) {
	w := newWorld(t)
	const same = `,"correlationId":"of-the-request"` // which answers bear
	w.ask("acme", same)
	w.run(10*time.Minute, w.once)
	w.ask("acme", same)
	w.run(time.Minute, w.once)
	if got := w.said(); got != "TenantClosed TenantClosed" {
		t.Errorf("said %s", got)
	}
	w.run(grace+coolDown+2*time.Hour, w.once)
	w.ask("acme", same)
	w.run(time.Minute, w.once)
	released := w.bus.Of("TenantReleased")
	if len(released) != 2 || string(released[0]) != string(released[1]) {
		t.Errorf("released: %s", released)
	}
	if all, _ := w.ledger.Departures(context.Background(), "acme"); len(all) != 1 {
		t.Errorf("%d departures", len(all))
	}
}
