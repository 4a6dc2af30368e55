package demo

import (
	"errors"
	"strings"
	"testing"
)

func TestProofsAreCountedByKindAndFailuresNamed(t *testing.T) {
	letIn := errors.New("let in")
	for name, test := range map[string]struct {
		proofs []Proof
		err    string
		said   string
	}{
		"all hold": {
			[]Proof{{Kind: "own", What: "a"}, {Kind: "foreign", What: "a at b"}, {Kind: "own", What: "b"}},
			"",
			`
   holds   2 of 2  own
   holds   1 of 1  foreign

3 of 3 held
`,
		},
		"some fail": {
			[]Proof{{Kind: "own", What: "a"}, {Kind: "foreign", What: "a at b", Err: letIn}, {Kind: "foreign", What: "b at c"}, {Kind: "foreign", What: "c at a", Err: letIn}},
			"2 of 4 proofs failed",
			`
   holds   1 of 1  own
   FAILED  1 of 3  foreign
           a at b: let in
           c at a: let in

2 of 4 held
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			said := ""
			if err := NewPrinter(&out).verdict(test.proofs); err != nil {
				said = err.Error()
			}
			if said != test.err {
				t.Errorf("the error is %q", said)
			}
			if out.String() != test.said[1:] {
				t.Errorf("it says\n%s", out.String())
			}
		})
	}
}
