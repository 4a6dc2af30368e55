package stackcomplete

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/killtest"
)

func TestAFailedHostsStackIsOnRecordBeforeItIsDeleted(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 0)
	id, stack := w.order(sharePool, 3)
	w.must(w.handle(w.finish(stack, types.StackStatusRollbackComplete, "no capacity"), 1))
	w.drain()
	lines, err := w.ledger.Audits(t.Context(), w.now)
	w.must(err)
	h := w.host(id)
	if len(lines) != 1 || lines[0].What != "destroyed stack" || lines[0].Of != h.Stack.Name || !strings.Contains(lines[0].Why, "no capacity") || !strings.HasPrefix(lines[0].Message, string(id)) {
		t.Errorf("host is %s at %q, and on record is %+v", h.State, h.Step, lines)
	}
}
