package pool

import (
	"fmt"
	"time"

	"headroom/events"
)

// Terms are what an operator wants of all tenants of a stage that leave or move, and of hosts: how long each thing lasts. They can
// be changed while the stage runs; what is under way keeps those that it began with.
type Terms struct {
	Grace     Term `json:"grace"`     // from a departure's request on it can be undone so long; a request may ask for another
	GraceMost Term `json:"graceMost"` // that a request may ask for
	CoolDown  Term `json:"coolDown"`  // a slot rests so long after it was scrubbed and proven clean
	Retain    Term `json:"retain"`    // an archive can't be deleted for so long after it was verified
	Change    Term `json:"change"`    // a change of addresses that has not ended after so long is told to people
	Steady    Term `json:"steady"`    // a host's alarms are over for so long before it takes tenants again; longer if it flaps
}

// Refusal is why a request may not have a grace; nil: it may.
func (t Terms) Refusal(grace time.Duration) *events.FieldError {
	if most := time.Duration(t.GraceMost); grace > most {
		return &events.FieldError{Field: "grace", Reason: "is longer than the policy's graceMost, " + most.String()}
	}
	return nil
}

// DefaultTerms hold where a policy document says nothing.
var DefaultTerms = Terms{
	Grace: Term(72 * time.Hour), GraceMost: Term(30 * 24 * time.Hour), CoolDown: Term(24 * time.Hour),
	Retain: Term(365 * 24 * time.Hour), Change: Term(24 * time.Hour),
	Steady: Term(5 * time.Minute),
}

const (
	termMost   = 60 * 24 * time.Hour       // the longest term; the ledger's timers and messages are made for it
	retainMost = 10 * 365 * 24 * time.Hour // the longest retention
	// steadyTermMost is the longest that a host is waited for after its first alarm: one that flaps is for longer.
	steadyTermMost = time.Hour
)

// Term is a duration that is written as Go writes it, such as "72h" or "30m".
type Term time.Duration

// MarshalText writes "72h0m0s".
func (t Term) MarshalText() ([]byte, error) { return []byte(time.Duration(t).String()), nil }

// UnmarshalText reads a duration as time.ParseDuration does.
func (t *Term) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration such as \"72h\"", text)
	}
	*t = Term(d)
	return nil
}

// check returns what is wrong with terms, every reason.
func (t Terms) check() []error {
	var errs []error
	within := func(name string, term Term, least, most time.Duration) {
		if d := time.Duration(term); d < least || d > most {
			errs = append(errs, fmt.Errorf("terms: %s is %s, not %s to %s", name, d, least, most))
		}
	}
	within("grace", t.Grace, 0, termMost)
	within("graceMost", t.GraceMost, time.Duration(t.Grace), termMost)
	within("coolDown", t.CoolDown, 0, termMost)
	within("retain", t.Retain, time.Minute, retainMost)
	within("change", t.Change, time.Minute, termMost)
	within("steady", t.Steady, 0, steadyTermMost)
	return errs
}
