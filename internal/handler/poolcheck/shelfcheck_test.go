package poolcheck

import (
	"context"
	"errors"
	"testing"

	"headroom/events"
	"headroom/internal/pool"
)

func TestALookAtAShelfIsAtNothingElse(t *testing.T) {
	const asked = `{"version":"1","type":"ShelfCheck","tier":"standard"}`
	const whole = `{"version":"1","type":"PoolCheck","reason":"test"}`
	for name, test := range map[string]struct {
		bodies []string
		orders bool // the pools are looked at, and a host is ordered
	}{
		"a shelf":                  {[]string{asked, asked}, false},
		"a shelf, and a pool":      {[]string{asked, whole}, true},
		"what is not to be read":   {[]string{`{"type":"ShelfCheck","tier":5}`}, true},
		"a name spelt otherwise":   {[]string{`{"version":"1","type":"ShelfCheck","TIER":"standard"}`}, true},
		"what is of another sort":  {[]string{"not JSON"}, true},
		"a tier that there is not": {[]string{`{"version":"1","type":"ShelfCheck","tier":"gold"}`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.add(databases, 3)
			w.add(shares, 3)
			w.want(databases, func(p *pool.Policy) { p.BufferSlots = 4 })
			calls := map[string]int{}
			h := w.handler(func(operation string, do func() error) error { calls[operation]++; return do() })
			var all []events.Delivery
			for _, body := range test.bodies {
				all = append(all, events.Delivery{ID: "m", Body: body})
			}
			w.must(h.Messages(context.Background(), all))
			if got := w.stacks.Count() > 0; got != test.orders {
				t.Errorf("a host was ordered: %v", got)
			}
			if set := len(w.shelf().Databases); (set > 0) != (name != "a tier that there is not") {
				t.Errorf("%d databases are set out", set)
			}
			if looked := calls["OverdueHosts"] > 0; looked != test.orders {
				t.Errorf("what is overdue was looked at: %v", looked)
			}
		})
	}
}

func TestALookAtAShelfThatFailsComesAgain(t *testing.T) {
	w := newWorld(t)
	w.add(databases, 3)
	w.add(shares, 3)
	broken := errors.New("broken")
	w.fail["BeginRefill"] = broken
	all := []events.Delivery{{ID: "m", Body: `{"version":"1","type":"ShelfCheck","tier":"standard"}`}}
	if err := w.handler(undisturbed).Messages(t.Context(), all); !errors.Is(err, broken) {
		t.Errorf("answered %v", err)
	}
	delete(w.fail, "BeginRefill")
	w.must(w.handler(undisturbed).Messages(t.Context(), all))
	if len(w.shelf().Databases) != 3 {
		t.Errorf("%d databases are set out", len(w.shelf().Databases))
	}
}
