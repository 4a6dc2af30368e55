package stackcomplete

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func TestAShareHostIsMadeReadyStepByStep(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 2)
	id, stack := w.order(sharePool, 3)
	w.now = w.now.Add(10 * time.Minute)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	w.drain()

	host := w.host(id)
	if host.State != pool.HostInService || host.Step != "" || !host.Due.IsZero() {
		t.Fatalf("host is %s, step %q", host.State, host.Step)
	}
	want := pool.Access{Address: "share-standard-1.headroom-dev.internal", Appliance: "10.0.0.9", SecurityGroup: "sg-1", Gateway: w.gateways.Gateways()[0].ARN, Machine: w.machine, Cache: w.cache}
	if host.Access != want {
		t.Errorf("access %+v", host.Access)
	}
	if g := w.gateways.Gateways(); len(g) != 1 || g[0].Name != prefix+string(id) || !g[0].Cached || g[0].Tags["headroom:host"] != string(id) {
		t.Errorf("gateways %+v", g)
	}
	shares := w.gateways.Shares()
	if len(shares) != 3 {
		t.Fatalf("%d shares", len(shares))
	}
	for i, share := range shares {
		slot := host.Slots[i]
		if slot.State != pool.SlotFree || slot.Share != share.ID || slot.Name != share.Name || slot.Bucket != share.Bucket || slot.Role != share.Role {
			t.Errorf("slot %+v of share %+v", slot, share)
		}
		if !slices.Equal(share.Clients, []string{nobody}) || share.Tags["headroom:state"] != "Available" || share.Key != shareKey {
			t.Errorf("share %+v", share)
		}
	}
	record, _ := w.ledger.Pool(t.Context(), sharePool)
	if c := record.Counters; c.InService != 1 || c.Reserve != 3 || c.Provisioning != 0 {
		t.Errorf("counters %+v", c)
	}
	published := w.bus.Of("HostInService")
	if len(published) != 1 {
		t.Fatalf("%d announcements", len(published))
	}
	var out events.HostInService
	if err := json.Unmarshal(published[0], &out); err != nil || out.Slots != 3 || out.LeadTimeSeconds < 600 || out.HostID != string(id) {
		t.Errorf("announced %+v, %v", out, err)
	}
	if len(w.poolChecks.Messages()) != 1 || len(w.topic.Notes()) != 0 {
		t.Errorf("%d pool checks, %d notes", len(w.poolChecks.Messages()), len(w.topic.Notes()))
	}
}

func TestADatabaseHostIsMadeReady(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(dbPool, 12)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	w.drain()
	host := w.host(id)
	if host.State != pool.HostInService || host.Free() != 12 || len(w.databases.slots) != 12 {
		t.Errorf("host is %s with %d free slots, %d databases", host.State, host.Free(), len(w.databases.slots))
	}
	for name, times := range w.databases.slots {
		if times != 1 {
			t.Errorf("database %s was made %d times", name, times)
		}
	}
	if want := (pool.Access{Address: "db.internal", Port: 5432, MasterSecret: "arn:secret"}); host.Access != want {
		t.Errorf("access %+v", host.Access)
	}
}

func TestAFailedStackIsDeletedCountedAndToldOf(t *testing.T) {
	tests := []struct {
		name   string
		status types.StackStatus
		reason string
		before string // reason of a rollback that was heard of
		failed string // a resource's own reason
		why    string
	}{
		{"creation failed", types.StackStatusCreateFailed, "quota", "", "", "CREATE_FAILED: quota"},
		{"rolled back, and why was heard", types.StackStatusRollbackComplete, "", "no capacity", "", "ROLLBACK_COMPLETE: no capacity"},
		{"rolled back, and which resource failed was heard", types.StackStatusRollbackComplete, "", "failed: [Bucket]", "taken", "ROLLBACK_COMPLETE: failed: [Bucket] Bucket: taken"},
		{"rolled back, and nothing was heard before", types.StackStatusRollbackComplete, "", "", "taken", "ROLLBACK_COMPLETE: Bucket: taken"},
		{"rolled back, and nobody says why", types.StackStatusRollbackComplete, "", "", "", "ROLLBACK_COMPLETE"},
		{"the rollback failed", types.StackStatusRollbackFailed, "stuck", "", "", "ROLLBACK_FAILED: stuck"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, &killtest.Life{}, 0)
			id, stack := w.order(sharePool, 3)
			if test.failed != "" {
				w.stacks.Fail(stack, "Bucket", test.failed)
			}
			if test.before != "" {
				w.deliver(w.event(stack, types.StackStatusRollbackInProgress, test.before))
			}
			w.deliver(w.finish(stack, test.status, test.reason))
			w.drain()
			host := w.host(id)
			if host.State != pool.HostDeleting || host.Step != pool.StepDelete || host.Why != test.why {
				t.Errorf("host is %s at %s: %s", host.State, host.Step, host.Why)
			}
			if s, _ := w.stacks.Stack(stack); s.Deletions != 1 {
				t.Errorf("deleted %d times", s.Deletions)
			}
			var out events.HostFailed
			if err := json.Unmarshal(w.bus.Of("HostFailed")[0], &out); err != nil || out.Failures != 1 || out.Reason != test.why || !out.NextOrderAfter.After(w.now) {
				t.Errorf("announced %+v, %v", out, err)
			}
			if notes := w.topic.Notes(); len(notes) != 1 || !strings.Contains(notes[0].Message, test.why) {
				t.Errorf("notes %+v", notes)
			}

			w.deliver(w.finish(stack, types.StackStatusDeleteComplete, ""))
			record, _ := w.ledger.Pool(t.Context(), sharePool)
			if w.host(id).State != pool.HostDeleted || record.Counters.Hosts != 0 || record.Failures != 1 || len(w.poolChecks.Messages()) != 1 {
				t.Errorf("host is %s, record %+v", w.host(id).State, record)
			}
		})
	}
}

