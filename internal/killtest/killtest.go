// Package killtest kills a handler before and after each of its calls to the outside, and compares
// what comes of it with an undisturbed run. And it runs several at once, interleaved call by call.
//
// A killed handler runs on to its end here, but nothing that it does takes effect any more: that is
// all that the outside ever sees of a killed process.
package killtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ErrKilled is what every call of a killed handler answers.
var ErrKilled = errors.New("the process is dead")

// Call makes one call to the outside, or keeps it from being made. The doubles of this package make
// all their calls by one.
type Call func(operation string, do func() error) error

// Life is the life of a process that handles messages. It may be used by many at once.
type Life struct {
	mu    sync.Mutex
	at    int  // the call at which it is killed, from 1; 0: never
	after bool // that call takes effect, and its reply is lost
	made  []string
	dead  bool
}

// Call is a Call.
func (l *Life) Call(operation string, do func() error) error {
	last, dead := l.begin(operation)
	if dead {
		return ErrKilled
	}
	err := do()
	if last {
		l.mu.Lock()
		l.dead = true
		l.mu.Unlock()
		return ErrKilled
	}
	return err
}

func (l *Life) begin(operation string) (last, dead bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return false, true
	}
	l.made = append(l.made, operation)
	last = len(l.made) == l.at
	if last && !l.after {
		l.dead = true
	}
	return last, l.dead
}

// Deliver delivers a message. If that kills the handler, the message is delivered once more, to a
// process that lives on.
func (l *Life) Deliver(deliver func() error) error {
	err := deliver()
	l.mu.Lock()
	killed := l.dead
	if killed {
		l.dead, l.at = false, 0
	}
	l.mu.Unlock()
	if killed {
		return deliver()
	}
	return err
}

// EveryCall runs a scenario undisturbed, and then killed before and after each of the calls that it
// made. A scenario makes its own world, delivers its messages by Life.Deliver, and gives the
// outcome, which must be the same each time.
func EveryCall[T any](t *testing.T, scenario func(t *testing.T, life *Life) T, options ...cmp.Option) {
	t.Helper()
	undisturbed := &Life{}
	want := scenario(t, undisturbed)
	if len(undisturbed.made) == 0 {
		t.Fatal("the scenario makes no calls")
	}
	for i, operation := range undisturbed.made {
		for _, after := range []bool{false, true} {
			when := map[bool]string{false: "before", true: "after"}[after]
			t.Run(fmt.Sprintf("killed %s call %d, %s", when, i+1, operation), func(t *testing.T) {
				got := scenario(t, &Life{at: i + 1, after: after})
				if diff := cmp.Diff(want, got, options...); diff != "" {
					t.Errorf("outcome (-undisturbed +killed):\n%s", diff)
				}
			})
		}
	}
}

// answer makes a call that gives something. What a failed call gives is nothing.
func answer[T any](call Call, operation string, do func() (T, error)) (T, error) {
	var given T
	err := call(operation, func() (err error) {
		given, err = do()
		return err
	})
	if err != nil {
		var nothing T
		return nothing, err
	}
	return given, nil
}
