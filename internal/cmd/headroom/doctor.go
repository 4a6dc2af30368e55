package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"headroom/internal/operator"
)

// newDoctor is `headroom doctor`.
func newDoctor() *cobra.Command {
	return verb{
		use: "doctor [flags]", short: "Look closely; status 8 says that something needs a person.",
		long: "Look closely: at all that status does, and whether hosts, tenants and counters\nsay the same. It reads the whole table. What AWS has and the ledger does not\nknow of, it does not look at.",
		args: noArguments,
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			d, err := o.Doctor(ctx)
			if err != nil {
				return answer{}, err
			}
			a := answer{data: d, show: func(p *page) { showDiagnosis(p, d) }}
			if len(d.Needs) > 0 {
				a.err = unwell{errors.New("something needs a person")}
			}
			return a, nil
		},
	}.command()
}

func showDiagnosis(p *page, d operator.Diagnosis) {
	p.heading("Looked at")
	for _, l := range d.Looked {
		found := p.in(green, "well")
		if l.Found > 0 {
			found = p.in(red, "needs somebody")
		}
		p.item(l.At + ": " + found)
	}
	if len(d.Needs) == 0 {
		return
	}
	p.heading("What needs a person")
	for _, n := range d.Needs {
		p.item(n.What)
		p.WriteString("      " + n.Do + "\n")
	}
}
