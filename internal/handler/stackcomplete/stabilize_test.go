package stackcomplete

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

func TestAHostServesOnceAllItsSharesDo(t *testing.T) {
	w := newWorld(t, &killtest.Life{}, 3)
	id, stack := w.order(sharePool, 3)
	w.deliver(w.finish(stack, types.StackStatusCreateComplete, ""))
	for range 200 {
		if _, ok := w.steps.Next(); !ok {
			break
		}
		w.now, _ = w.steps.Next()
		d, _ := w.steps.Receive(w.now.Sub(start) + 1)
		w.deliver(d.Body)
		w.steps.Delete(d.ID)
		if w.host(id).State == pool.HostInService {
			break
		}
	}
	var ids []string
	for _, share := range w.gateways.Shares() {
		ids = append(ids, share.ID)
	}
	status, err := w.handler.Gateways.Shares(t.Context(), w.host(id).Access.Gateway, ids)
	w.must(err)
	for _, id := range ids {
		if status[id] != "AVAILABLE" {
			t.Errorf("in service while a share is %q", status[id])
		}
	}
}

// scripted answers Running as it is told; true is a good answer.
type scripted struct {
	gateways
	answers []bool
}

func (s *scripted) Running(context.Context, string) error {
	good := s.answers[0]
	s.answers = s.answers[1:]
	if good {
		return nil
	}
	return pool.ErrUnreachable
}

func TestAGatewayIsStableAfterSixGoodAnswersInARow(t *testing.T) {
	const good, bad = true, false
	for name, answers := range map[string][]bool{
		"it never reboots":            {good, good, good, good, good, good},
		"it reboots at the last look": {good, good, good, good, good, bad, good, good, good, good, good, good},
		"it is down at first":         {bad, bad, good, good, good, good, good, good},
		"it reboots twice":            {good, bad, good, good, bad, good, good, good, good, good, good},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, &killtest.Life{}, 0)
			id, _ := w.order(sharePool, 1)
			script := &scripted{answers: answers}
			w.handler.Gateways = script
			host := pool.Begin(w.host(id), pool.StepStabilize, w.now)
			for range answers {
				if host.Step != pool.StepStabilize {
					t.Fatalf("stable with %d answers to come", len(script.answers))
				}
				p, err := w.handler.stabilize(t.Context(), host)
				w.must(err)
				host = p.Record
			}
			if host.Step != pool.StepAlarms {
				t.Errorf("still at step %s", host.Step)
			}
		})
	}
}
