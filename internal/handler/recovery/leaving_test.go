package recovery

import (
	"fmt"
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// globex was leaving, and is ready by the record. It leaves by the record when the recovery is done, since just after the last that the
// ledger knows: an undo that waits in the queue is a later word.
func TestWhoWasLeavingLeavesByTheRecord(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := newWorld(t, true)
		ready := w.served(t, "globex", "m2", 2)
		w.now = w.now.Add(time.Hour)
		w.recovers(t, life)
		globex, err := w.ledger.Tenant(t.Context(), "globex")
		must(t, err)
		d, err := w.ledger.Departure(t.Context(), pool.DepartureIDOf(ready))
		must(t, err)
		if globex.State != pool.TenantLeft || d.State != pool.DepartureLeaving || d.Step != pool.StepShut || !d.Handed() || d.RequestedBy != "ada" ||
			!d.RequestedAt.Equal(began.Add(time.Millisecond)) || !d.RecordedAt.After(began.Add(time.Hour)) || d.Grace != time.Duration(pool.DefaultTerms.Grace) {
			t.Errorf("it is %s, and its departure %+v", globex.State, d)
		}
		return fmt.Sprint(globex.State, d.State, d.Step)
	})
}

// acme leaves by the record, and was let in again since: it is back by the record when the recovery is done. A departure that was asked for
// since, and waits in the queue, is the next.
func TestWhoStaysIsBackByTheRecord(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) string {
		w := newWorld(t, true)
		must(t, w.ledger.Unregister(t.Context(), "10.0.0.7", pool.Tenant{ID: "initech", Version: 1}))
		must(t, w.ledger.Register(t.Context(), "10.0.0.7", "acme"))
		ready := w.served(t, "acme", "m1", 1)
		left, d, err := pool.Leave(ready, pool.Departure{Tenant: ready, RequestedAt: began.Add(time.Minute), Reason: "its contract ended"}, pool.DefaultTerms, began.Add(time.Minute))
		must(t, err)
		must(t, w.ledger.Depart(t.Context(), ready, left, d))
		d, err = w.ledger.Departure(t.Context(), d.ID())
		must(t, err)
		_, err = w.ledger.SaveDeparture(t.Context(), d, d.Proven(pool.StepUpload, began.Add(2*time.Minute), "it is shut out"))
		must(t, err)
		w.now = w.now.Add(time.Hour)
		w.recovers(t, life)
		acme, err := w.ledger.Tenant(t.Context(), "acme")
		must(t, err)
		d, err = w.ledger.Departure(t.Context(), d.ID())
		must(t, err)
		if acme.State != pool.TenantReady || acme.Undone != 1 || acme.Database != ready.Database || d.State != pool.DepartureUndoing || d.Step != pool.StepReopen ||
			!d.UndoneAt.Equal(began.Add(time.Minute+time.Millisecond)) {
			t.Errorf("it is %s, and its departure %+v", acme.State, d)
		}
		return fmt.Sprint(acme.State, d.State)
	})
}
