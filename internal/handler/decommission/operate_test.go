package decommission

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// operate puts a person's request about acme's departure into the queue from outside.
func (w *world) operate(action, slot string) {
	w.t.Helper()
	w.put(operation("acme.markacme", action, slot))
}

func operation(departure, action, slot string) string {
	if slot != "" {
		slot = fmt.Sprintf(`"slot":%q,`, slot)
	}
	return fmt.Sprintf(`{"version":"1","type":"DepartureRequest","departureId":%q,"action":%q,%s"requestedBy":"jo","reason":"it is mended","correlationId":"of-the-word"}`, departure, action, slot)
}

// quarantines are what has a slot of acme's quarantined, and what is mended before it is released.
var quarantines = map[string]struct {
	kind        pool.Kind
	spoil, mend func(*world)
}{
	"a file in the share": {pool.Share, func(w *world) {
		for range pool.UncleanLooks {
			w.fails(events.JobProbe, events.TaskReport{Done: true, Found: []string{"a file of acme"}})
		}
	}, func(*world) {}},
	"rows in the database":           {pool.Database, func(w *world) { w.dirty = []string{"rows of acme"} }, func(w *world) { w.dirty = nil }},
	"an object that is not archived": {pool.Share, func(w *world) { w.overwrite(1, "late", "content") }, func(w *world) { w.remove(1, "late") }},
}

// quarantined returns a world in which a slot of acme's is quarantined, and all else of its departure is done.
func quarantined(t *testing.T, name string) *world {
	t.Helper()
	w := graced(t)
	quarantines[name].spoil(w)
	w.run(4*time.Hour, w.once)
	if c := w.clearance(quarantines[name].kind); c.State != pool.ClearanceQuarantined {
		t.Fatalf("it is %s at %q: %s", c.State, c.Step, c.Error)
	}
	return w
}

func TestAQuarantinedSlotThatIsMendedComesBackWhenAPersonSaysSo(t *testing.T) {
	for name, test := range quarantines {
		t.Run(name, func(t *testing.T) {
			w := quarantined(t, name)
			test.mend(w)
			w.operate(events.SlotAgain, string(test.kind))
			if d := w.left(3 * time.Hour); d.State != pool.DepartureLeft {
				t.Fatalf("it is %s; said %s", d.State, w.said())
			}
			c := w.clearance(test.kind)
			slot := w.slot(c.Holding.Host, 1)
			if c.State != pool.ClearanceReturned || slot.State != pool.SlotFree || slot.Generation != 2 || slot.Tenant != "" || c.Unclean != 0 || c.Clean != pool.CleanLooks {
				t.Errorf("it is %s, clean %d, unclean %d; the slot %+v", c.State, c.Clean, c.Unclean, *slot)
			}
			if !strings.Contains(fmt.Sprint(c.History), "again, by jo: it is mended (message ") {
				t.Errorf("its history: %v", c.History)
			}
			if last := c.History[len(c.History)-1]; last.Correlation != "of-the-word" {
				t.Errorf("that it is %s came of %q", last.What, last.Correlation)
			}
			if residue := w.residue(); len(residue) > 0 || len(w.remains(1)) > 0 {
				t.Errorf("left: %v, %v", residue, w.remains(1))
			}
		})
	}
}

func TestASlotThatIsStillNotCleanIsQuarantinedAgain(t *testing.T) {
	w := quarantined(t, "rows in the database")
	w.operate(events.SlotAgain, "database")
	w.run(3*time.Hour, w.once)
	c := w.clearance(pool.Database)
	if slot := w.slot(c.Holding.Host, 1); c.State != pool.ClearanceQuarantined || slot.State != pool.SlotQuarantined || c.Unclean != pool.UncleanLooks {
		t.Errorf("it is %s after %d looks, the slot %s", c.State, c.Unclean, slot.State)
	}
	if notes := w.topic.Notes(); len(notes) != 2 {
		t.Errorf("told %d times", len(notes))
	}
}

func TestARetiredSlotIsNobodysAndTheCertificateSaysSo(t *testing.T) {
	for name, test := range quarantines {
		t.Run(name, func(t *testing.T) {
			w := quarantined(t, name)
			w.operate(events.SlotRetire, string(test.kind))
			d := w.left(time.Hour)
			c := w.clearance(test.kind)
			slot := w.slot(c.Holding.Host, 1)
			if d.State != pool.DepartureLeft || c.State != pool.ClearanceRetired || slot.State != pool.SlotRetired || slot.Tenant != "" {
				t.Fatalf("it is %s, the clearance %s, the slot %+v", d.State, c.State, *slot)
			}
			var released events.TenantReleased
			w.must(json.Unmarshal(w.bus.Of("TenantReleased")[0], &released))
			for _, certified := range released.Certificate.Slots {
				names := strings.HasPrefix(certified.Retired, "retire, by jo: it is mended (message ") && strings.Contains(certified.Retired, "; it was quarantined because it")
				if want := certified.Kind == string(test.kind); names != want || !want && certified.Retired != "" {
					t.Errorf("of the %s it is certified that %q", certified.Kind, certified.Retired)
				}
				for _, step := range certified.Steps {
					if certified.Kind == string(test.kind) && step.Step == string(pool.StepProve) {
						t.Errorf("it is certified that %s", step.What)
					}
				}
			}
			if trace := fmt.Sprintf("slot %s/1, which is out of use", c.Holding.Host); !strings.Contains(fmt.Sprint(released.Certificate.Remainders), trace) {
				t.Errorf("it is certified that it is left in %v", released.Certificate.Remainders)
			}
			// As many sign up as there are slots: one of them gets none.
			w.opensUp()
			w.now = w.now.Add(time.Second)
			for i, id := range allTenant {
				w.signsUp(string(id), fmt.Sprintf("10.0.0.%d", i+1))
			}
			w.run(20*time.Minute, w.once)
			for _, id := range allTenant {
				if has := w.tenant(id); has.Database.Host == c.Holding.Host && has.Database.Index == 1 || has.Share.Host == c.Holding.Host && has.Share.Index == 1 {
					t.Errorf("%s has %v and %v", id, has.Database, has.Share)
				}
			}
			if slot := w.slot(c.Holding.Host, 1); slot.State != pool.SlotRetired {
				t.Errorf("the slot is %s", slot.State)
			}
		})
	}
}

