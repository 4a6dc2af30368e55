package restore

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/queue"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// drain has the host of acme drained.
func (w *world) drain() {
	w.t.Helper()
	host := w.host("database-standard-1")
	drained, err := pool.Drain(host, "ann: old", w.now)
	w.must(err)
	w.must(w.ledger.SaveHost(context.Background(), host, drained, pool.Neutral, w.now))
}

// offHost has acme moved off its first host, as the pool check asks for it.
func (w *world) offHost(decided time.Time, most string) {
	w.t.Helper()
	off := events.NewMoveOff("acme", "database-standard-1", events.At(decided), most, "host database-standard-1 is drained, by ann: old")
	w.must((&queue.Sender{Client: w.steps, URL: "url"}).Send(context.Background(), off, 0))
}

func TestATenantMovesOffADrainedHost(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newMovingWorld(t)
		w.terms.Grace = pool.Term(5 * time.Hour)
		w.drain()
		w.offHost(w.now, "10m")
		w.run(70*time.Minute, w.killable(life))
		w.moved(t)
		if r := w.restoration(); r.RequestedBy != "the pool check" || r.Most != 10*time.Minute {
			t.Errorf("%s was wanted by %s, within %s", r.ID(), r.RequestedBy, r.Most)
		}
		// What comes late is about a tenant that is not there any more.
		w.offHost(w.now, "")
		w.run(time.Minute, w.once)
		if r := w.restoration(); r.Number != 1 {
			t.Errorf("it has moved %d times", r.Number)
		}
		return w.outcome()
	})
}

// Whatever has come between the check's decision and the message, nothing is refused: nobody has asked for it.
// What a restoration keeps is promised until its own grace is over: nobody ends that who was not asked by a person.
func TestWhoMayGoBackStillIsNotMovedOffAHost(t *testing.T) {
	w := newWorld(t)
	w.ask("database", w.now.Add(-time.Hour))
	w.run(time.Hour, w.once)
	if r := w.restoration(); r.State != pool.RestorationRestored || r.Promised(w.now).IsZero() {
		t.Fatalf("%s is %s at %q: %s", r.ID(), r.State, r.Step, r.Error)
	}
	w.drain()
	w.offHost(w.now, "")
	w.run(20*time.Minute, w.once)
	if r := w.restoration(); r.Move || r.State != pool.RestorationRestored || len(w.refused.Messages()) > 0 {
		t.Errorf("%s is %s, and refused are %v", r.ID(), r.State, w.refused.Messages())
	}
}

func TestWhoIsNotToMoveOffAHostStays(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"drained no more":               func(*world) {},
		"a tenant that leaves":          func(w *world) { w.drain(); w.leave() },
		"a tenant that is let in again": func(w *world) { w.drain(); w.lettingIn() },
		"a decision that is older than another move": func(w *world) {
			w.drain()
			w.moveTo("", func(q *events.MoveRequest) { q.Most = "1s" }) // which comes to nothing
			w.run(5*time.Minute, w.once)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMovingWorld(t)
			decided := w.now.Add(-time.Second)
			prepare(w)
			told := len(w.topic.Notes())
			w.offHost(decided, "")
			w.run(20*time.Minute, w.once)
			if rejected := w.bus.Of("RequestRejected"); len(rejected) > 0 || len(w.refused.Messages()) > 0 {
				t.Errorf("rejected: %s", rejected)
			}
			if r, err := w.ledger.Restoration(t.Context(), "acme"); err == nil && r.State != pool.RestorationWithdrawn || w.out > 0 {
				t.Errorf("%s is %s, and it was shut out for %s", r.ID(), r.State, w.out)
			}
			if now := w.topic.Notes(); len(now) > told {
				t.Errorf("told: %v", now)
			}
		})
	}
}

// A person asked for something just before the check decided that the tenant moves, and is heard of afterwards: they are told, and
// nothing else comes of it. What came before comes again, and nobody is told of that.
func TestWhoIsOvertakenByAMoveOffAHostIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		message any
		kind    string
	}{
		"to go back": {events.RestoreRequest{
			Version: events.Version, Type: events.TypeRestoreRequest, TenantID: "acme", Share: true, To: events.At(then), Reason: "it dropped a file", RequestedBy: "ops",
		}, events.TypeRestoreRequest},
		"to have that undone": {events.RestoreUndo{Version: events.Version, Type: events.TypeRestoreUndo, TenantID: "acme", Reason: "the wrong day", RequestedBy: "ops"}, events.TypeRestoreUndo},
		"to move elsewhere":   {events.NewMoveRequest("acme", "its host is overworked", "ops"), events.TypeMoveRequest},
	} {
		t.Run(name, func(t *testing.T) {
			w := newMovingWorld(t)
			body, err := json.Marshal(test.message)
			w.must(err)
			asked := events.Delivery{ID: "asked", Body: string(body), SentAt: w.now.Add(time.Second)}
			w.now = w.now.Add(time.Minute)
			w.drain()
			w.offHost(w.now, "")
			w.run(70*time.Minute, w.once)
			before := w.restoration()
			if !before.Auto || before.State != pool.RestorationRestored {
				t.Fatalf("%s is %s: %s", before.ID(), before.State, before.Error)
			}
			w.must(w.once(asked))
			rejected := w.bus.Of("RequestRejected")
			if len(rejected) != 1 || !strings.Contains(string(rejected[0]), "database-standard-1 by the pool check when this came (acme.move-1") || !strings.Contains(string(rejected[0]), test.kind) {
				t.Errorf("rejected: %s", rejected)
			}
			if now := w.restoration(); now.Version != before.Version || len(w.refused.Messages()) != 1 {
				t.Errorf("%s is %s, and refused are %v", now.ID(), now.State, w.refused.Messages())
			}
		})
	}
}
