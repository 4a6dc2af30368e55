package restore

import (
	"testing"
	"time"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func (w *world) spent() pool.Cents {
	spent, err := w.ledger.Spent(w.t.(*testing.T).Context())
	w.must(err)
	return spent
}

// What an instance costs is held from before it is ordered until it is gone, whatever is killed, and whatever becomes of it.
func TestMoneyIsHeldForAsLongAsThereIsAnInstance(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) outcome {
		w := newWorld(t)
		w.moneyCap = 1_000
		w.ask("database", then)
		w.run(40*time.Minute, w.killable(life))
		if spent := w.spent(); spent != 0 {
			t.Errorf("%s are spent once it is over", spent)
		}
		return w.outcome()
	})
	w := newWorld(t)
	w.moneyCap = 1_000
	w.ask("database", then)
	w.until(func(r pool.Restoration) bool { return r.Step == pool.StepCopy })
	if spent := w.spent(); spent != 32_500 {
		t.Errorf("%s are spent while there is an instance", spent)
	}
}