func TestWhatCannotBeDoneAboutADepartureIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		body, field, why string
	}{
		"an unknown departure is resumed": {operation("acme.another", events.DepartureResume, ""), "departureId", "is unknown"},
		"a slot of an unknown departure":  {operation("nobody.mark", events.SlotAgain, "share"), "departureId", "is unknown"},
		"a slot that is not quarantined":  {operation("acme.markacme", events.SlotAgain, "share"), "slot", "is not quarantined: it is returned"},
		"a slot that is given already":    {operation("acme.markacme", events.SlotRetire, "share"), "slot", "is not quarantined: it is returned"},
		"no slot":                         {operation("acme.markacme", events.SlotAgain, ""), "slot", "is missing"},
		"a slot that is resumed":          {operation("acme.markacme", events.DepartureResume, "share"), "slot", "is not for resume"},
		"another slot":                    {operation("acme.markacme", events.SlotAgain, "bucket"), "slot", "is neither"},
		"another action":                  {operation("acme.markacme", "delete", "share"), "action", "is neither"},
		"a departure that is a pattern":   {operation("acme.*", events.SlotAgain, "share"), "departureId", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := quarantined(t, "rows in the database")
			before := w.clearance(pool.Database)
			w.put(test.body)
			w.run(time.Minute, w.once)
			var rejected events.RequestRejected
			if said := w.bus.Of("RequestRejected"); len(said) != 1 || json.Unmarshal(said[0], &rejected) != nil || len(w.refused.Messages()) != 1 {
				t.Fatalf("said %q, kept %d", said, len(w.refused.Messages()))
			}
			if rejected.Field != test.field || !strings.Contains(rejected.Reason, test.why) || rejected.Type != events.TypeDepartureRequest {
				t.Errorf("rejected: %+v", rejected)
			}
			if after := w.clearance(pool.Database); after.Version != before.Version {
				t.Errorf("it is %+v", after)
			}
		})
	}
}

// A message that comes twice, or late, is about the quarantine that it was sent for.
func TestARequestAboutASlotIsHeardOnce(t *testing.T) {
	w := quarantined(t, "rows in the database")
	late := events.Delivery{ID: "late", Queue: "decommission", SentAt: w.now, Body: operation("acme.markacme", events.SlotAgain, "database")}
	first := late
	first.ID = "first"
	w.must(w.once(first))
	w.must(w.once(first))
	if said := w.said(); strings.Contains(said, "RequestRejected") {
		t.Errorf("said %s", said)
	}
	w.run(3*time.Hour, w.once) // it is not clean, and quarantined again
	before := w.clearance(pool.Database)
	w.must(w.once(first))
	w.must(w.once(late))
	if after := w.clearance(pool.Database); before.State != pool.ClearanceQuarantined || after.Version != before.Version {
		t.Errorf("it was %s, and is %s", before.State, after.State)
	}
	if said := w.said(); strings.Count(said, "RequestRejected") != 1 {
		t.Errorf("said %s", said)
	}
}

func TestRequestsAboutSlotsKilledAtEveryCall(t *testing.T) {
	for _, action := range []string{events.SlotAgain, events.SlotRetire} {
		t.Run(action, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
				w := quarantined(t, "rows in the database")
				w.dirty = nil
				w.operate(action, "database")
				w.run(time.Hour, w.killable(life))
				return w.outcome()
			})
		})
	}
}

// A host may be retired while the other half of a departure still lasts: what is left of it holds what it held.
func TestACertificateNamesWhatIsLeftOfARetiredHost(t *testing.T) {
	w := newWorld(t)
	until := w.now.Add(14 * 24 * time.Hour).Truncate(time.Second)
	before, err := w.ledger.Host(t.Context(), w.tenant("acme").Database.Host)
	w.must(err)
	after := before.Clone()
	after.Retire = pool.Retirement{At: w.now, Left: []pool.Remnant{{What: pool.RemnantSnapshot, Name: "db-snapshot-instance-1", Until: until}}}
	w.must(w.ledger.SaveHost(t.Context(), before, after, pool.Neutral, w.now))
	w.ask("acme", "")
	w.left(48 * time.Hour)
	var released events.TenantReleased
	w.must(json.Unmarshal(w.bus.Of("TenantReleased")[0], &released))
	for _, r := range released.Certificate.Remainders {
		if strings.Contains(r.What, "final snapshot db-snapshot-instance-1 of host "+string(before.ID)) && r.Until.Time.Equal(until) {
			return
		}
	}
	t.Errorf("it is certified that it is left in %v", released.Certificate.Remainders)
}
