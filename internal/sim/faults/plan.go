package faults

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Kind is a kind of what happens besides what the functions do.
type Kind string

// What goes wrong.
const (
	Killed    Kind = "killed"    // a process dies before a call
	Orphaned  Kind = "orphaned"  // one that dies has sent the call, which takes effect later
	Refused   Kind = "refused"   // a call fails
	Lost      Kind = "lost"      // a call takes effect, and its reply is lost
	Stalled   Kind = "stalled"   // a call takes long
	Doubled   Kind = "doubled"   // a message is delivered twice
	Late      Kind = "late"      // a message or an event comes late
	Apart     Kind = "apart"     // a function's clock is seconds off
	Unstacked Kind = "unstacked" // a stack fails
	Ailing    Kind = "ailing"    // a host answers nobody for a while
	Ringing   Kind = "ringing"   // an alarm of a host is on for a while
	Taskless  Kind = "taskless"  // a task fails, dies or is never heard of
	Broken    Kind = "broken"    // a function fails whatever it is given, for a while
	Squeezed  Kind = "squeezed"  // the account may have little, or others take of it
	Blackout  Kind = "blackout"  // a zone fails with all of its hosts, and comes back
	Wrecked   Kind = "wrecked"   // a gateway's machine is lost, with its cache disk or without
	Crossed   Kind = "crossed"   // a host fails at which something is under way
	Fainting  Kind = "fainting"  // a host ails as soon as it has done something, and its answer is lost
)

// What people do.
const (
	SignUp Kind = "signup" // somebody new signs up
	Again  Kind = "again"  // somebody signs up again, as before or otherwise
	Rush   Kind = "rush"   // many sign up at once
	Haste  Kind = "haste"  // somebody asks for the same several times within a moment
	Leave  Kind = "leave"  // somebody leaves
	Undo   Kind = "undo"   // somebody who leaves wants to stay
	Return Kind = "return" // somebody who left comes back
	Move   Kind = "move"   // somebody wants other addresses

	Write     Kind = "write"     // somebody writes
	Restore   Kind = "restore"   // somebody wants back what was
	Unrestore Kind = "unrestore" // somebody wants what was before that
	Rehost    Kind = "rehost"    // operators move somebody to another host

	Policy  Kind = "policy"  // the policies change
	Stop    Kind = "stop"    // the stop switch is thrown
	Ambush  Kind = "ambush"  // it is thrown at the very moment at which something of its sort is to be done, and that fails
	PutBack Kind = "putback" // the table is put back to an earlier time, or lost, and recovered
	Word    Kind = "word"    // an operator gives the word that a repair asks for
	Request Kind = "request" // an operator wants something of a host
)

// kinds are all kinds.
var kinds = []Kind{Killed, Orphaned, Refused, Lost, Stalled, Doubled, Late, Apart, Unstacked, Ailing, Ringing, Taskless, Broken, Squeezed, Blackout, Wrecked, Crossed, Fainting, SignUp, Again, Rush, Haste, Leave, Undo, Return, Move, Write, Restore, Unrestore, Rehost, Policy, Stop, Ambush, Word, PutBack, Request}

// Plan says what is simulated. The same plan comes to the same.
type Plan struct {
	Seed  uint64
	Days  float64      // in which something happens; after these it is waited until all has come to rest
	Most  map[Kind]int // kinds that come so often at most
	Trace bool         // what happens is kept
	About string       // of that, only what this stands in
}

// String words a plan as ParsePlan reads it, such as "seed=7 days=0.5 late=0 killed=2".
func (p Plan) String() string {
	words := []string{fmt.Sprintf("seed=%d", p.Seed), fmt.Sprintf("days=%g", p.Days)}
	for _, k := range slices.Sorted(maps.Keys(p.Most)) {
		words = append(words, fmt.Sprintf("%s=%d", k, p.Most[k]))
	}
	return strings.Join(words, " ")
}

// ParsePlan reads a plan.
func ParsePlan(text string) (Plan, error) {
	p := Plan{Days: 1, Most: map[Kind]int{}}
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "seed":
			p.Seed, err = strconv.ParseUint(value, 10, 64)
		case "days":
			p.Days, err = strconv.ParseFloat(value, 64)
		default:
			if !slices.Contains(kinds, Kind(name)) {
				return p, fmt.Errorf("%q in the plan %q is none of %v", name, text, kinds)
			}
			p.Most[Kind(name)], err = strconv.Atoi(value)
		}
		if err != nil {
			return p, fmt.Errorf("read %q of the plan %q: %w", word, text, err)
		}
	}
	return p, nil
}

// limited is the plan with a kind that comes so often at most.
func (p Plan) limited(k Kind, most int) Plan {
	p.Most = maps.Clone(p.Most)
	if p.Most == nil {
		p.Most = map[Kind]int{}
	}
	p.Most[k] = most
	return p
}