func TestADeletionThatFailsIsTriedAgainPastItsDeadline(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 3)
	w.deliver(w.finish(stack, types.StackStatusRollbackComplete, ""))
	w.deliver(w.finish(stack, types.StackStatusDeleteFailed, "bucket is not empty"))
	w.drain()
	if s, _ := w.stacks.Stack(stack); s.Deletions != 1 {
		t.Errorf("deleted %d times before the deadline", s.Deletions)
	}
	w.overdue(id)
	if s, _ := w.stacks.Stack(stack); s.Deletions != 2 || len(w.bus.Of("HostFailed")) != 1 {
		t.Errorf("deleted %d times, announced %d times", s.Deletions, len(w.bus.Of("HostFailed")))
	}
}

// After the table was lost, numbers are used again, and what was asked for an earlier host of the same ID is no
// answer to what is asked for this one.
func TestAStackIsDeletedAsAnEarlierOneOfItsNameWas(t *testing.T) {
	earlier := newWorld(t, &killtest.Life{}, 0)
	w := newWorld(t, &killtest.Life{}, 0)
	w.stacks, w.mark = earlier.stacks, "another000"
	for _, w := range []*world{earlier, w} {
		id, stack := w.order(sharePool, 3)
		w.deliver(w.finish(stack, types.StackStatusRollbackComplete, ""))
		w.drain()
		if s, _ := w.stacks.Stack(stack); s.Deletions != 1 {
			t.Errorf("the stack of %s with mark %s was deleted %d times", id, w.mark, s.Deletions)
		}
		w.deliver(w.finish(stack, types.StackStatusDeleteComplete, ""))
	}
}

// overdue lets a host's step pass its deadline, as the pool check sees it.
func (w *world) overdue(id pool.HostID) {
	w.t.Helper()
	w.now = w.host(id).Due
	w.change(id, func(h pool.Host) pool.Host {
		h, changed, err := pool.Overdue(h, w.now)
		w.must(err)
		if !changed {
			w.t.Fatal("not overdue")
		}
		return h
	})
	host := w.host(id)
	body, err := json.Marshal(events.NewHostStep(string(id), string(host.Step), host.Count+1))
	w.must(err)
	w.deliver(string(body))
}

func TestAStackDeletedByAForeignHandIsAFailure(t *testing.T) {
	for _, when := range []pool.HostState{pool.HostBuilding, pool.HostPreparing} {
		t.Run(string(when), func(t *testing.T) {
			w := newWorld(t, &killtest.Life{}, 5)
			id, stack := w.order(sharePool, 3)
			if when == pool.HostPreparing {
				w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
			}
			w.deliver(w.finish(stack, types.StackStatusDeleteComplete, ""))
			w.drain()
			record, _ := w.ledger.Pool(t.Context(), sharePool)
			if w.host(id).State != pool.HostDeleted || record.Failures != 1 || len(w.bus.Of("HostFailed")) != 1 {
				t.Errorf("host is %s, %d failures", w.host(id).State, record.Failures)
			}
		})
	}
}

