package poolcheck

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/pool"
)

// making returns a world with one share host that is being made, at a step that was looked at n times.
func making(t *testing.T, step pool.Step, looks int) *world {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling = 1, 1 })
	w.must(w.check())
	w.change("share-standard-1", func(h pool.Host) pool.Host {
		if step != pool.StepBuild {
			h, _ = pool.MoveHost(h, pool.HostPreparing, w.now, "test")
		}
		h = pool.Begin(h, step, w.now)
		h.Count = looks
		return h
	})
	return w
}

// late lets the deadline of a host's step pass.
func (w *world) late(id pool.HostID) { w.now = w.host(id).Due.Add(time.Second) }

func TestAStepPastItsDeadlineIsTriedAgain(t *testing.T) {
	for _, step := range []pool.Step{pool.StepBuild, pool.StepActivate, pool.StepShares, pool.StepAnnounce} {
		t.Run(string(step), func(t *testing.T) {
			w := making(t, step, 7)
			w.must(w.check())
			if len(sent(w.steps)) != 0 {
				t.Fatalf("tried again before its deadline: %v", sent(w.steps))
			}
			w.late("share-standard-1")
			w.must(w.check())
			// A look at the step that has not been made yet: stackcomplete ignores earlier ones.
			want := fmt.Sprintf(`{"version":"1","type":"Step","of":"host","id":"share-standard-1","step":%q,"try":8}`, step)
			if diff := cmp.Diff([]string{want}, sent(w.steps)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			h := w.host("share-standard-1")
			if h.Tries != 1 || !h.Due.Equal(w.now.Add(pool.Deadline(step))) || h.History[len(h.History)-1].What != "retry" {
				t.Errorf("host: %+v", h)
			}
		})
	}
}

func TestOneThatCannotBeTriedAgainHoldsUpNoOther(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling = 1, 1 })
	w.fail["Create"] = errNotNow
	if err := w.check(); !errors.Is(err, errNotNow) { // the stack stays unordered, and is overdue first
		t.Fatalf("check: %v", err)
	}
	w.now = w.now.Add(time.Minute)
	younger := w.add(databases, 1)
	w.change(younger, func(h pool.Host) pool.Host { return pool.Begin(h, pool.StepAnnounce, w.now) })
	w.late(younger)
	if err := w.check(); !errors.Is(err, errNotNow) {
		t.Errorf("check: %v", err)
	}
	if w.host("share-standard-1").Tries != 1 || w.host(younger).Tries != 1 || len(sent(w.steps)) != 1 {
		t.Errorf("sent %v", sent(w.steps))
	}
}

func TestAStepThatIsNeverDoneQuarantinesItsHost(t *testing.T) {
	w := making(t, pool.StepActivate, 0)
	for range pool.MaxTries + 1 {
		if w.host("share-standard-1").State == pool.HostQuarantined {
			t.Fatal("quarantined too early")
		}
		w.late("share-standard-1")
		w.must(w.check())
	}
	h := w.host("share-standard-1")
	if h.State != pool.HostQuarantined || !h.Due.IsZero() || h.Step != "" {
		t.Errorf("host: %+v", h)
	}
	var said events.HostQuarantined
	w.must(json.Unmarshal(w.bus.Of("HostQuarantined")[0], &said))
	want := events.HostQuarantined{
		Version: "1", HostID: "share-standard-1", Kind: "share", Tier: "standard", Step: "activate", Tries: pool.MaxTries + 1, Reason: said.Reason,
	}
	if diff := cmp.Diff(want, said); diff != "" || !strings.Contains(said.Reason, "activate") {
		t.Errorf("HostQuarantined (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Headroom dev: host share-standard-1 is quarantined"}, w.subjects()); diff != "" {
		t.Errorf("notified (-want +got):\n%s", diff)
	}
	r := w.pool(shares)
	if r.Counters.Quarantined != 1 || r.Counters.Hosts != 1 || r.Failures != 1 || !r.BackoffUntil.After(w.now) {
		t.Errorf("pool: %+v", r)
	}
	sentSoFar := len(sent(w.steps))
	w.now = w.now.Add(24 * time.Hour)
	w.must(w.check())
	if len(sent(w.steps)) != sentSoFar || w.stacks.Count() != 1 {
		t.Errorf("it is touched, or replaced beyond the ceiling: %v, %d stacks", sent(w.steps), w.stacks.Count())
	}
}

