package poolcheck

import (
	"context"
	"fmt"
	"testing"

	"headroom/events"
	"headroom/internal/pool"
)

// contended is a shelf at which something always comes first.
type contended struct{ err error }

func (c contended) Reconcile(context.Context, pool.Tier) error { return c.err }

func TestAShelfThatOthersAreAtIsLeftToThem(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		fail bool
	}{
		"others are first": {fmt.Errorf("others keep being first: %w", pool.ErrConflict), false},
		"it can't be read": {errNotNow, true},
		"nobody is at it":  {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			h := w.handler(undisturbed)
			h.Shelf = contended{test.err}
			if err := h.Check(t.Context()); (err != nil) != test.fail {
				t.Errorf("the check says %v", err)
			}
			body := `{"version":"1","type":"ShelfCheck","tier":"standard"}`
			if err := h.Messages(t.Context(), []events.Delivery{{ID: "1", Body: body}}); (err != nil) != test.fail {
				t.Errorf("a shelf's check says %v", err)
			}
		})
	}
}