func TestALostEventIsMadeUpForPastTheDeadline(t *testing.T) {
	tests := []struct {
		name   string
		status types.StackStatus
		state  pool.HostState
	}{
		{"the stack is complete", types.StackStatusCreateComplete, pool.HostInService},
		{"the stack failed", types.StackStatusRollbackComplete, pool.HostDeleting},
		{"the stack is gone", types.StackStatusDeleteComplete, pool.HostDeleted},
		{"the stack is still being built", types.StackStatusCreateInProgress, pool.HostBuilding},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, &killtest.Life{}, 0)
			id, stack := w.order(sharePool, 3)
			w.stacks.Fail(stack, "Bucket", "taken")
			w.finish(stack, test.status, "")
			w.overdue(id)
			w.drain()
			host := w.host(id)
			if host.State != test.state {
				t.Errorf("host is %s", host.State)
			}
			if host.State == pool.HostDeleting && !strings.HasSuffix(host.Why, "Bucket: taken") {
				t.Errorf("it failed because %q", host.Why)
			}
		})
	}
}

func TestAnAnnouncementThatGotLostIsMadeAgain(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(dbPool, 2)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	w.change(id, func(h pool.Host) pool.Host { return pool.Begin(h, pool.StepAnnounce, w.now) })
	w.overdue(id)
	if w.host(id).Step != "" || len(w.bus.Of("HostInService")) != 2 {
		t.Errorf("step %q, announced %d times", w.host(id).Step, len(w.bus.Of("HostInService")))
	}
}

func TestWhatIsNotOursIsIgnored(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 3)
	before := w.host(id)
	foreign := strings.TrimSuffix(stack, "1") + "7"
	tests := map[string]string{
		"another stack":                "arn:aws:cloudformation:eu-west-1:123456789012:stack/other/1",
		"the control stack":            "arn:aws:cloudformation:eu-west-1:123456789012:stack/Headroom-dev/1",
		"a host that is not known":     "arn:aws:cloudformation:eu-west-1:123456789012:stack/headroom-dev-share-standard-9/1",
		"another stack of that name":   foreign,
		"a name that is no host's":     "arn:aws:cloudformation:eu-west-1:123456789012:stack/headroom-dev-share/1",
		"an ARN that is none":          "nonsense",
		"a host of a kind that is not": "arn:aws:cloudformation:eu-west-1:123456789012:stack/headroom-dev-queue-standard-1/1",
	}
	for name, id := range tests {
		t.Run(name, func(*testing.T) { w.deliver(w.event(id, types.StackStatusDeleteComplete, "")) })
	}
	t.Run("a message of another type", func(*testing.T) { w.deliver(`{"version":"1","type":"PoolCheck"}`) })
	t.Run("a status that means nothing", func(*testing.T) { w.deliver(w.event(stack, types.StackStatusUpdateInProgress, "")) })
	if diff := cmp.Diff(before, w.host(id)); diff != "" {
		t.Error(diff)
	}
}

func TestLateAndDoubledMessagesChangeNothing(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 2)
	id, stack := w.order(sharePool, 3)
	complete := w.finish(stack, types.StackStatusCreateComplete, "")
	w.deliver(complete)
	w.deliver(complete)
	w.drain()
	want := w.outcome(id, stack)
	for _, step := range []pool.Step{pool.StepActivate, pool.StepStabilize, pool.StepCache, pool.StepShares, pool.StepAvailable, pool.StepAnnounce, pool.StepDelete, pool.StepBuild} {
		body, err := json.Marshal(events.NewHostStep(string(id), string(step), 1))
		w.must(err)
		w.deliver(string(body))
	}
	w.deliver(complete)
	w.deliver(w.event(stack, types.StackStatusCreateInProgress, ""))
	w.deliver(w.event(stack, types.StackStatusRollbackComplete, "a lie"))
	w.drain()
	if diff := cmp.Diff(want, w.outcome(id, stack), alike); diff != "" {
		t.Error(diff)
	}
}

func TestDoubledMessagesDoNotMultiply(t *testing.T) {
	run := func(double bool) (outcome, int) {
		w := newWorld(t, &killtest.Life{}, 5)
		w.steps.Double = double
		id, stack := w.order(sharePool, 3)
		w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
		w.drain()
		return w.outcome(id, stack), w.peak
	}
	want, one := run(false)
	got, two := run(true)
	if diff := cmp.Diff(want, got, alike); diff != "" {
		t.Error(diff)
	}
	// A doubled message and what the first copy of it sent: no more than that.
	if one != 1 || two > 4 {
		t.Errorf("up to %d messages were under way at once, and %d when each is doubled", one, two)
	}
}

func TestAStackWithoutAnOutputIsAnError(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 11) // the template makes ten
	body := w.finish(stack, types.StackStatusCreateComplete, "")
	if err := w.handler.stackEvent(t.Context(), events.StackStatusChange{StackID: stack, StatusDetails: events.StatusDetails{Status: createComplete}}, false); err == nil || !strings.Contains(err.Error(), "Bucket11") {
		t.Errorf("error %v for %s", err, body)
	}
	if w.host(id).State != pool.HostBuilding {
		t.Errorf("host is %s", w.host(id).State)
	}
}