func TestAnOrderThatCloudFormationDidNotTakeIsMadeAgainAndThenGivenUp(t *testing.T) {
	w := newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling = 1, 1 })
	w.fail["Create"] = errNotNow
	if err := w.check(); err == nil {
		t.Fatal("the failure was not told")
	}
	w.late("share-standard-1")
	delete(w.fail, "Create")
	w.must(w.check())
	if h := w.host("share-standard-1"); h.State != pool.HostBuilding || w.stacks.Count() != 1 {
		t.Errorf("host: %+v", h)
	}

	w = newWorld(t)
	w.want(shares, func(p *pool.Policy) { p.Floor, p.Ceiling = 1, 1 })
	w.fail["Create"] = errNotNow
	_ = w.check()
	for range pool.MaxTries + 1 {
		w.late("share-standard-1")
		_ = w.check()
	}
	h := w.host("share-standard-1")
	if h.State != pool.HostDeleted || w.stacks.Count() != 0 {
		t.Errorf("host: %+v", h)
	}
	// Why stands in the record, and so in the event and the notice (case B8).
	notes := w.topic.Notes()
	if !strings.Contains(h.Why, errNotNow.Error()) || len(notes) != 1 || !strings.Contains(notes[0].Message, errNotNow.Error()) {
		t.Errorf("it is given up because %q, notified %v", h.Why, notes)
	}
}

func TestAHostWithTenantsIsNeverQuarantined(t *testing.T) {
	w := newWorld(t)
	id := w.add(shares, 2)
	w.change(id, func(h pool.Host) pool.Host { return pool.Begin(h, pool.StepAnnounce, w.now) })
	for range 2 * pool.MaxTries {
		w.late(id)
		w.must(w.check())
	}
	if h := w.host(id); h.State != pool.HostInService || len(sent(w.steps)) != 2*pool.MaxTries {
		t.Errorf("host: %+v, sent %v", h, sent(w.steps))
	}
}

func TestAStuckSignupIsSentAgainAndThenAPersonIsTold(t *testing.T) {
	w := newWorld(t)
	w.request("a")
	for i := range pool.MaxTries {
		w.must(w.check())
		if len(sent(w.signups)) != i {
			t.Fatalf("sent before its deadline: %v", sent(w.signups))
		}
		w.now = w.now.Add(pool.Deadline(pool.StepOpen))
		w.must(w.check())
		want := `{"version":"1","type":"Step","of":"tenant","id":"a","step":"open","try":1}`
		if got := sent(w.signups); len(got) != i+1 || got[i] != want {
			t.Fatalf("sent: %v", got)
		}
	}
	for range 3 {
		w.now = w.now.Add(pool.Deadline(pool.StepOpen))
		w.must(w.check())
	}
	if diff := cmp.Diff([]string{"Headroom dev: the signup of tenant a is stuck"}, w.subjects()); diff != "" || len(w.topic.Notes()) != 1 {
		t.Errorf("notified (-want +got):\n%s", diff)
	}
	if tenant := w.tenant("a"); tenant.State != pool.TenantRequested || !tenant.Due.IsZero() || len(sent(w.signups)) != pool.MaxTries {
		t.Errorf("tenant: %+v", tenant)
	}
}

func TestStorageThatCouldNotBeAnnouncedIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.request("a")
	w.move("a", pool.TenantReady, func(t *pool.Tenant) { t.Progress = pool.Started(pool.StepServe, w.now) })
	after := w.tenant("a")
	w.must(w.check())
	if got := sent(w.signups); len(got) != 0 {
		t.Fatalf("sent before its deadline: %v", got)
	}
	w.now = after.Due
	w.must(w.check())
	if got := sent(w.signups); len(got) != 1 || w.tenant("a").Tries != 1 {
		t.Errorf("sent: %v", got)
	}
	for range pool.MaxTries + 1 {
		w.now = w.now.Add(pool.Deadline(pool.StepOpen))
		w.must(w.check())
	}
	if notes := w.topic.Notes(); len(notes) != 1 || !strings.Contains(notes[0].Message, "StorageReady was not published") || strings.Contains(notes[0].Message, "dead-letter") {
		t.Errorf("notified: %v", notes)
	}
}

func TestTenantsWhoWaitAreNotOverdue(t *testing.T) {
	w := newWorld(t)
	for i := range tenantsAtOnce + 5 {
		w.wait(pool.TenantID(fmt.Sprintf("t%d", i)))
	}
	w.now = w.now.Add(time.Hour)
	due, err := w.ledger.OverdueTenants(context.Background(), w.now, tenantsAtOnce)
	if err != nil || len(due) != 0 {
		t.Errorf("overdue: %v, %v", due, err)
	}
}

