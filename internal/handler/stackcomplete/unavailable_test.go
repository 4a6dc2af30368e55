package stackcomplete

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func TestAHostWhoseShareReachesNoBucketSaysWhichAndAsWhom(t *testing.T) {
	for _, missing := range []string{"arn:aws:iam::123456789012:role/role-02", "arn:aws:s3:::bucket-02"} {
		t.Run(missing, func(t *testing.T) {
			w := newWorld(t, &killtest.Life{}, 0)
			w.gateways.Missing = map[string]bool{missing: true}
			id, stack := w.order(sharePool, 3)
			w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
			for range 30 {
				at, ok := w.steps.Next()
				if !ok {
					t.Fatal("nobody looks any more")
				}
				w.now = at
				d, _ := w.steps.Receive(time.Hour)
				w.deliver(d.Body)
				w.steps.Delete(d.ID)
			}
			h := w.host(id)
			if h.Step != pool.StepAvailable || !strings.Contains(h.Error, "UNAVAILABLE") ||
				!strings.Contains(h.Error, "role/role-02") || !strings.Contains(h.Error, "bucket-02") {
				t.Fatalf("at step %s it says %q", h.Step, h.Error)
			}
			w.gateways.Missing = nil // it is there now
			w.drain()
			if h := w.host(id); h.State != pool.HostInService {
				t.Errorf("host is %s at %s", h.State, h.Step)
			}
		})
	}
}
