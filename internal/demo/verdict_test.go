package demo

import (
	"errors"
	"strings"
	"testing"
)

func TestOneProofThatFailsFailsTheRun(t *testing.T) {
	for name, test := range map[string]struct {
		proofs []Proof
		err    string
		said   string
	}{
		"all hold":  {[]Proof{{What: "a"}, {What: "b"}}, "", "2 of 2 held"},
		"one fails": {[]Proof{{What: "a"}, {What: "b", Err: errors.New("let in")}}, "1 of 2 proofs failed", "FAILED  b: let in"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			err := NewPrinter(&out).verdict(test.proofs)
			said := ""
			if err != nil {
				said = err.Error()
			}
			if said != test.err {
				t.Errorf("verdict: %v", err)
			}
			if !strings.Contains(out.String(), test.said) {
				t.Errorf("it says %q", out.String())
			}
		})
	}
}