// Of many signups that are stuck, none keeps a host from being looked at (case B7).
func TestHostsAndTenantsHaveBudgetsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	for i := range 2000 {
		w.request(pool.TenantID(fmt.Sprintf("t%d", i)))
	}
	w.now = w.now.Add(pool.Deadline(pool.StepOpen))
	id := w.add(shares, 1)
	w.change(id, func(h pool.Host) pool.Host { return pool.Begin(h, pool.StepAnnounce, w.now) })
	w.late(id)
	w.must(w.check())
	if len(sent(w.steps)) != 1 || len(sent(w.signups)) != tenantsAtOnce {
		t.Errorf("%d steps of hosts, %d of tenants", len(sent(w.steps)), len(sent(w.signups)))
	}
}

// What is looked at moves to the back, whatever comes of it: those whose report nobody hears do not stand in
// the way of those behind them (case B7).
func TestReportsThatNobodyHearsHoldUpNoOther(t *testing.T) {
	w := newWorld(t)
	for i := range tenantsAtOnce {
		w.request(pool.TenantID(fmt.Sprintf("given-up-%d", i)))
		before := w.tenant(pool.TenantID(fmt.Sprintf("given-up-%d", i)))
		after := before.Clone()
		after.Progress = pool.Started(pool.StepReport, w.now)
		_, err := w.ledger.SaveTenant(t.Context(), before, after)
		w.must(err)
	}
	w.now = w.now.Add(time.Second)
	w.request("behind")
	w.now = w.now.Add(time.Hour)
	w.fail["Notify"] = errNotNow
	if err := w.check(); !errors.Is(err, errNotNow) {
		t.Errorf("check: %v", err)
	}
	w.must(w.check())
	if got := sent(w.signups); len(got) != 1 || !strings.Contains(got[0], `"id":"behind"`) {
		t.Errorf("sent: %v", got)
	}
	delete(w.fail, "Notify")
	w.now = w.now.Add(time.Hour)
	w.must(w.check())
	if told := len(w.topic.Notes()); told < tenantsAtOnce-1 {
		t.Errorf("%d reported", told)
	}
}

func TestWhatIsOverdueAndHasMovedOnIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.request("a")
	w.now = w.now.Add(pool.Deadline(pool.StepOpen))
	w.fail["SaveTenant"] = pool.ErrConflict
	w.must(w.check())
	if len(sent(w.signups)) != 0 {
		t.Errorf("sent: %v", sent(w.signups))
	}
}

// progress replaces the progress of a tenant.
func (w *world) progress(id pool.TenantID, p pool.Progress) {
	w.t.Helper()
	before := w.tenant(id)
	after := before.Clone()
	after.Progress = p
	_, err := w.ledger.SaveTenant(context.Background(), before, after)
	w.must(err)
}

// givenUp returns a world with a signup that the next check gives up.
func givenUp(t *testing.T) *world {
	w := newWorld(t)
	w.request("a")
	p := pool.Started(pool.StepOpen, w.now).Failed(errors.New("the database did not answer"))
	p.Tries = pool.MaxTries
	w.progress("a", p)
	w.now = p.Due
	return w
}

func TestWhereATenantWasGivenUpAndWhyStaysKnown(t *testing.T) {
	w := givenUp(t)
	w.must(w.check())
	want := pool.Progress{Stuck: pool.StepOpen, Error: "the database did not answer"}
	if diff := cmp.Diff(want, w.tenant("a").Progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if notes := w.topic.Notes(); len(notes) != 1 || !strings.Contains(notes[0].Message, "the database did not answer") {
		t.Errorf("notified: %v", notes)
	}
}

func TestASignupThatIsSentAgainWhileItIsReportedGoesOn(t *testing.T) {
	w, begun := givenUp(t), false
	w.must(w.checkBy(func(operation string, do func() error) error {
		if operation == "Notify" {
			begun = true
			w.progress("a", pool.Started(pool.StepOpen, w.now))
		}
		return do()
	}))
	if tenant := w.tenant("a"); !begun || tenant.Step != pool.StepOpen || !tenant.Due.Equal(w.now.Add(pool.Deadline(pool.StepOpen))) {
		t.Errorf("tenant: %+v", tenant)
	}
}
