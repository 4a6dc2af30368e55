package stackcomplete

import (
	"errors"
	"testing"

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
			done := w.finish(stack, types.StackStatusCreateComplete, "")
			err := w.handle(done, 1)
			for err == nil && w.host(id).Step == pool.StepHarden {
				d, ok := w.steps.Receive(0)
				if !ok {
					t.Fatal("no message goes on with it")
				}
				err = w.handle(d.Body, 1)
				w.steps.Delete(d.ID)
			}
			if errors.Is(err, pool.ErrLogin) != test.fails || w.databases.stale != 0 {
				t.Errorf("error %v, %d reads left", err, w.databases.stale)
			}
		})
	}
}
