package restore

import (
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// forget has a move's record be as it was before, as a table has it that was put back; what it moved is as it is, and so is
// what recovery makes true again.
func (w *world) forget(t *testing.T, then pool.Restoration) {
	t.Helper()
	now := w.restoration()
	then.Version = now.Version
	_, err := w.ledger.SaveRestoration(t.Context(), now, then)
	w.must(err)
}

// A move that is over, and whose record was put back into its midst, takes nothing back of what the tenant has.
func TestAMoveThatIsOverAndForgottenTakesNothingBack(t *testing.T) {
	for _, step := range []pool.Step{pool.StepShut, pool.StepCopy, pool.StepSwap} {
		t.Run(string(step), func(t *testing.T) {
			w := newMovingWorld(t)
			w.stopAt(step)
			w.moveTo("")
			w.untilStep(step)
			then := w.restoration()
			delete(w.dying, events.JobRestoreDatabase)
			w.run(3*time.Hour, w.once)
			tenant, err := w.ledger.Tenant(t.Context(), "acme")
			w.must(err)
			if tenant.Database.Host != elsewhere || !tenant.Database.Same(then.Target) {
				t.Fatalf("it has %+v, and was to move to %+v", tenant.Database, then.Target)
			}
			w.forget(t, then)
			w.complain = false
			w.now = w.now.Add(pool.Deadline(step))
			w.run(6*time.Hour, w.once)
			if slot := w.slot(elsewhere, then.Target.Index); slot.State != pool.SlotAssigned || slot.Tenant != "acme" {
				t.Errorf("its slot is %s, of %q; %s is %s at %q: %s", slot.State, slot.Tenant, then.ID(), w.restoration().State, w.restoration().Step, w.restoration().Error)
			}
			if d := w.database("acme"); !d.login {
				t.Error("it is shut out")
			}
			w.hasAll()
		})
	}
}

// A slot that is another's by now is neither filled nor emptied by a move that was to end there.
func TestAMoveLeavesASlotAloneThatIsAnothersByNow(t *testing.T) {
	for _, step := range []pool.Step{pool.StepCopy, pool.StepSwap} {
		t.Run(string(step), func(t *testing.T) {
			w := newMovingWorld(t)
			w.stopAt(step)
			w.moveTo("")
			w.untilStep(step)
			r := w.restoration()
			h := w.host(elsewhere)
			after := h.Clone()
			after.Slot(r.Target.Index).Tenant = "globex"
			w.must(w.ledger.SaveHost(t.Context(), h, after, pool.Neutral, w.now))
			theirs := w.servers[h.Access.Address].databases[r.Target.Name]
			theirs.rows, theirs.login = []string{"globex's"}, true
			delete(w.dying, events.JobRestoreDatabase)
			w.complain = false
			w.run(6*time.Hour, w.once)
			is := w.servers[h.Access.Address].databases[r.Target.Name]
			if is != theirs || !is.login || len(is.rows) != 1 || is.rows[0] != "globex's" {
				t.Errorf("the other tenant's database is another: %v, login %v, with %d rows", is != theirs, is.login, len(is.rows))
			}
			if slot := w.slot(elsewhere, r.Target.Index); slot.State != pool.SlotAssigned || slot.Tenant != "globex" {
				t.Errorf("its slot is %s, of %q", slot.State, slot.Tenant)
			}
			if d := w.database("acme"); !d.login {
				t.Error("who was to move is shut out")
			}
			w.hasAll()
		})
	}
}
