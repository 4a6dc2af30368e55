package hostrepair

import (
	"context"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// change changes a host's record.
func (w *world) change(id pool.HostID, do func(pool.Host) (pool.Host, error)) {
	w.t.Helper()
	_, _, err := ledger.UpdateHost(context.Background(), w.ledger, id, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		h, err := do(h)
		return h, pool.Neutral, err
	})
	w.must(err)
}

// strikes has a signup fail against a host.
func (w *world) strikes(id pool.HostID) {
	w.t.Helper()
	w.change(id, func(h pool.Host) (pool.Host, error) {
		h, _, err := pool.StrikeHost(h, "acme", "no answer", w.now)
		return h, err
	})
}

// rings has an alarm of a host be heard of now, which is on since a time.
func (w *world) rings(id pool.HostID, at time.Time) {
	w.t.Helper()
	w.change(id, func(h pool.Host) (pool.Host, error) {
		h = pool.Marked(h, "headroom-dev-"+string(id)+"-status", pool.AlarmMark{On: true, At: at}, w.now)
		return pool.Reconsider(h, w.now, "an alarm is on")
	})
}

// stills has no alarm of a host be on, and it be in service if nothing else keeps it out.
func (w *world) stills(id pool.HostID) {
	w.t.Helper()
	if len(w.host(id).Alarmed()) > 0 {
		w.change(id, func(h pool.Host) (pool.Host, error) {
			h = h.Clone()
			h.Alarms = nil
			return pool.Reconsider(h, w.now, "it rings no more")
		})
	}
}
