package demo

import (
	"fmt"
)

// verdict shows how many of each kind of proof held, and each that did not; the error says that one did not.
func (p *Printer) verdict(proofs []Proof) error {
	var kinds []string // in the order in which they were first tried
	tried, failed := map[string]int{}, map[string][]Proof{}
	failures := 0
	for _, proof := range proofs {
		if tried[proof.Kind] == 0 {
			kinds = append(kinds, proof.Kind)
		}
		tried[proof.Kind]++
		if proof.Err != nil {
			failed[proof.Kind] = append(failed[proof.Kind], proof)
			failures++
		}
	}
	digits := len(fmt.Sprint(len(proofs)))
	for _, kind := range kinds {
		word, in := "holds ", green
		if len(failed[kind]) > 0 {
			word, in = "FAILED", red
		}
		count := fmt.Sprintf("%*d of %*d", digits, tried[kind]-len(failed[kind]), digits, tried[kind])
		p.print(fmt.Sprintf("   %s  %s  %s\n", p.screen.in(in, word), count, p.screen.fold(kind, 3+len(word)+2+len(count)+2)))
		for _, proof := range failed[kind] {
			p.print("           " + p.screen.fold(fmt.Sprintf("%s: %v", proof.What, proof.Err), 11) + "\n")
		}
	}
	p.print(fmt.Sprintf("\n%d of %d held\n", len(proofs)-failures, len(proofs)))
	if failures > 0 {
		return fmt.Errorf("%d of %d proofs failed", failures, len(proofs))
	}
	return nil
}
