package recovery

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
	plans "headroom/internal/pool/recovery"
)

// atOnce has a message handled, and another one whole before, or after, the n-th call that is made for the first. What fails is
// delivered again, as SQS does, the first one first. It reports whether the first made so many calls.
func (w *world) atOnce(t *testing.T, first, second events.Delivery, n int, after bool) bool {
	t.Helper()
	calls, failed := 0, []events.Delivery{}
	between := func() {
		if err := w.handler(t, undisturbed).Message(t.Context(), second); err != nil {
			failed = append(failed, second)
		}
	}
	err := w.handler(t, func(_ string, call func() error) error {
		calls++
		if calls != n {
			return call()
		}
		if !after {
			between()
			return call()
		}
		err := call()
		between()
		return err
	}).Message(t.Context(), first)
	if err != nil {
		failed = append([]events.Delivery{first}, failed...)
	}
	for tries := 0; len(failed) > 0; tries++ {
		if tries > 10 {
			t.Fatalf("%s is never done", failed[0].ID)
		}
		d := failed[0]
		failed = failed[1:]
		w.now = w.now.Add(time.Second)
		if err := w.handler(t, undisturbed).Message(t.Context(), d); err != nil {
			failed = append(failed, d)
		}
	}
	return calls >= n
}

// honest says how the recovery's record differs from what the hosts are; empty: it does not.
func (w *world) honest(t *testing.T) string {
	t.Helper()
	r, err := w.ledger.Recovery(t.Context())
	must(t, err)
	for _, id := range []pool.HostID{dbHost, shHost} {
		host, err := w.ledger.Host(t.Context(), id)
		if errors.Is(err, pool.ErrNotFound) {
			continue
		}
		must(t, err)
		switch held := host.ByHand == pool.RecoveryHold; {
		case !r.HeldAt.IsZero() && !held:
			return fmt.Sprintf("it is held since %s, and host %s is %s", r.HeldAt, id, host.State)
		case r.HeldAt.IsZero() && held:
			return fmt.Sprintf("nothing is held, and host %s is", id)
		case r.Freeing:
			return "it frees hosts still"
		}
	}
	return ""
}

// Two things are asked for at once, and one is done whole in the middle of the other, whichever was asked for first: the record says
// what is so when both are done.
func TestWhatIsAskedForAtOnceInterleavedAtEachCall(t *testing.T) {
	actions := []string{events.RecoverApply, events.RecoverHold, events.RecoverDrop, events.RecoverLook}
	for _, first := range actions {
		for _, second := range actions {
			for _, order := range []time.Duration{-time.Second, time.Second} {
				for _, known := range []bool{true, false} {
					t.Run(fmt.Sprint(first, ", then ", second, " of ", order, known), func(t *testing.T) {
						for n, more := 1, true; more; n++ {
							for _, after := range []bool{false, true} {
								w := newWorld(t, known)
								w.stop(t)
								w.ask(t, events.RecoverHold)
								w.now = w.now.Add(plans.Rest)
								w.ask(t, events.RecoverLook)
								w.now = w.now.Add(time.Minute)
								at := func(id, action string, at time.Time) events.Delivery {
									return events.Delivery{ID: id, Body: w.body(t, action), SentAt: at}
								}
								more = w.atOnce(t, at("first", first, w.now), at("second", second, w.now.Add(order)), n, after)
								if why := w.honest(t); why != "" {
									r, _ := w.ledger.Recovery(t.Context())
									t.Errorf("at call %d, %t: %s; it came to %q by %s\n%s", n, after, why, r.Came, r.Message, w.state(t))
								}
								if first == events.RecoverApply && second == events.RecoverApply && !strings.HasPrefix(strings.ReplaceAll(w.state(t), "offered", "free"), strings.Split(recovered, "<nil>; 1 hosts")[0]) {
									t.Errorf("at call %d, %t: two applies came to\n%s", n, after, w.state(t))
								}
								if t.Failed() {
									return
								}
							}
						}
					})
				}
			}
		}
	}
}
