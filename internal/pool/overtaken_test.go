package pool_test

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/pool"
)

// A tenant was moved by itself. What a person had asked for shortly before, and was not heard of, comes too late, and is told from what
// was heard of, and comes again.
func TestWhatAMoveByItselfHasOvertakenIsKnown(t *testing.T) {
	at := func(seconds int) time.Time { return restoreNow.Add(time.Duration(seconds) * time.Second) }
	move := func(message string, sent time.Time, auto bool) pool.Restoration {
		return pool.Restoration{Move: true, Auto: auto, Database: someTenant.Database, Reason: "its host is drained", Message: message, RequestedAt: sent}
	}
	ended := func(r pool.Restoration) pool.Restoration {
		r.State, r.Step = pool.RestorationRestored, ""
		return r
	}
	first := ended(begunRestoration(t, pool.Restoration{}, askedRestore("m1", at(0))))
	first.UndoneAt = at(10)
	auto := begunRestoration(t, first, move("a1", at(100), true))
	again := begunRestoration(t, ended(auto), move("a2", at(200), true)) // and once more
	for name, test := range map[string]struct {
		last, asked pool.Restoration
		err         error
		fresh       bool
	}{
		"a restore of between":             {ended(auto), askedRestore("m2", at(50)), pool.ErrOvertaken, false},
		"one while it moves":               {auto, askedRestore("m2", at(50)), pool.ErrOvertaken, false},
		"one of the same moment":           {ended(auto), askedRestore("m2", at(100)), pool.ErrOvertaken, false},
		"one of before two moves":          {again, askedRestore("m2", at(50)), pool.ErrOvertaken, false},
		"another move of between":          {ended(auto), move("m2", at(50), false), pool.ErrOvertaken, false},
		"the same move, while it moves":    {auto, move("m2", at(50), false), nil, false},
		"what was done before, again":      {ended(auto), askedRestore("m1", at(0)), nil, false},
		"what was before the undo":         {ended(auto), askedRestore("m0", at(5)), nil, false},
		"what is asked for afterwards":     {ended(auto), askedRestore("m2", at(101)), nil, true},
		"a decision of before":             {ended(auto), move("a0", at(50), true), nil, false},
		"a restore that a person overtook": {ended(begunRestoration(t, first, move("m2", at(100), false))), askedRestore("m3", at(50)), nil, false},
	} {
		if _, fresh, err := pool.BeginRestoration(test.last, test.asked, someTenant, "x", "y", "z", at(300)); !errors.Is(err, test.err) || fresh != test.fresh {
			t.Errorf("%s: fresh %v, %v", name, fresh, err)
		}
	}
	if !again.Personal.Equal(at(10)) || !begunRestoration(t, pool.Restoration{}, move("a1", at(100), true)).Overtook(at(1)) {
		t.Errorf("people asked for something last at %s", again.Personal)
	}
}
