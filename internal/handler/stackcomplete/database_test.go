package stackcomplete

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func TestMasterPasswordThatWasRotatedIsReadAgain(t *testing.T) {
	for _, test := range []struct {
		name  string
		stale int
		fails bool
	}{
		{"rotated between reading and logging in", 1, false},
		{"wrong both times", 2, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, &killtest.Life{}, 0)
			id, stack := w.order(dbPool, 3)
			w.databases.stale = test.stale
			w.must(w.handle(w.finish(stack, types.StackStatusCreateComplete, ""), 1))
			if h := w.host(id); strings.Contains(h.Error, pool.ErrLogin.Error()) != test.fails || w.databases.stale != 0 {
				t.Errorf("error %q at %s, %d reads left", h.Error, h.Step, w.databases.stale)
			}
			w.drain()
			if h := w.host(id); h.State != pool.HostInService {
				t.Errorf("host is %s", h.State)
			}
		})
	}
}

// The deadline of an invocation need not be by the clock that deadlines of steps are by.
func TestTimeLeftIsNotByTheHandlersClock(t *testing.T) {
	deadline := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	for left, want := range map[time.Duration]bool{reserve - 1: false, reserve + 1: true} {
		h := &Handler{Config{
			Now:   func() time.Time { return deadline.Add(24 * time.Hour) },
			Until: func(time.Time) time.Duration { return left },
		}}
		if got := h.timeLeft(ctx); got != want {
			t.Errorf("with %s left another step is begun: %v", left, got)
		}
	}
}
