package killtest

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// effects is a world that keeps what took effect.
type effects []string

func (e *effects) make(call Call, operations ...string) error {
	for _, o := range operations {
		if err := call(o, func() error { *e = append(*e, o); return nil }); err != nil {
			return err
		}
	}
	return nil
}

func TestEveryCallIsKilledBeforeAndAfter(t *testing.T) {
	var runs []string
	EveryCall(t, func(_ *testing.T, life *Life) string {
		var e effects
		deliveries := 0
		err := life.Deliver(func() error { deliveries++; return e.make(life.Call, "a", "b") })
		if err != nil {
			t.Error(err)
		}
		runs = append(runs, strings.Join(e, ""))
		return "the same"
	})
	if want := []string{"ab", "ab", "aab", "aab", "abab"}; !slices.Equal(runs, want) {
		t.Errorf("effects of the runs: %v, want %v", runs, want)
	}
}

func TestNothingThatADeadProcessDoesTakesEffect(t *testing.T) {
	var e effects
	life := &Life{at: 1, after: true}
	first := true
	err := life.Deliver(func() error {
		if !first {
			return nil
		}
		first = false
		for range 3 {
			if err := e.make(life.Call, "a"); !errors.Is(err, ErrKilled) {
				t.Errorf("got %v", err)
			}
		}
		return nil
	})
	if err != nil || len(e) != 1 {
		t.Errorf("effects %v, %v", e, err)
	}
}

func TestProcessesMoveOneCallAtATime(t *testing.T) {
	var e effects
	var s Schedule
	s.Start(func(call Call) error { return e.make(call, "a1", "a2") })
	s.Start(func(call Call) error { return e.make(call, "b1", "b2") })
	s.Start(func(Call) error { return errors.New("ended before any call") })
	if s.Running() != 2 || s.Next(0) != "a1" || s.Next(1) != "b1" || len(e) != 0 {
		t.Fatalf("%d running, before %s and %s, effects %v", s.Running(), s.Next(0), s.Next(1), e)
	}
	for _, i := range []int{1, 0, 1} {
		if ended, err := s.Step(i); err != nil || ended != (i == 1 && len(e) == 3) {
			t.Errorf("ended %v, %v", ended, err)
		}
	}
	s.Kill(0)
	if got := strings.Join(e, " "); got != "b1 a1 b2" || s.Running() != 0 {
		t.Errorf("effects %s, %d running", got, s.Running())
	}
}
