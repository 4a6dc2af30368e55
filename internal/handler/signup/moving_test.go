package signup

import (
	"context"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// moving returns a world in which acme was served, and is shut out while its database moves to another host.
func moving(t fatal, call killtest.Call) *world {
	w := newWorld(t, call, 0)
	w.remark = true
	w.add(pool.Database, 3)
	w.add(pool.Share, 3)
	w.reconcile()
	w.drain(w.undisturbed)
	w.ask("acme", "10.0.0.1")
	w.drain(w.undisturbed)
	w.now = w.now.Add(time.Minute)
	w.shuts(func(r *pool.Restoration) { r.Shut = w.now })
	w.now = w.now.Add(time.Second)
	return w
}

// shuts changes the record of acme's move.
func (w *world) shuts(change func(*pool.Restoration)) {
	w.t.Helper()
	ctx := context.Background()
	before, err := w.ledger.Restoration(ctx, "acme")
	if err != nil {
		t := w.tenant("acme")
		before = pool.Restoration{}
		after, _, err := pool.BeginRestoration(before, pool.Restoration{
			Move: true, Database: t.Database, Reason: "its host was overworked", RequestedBy: "ops", Message: "m", RequestedAt: w.now, Grace: time.Minute,
		}, t, "standin00001", "old000000001", "", w.now)
		w.must(err)
		before, err = w.ledger.SaveRestoration(ctx, before, after)
		w.must(err)
	}
	after := before.Clone()
	change(&after)
	_, err = w.ledger.SaveRestoration(ctx, before, after)
	w.must(err)
}

func TestWhoMovesIsAnsweredOnceItIsLetInAgainThenKilledAtEveryCall(t *testing.T) {
	for name, ends := range map[string]func(w *world, r *pool.Restoration){
		"there":           func(w *world, r *pool.Restoration) { r.Swapped = w.now },
		"where it was":    func(_ *world, r *pool.Restoration) { r.State, r.Step = pool.RestorationWithdrawn, "" },
		"not shut by now": func(_ *world, r *pool.Restoration) { r.Shut = time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) []string {
				w := moving(t, life.Call)
				w.ask("acme", "10.0.0.1")
				w.drainFor(10*time.Second, w.killable(life))
				if said := w.said("StorageReady"); said != "acme" { // when it signed up
					t.Fatalf("ready, and can't log in: %s", said)
				}
				w.shuts(func(r *pool.Restoration) { ends(w, r) })
				w.now = w.now.Add(5 * time.Minute)
				w.retryOverdue("acme")
				w.drainFor(time.Hour, w.killable(life))
				if said := w.said("StorageReady"); said == "acme" {
					t.Error("it is let in, and was not told so")
				}
				now := w.tenant("acme")
				return []string{string(now.State), string(now.Step), string(now.Stuck)}
			})
		})
	}
}
