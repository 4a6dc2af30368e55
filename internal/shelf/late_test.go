package shelf

import (
	"context"
	"strings"
	"testing"

	"headroom/internal/killtest"
	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
)

// Many who find a shelf bare choose slots at once. Those who are late see that before they write: a write that is refused
// costs as much as one that is not.
func TestARefillThatIsLateIsNotTried(t *testing.T) {
	w := given(t, memory.Options{}, pool.Pack, 0, []int{3}, []int{3})
	w.Start(func(call killtest.Call) error { return w.reconciler(call).Fill(context.Background(), tier) })
	looks := 0
	for {
		if w.Next(0) == "Shelf" {
			looks++
		}
		if looks == 2 { // it has chosen
			break
		}
		step(t, w)
	}
	must(t, w.reconcile())
	for w.Running() > 0 {
		if call := w.Next(0); strings.HasPrefix(call, "Begin") || strings.HasPrefix(call, "Save") {
			t.Errorf("it goes on with %s", call)
		}
		step(t, w)
	}
	if n := len(w.shelf(t).Databases); n != 3 {
		t.Errorf("%d databases are set out", n)
	}
}
