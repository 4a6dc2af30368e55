package poolcheck

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/pool"
)

// changing makes a tenant that is ready and at a step of a change of its addresses.
func (w *world) changing(id pool.TenantID, c pool.Change, p pool.Progress) {
	w.t.Helper()
	w.request(id)
	w.move(id, pool.TenantReady, func(t *pool.Tenant) { t.Change, t.Progress = c, p })
}

func TestTheStepsOfAChangeAreItsFunctionsOwn(t *testing.T) {
	for _, step := range []pool.Step{pool.StepAdmit, pool.StepEvict, pool.StepChanged, pool.StepConfirm} {
		t.Run(string(step), func(t *testing.T) {
			w := newWorld(t)
			w.changing("a", pool.Change{First: "10.0.0.1", Coming: []string{"10.0.0.2"}}, pool.Started(step, w.now))
			for range pool.MaxTries {
				w.now = w.now.Add(pool.Deadline(step))
				w.must(w.check())
			}
			if got := sent(w.changes); len(got) != pool.MaxTries || !strings.Contains(got[0], `"step":"`+string(step)+`"`) || len(sent(w.signups)) != 0 {
				t.Errorf("sent %q, and to signup %q", got, sent(w.signups))
			}
			w.now = w.now.Add(pool.Deadline(step))
			w.must(w.check())
			if diff := cmp.Diff([]string{"Headroom dev: a change of the addresses of tenant a is stuck"}, w.subjects()); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			w.now = w.now.Add(24 * time.Hour)
			w.must(w.check())
			if len(w.topic.Notes()) != 1 || w.tenant("a").Stuck != step {
				t.Errorf("told %d times, and it is at %+v", len(w.topic.Notes()), w.tenant("a").Progress)
			}
		})
	}
}

func TestAChangeThatDoesNotEndIsToldOnce(t *testing.T) {
	w := newWorld(t)
	w.changing("a", pool.Change{First: "10.0.0.1", Due: w.now.Add(time.Hour)}, pool.Progress{Step: pool.StepOverlap, Due: w.now.Add(time.Hour)})
	w.must(w.check())
	if len(w.topic.Notes()) != 0 {
		t.Errorf("told before its term: %q", w.subjects())
	}
	w.now = w.now.Add(time.Hour)
	w.fail["Notify"] = errNotNow
	_ = w.check()
	delete(w.fail, "Notify")
	for range 3 {
		w.now = w.now.Add(time.Hour)
		w.must(w.check())
	}
	if diff := cmp.Diff([]string{"Headroom dev: a change of the addresses of tenant a has not ended"}, w.subjects()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if tenant := w.tenant("a"); tenant.Progress != (pool.Progress{}) || !tenant.Change.Due.IsZero() || tenant.Change.Regular != 1 || len(sent(w.changes)) != 0 {
		t.Errorf("it is at %+v: %+v", tenant.Progress, tenant.Change)
	}
}
