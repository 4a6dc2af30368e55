package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"headroom/internal/operator"
)

// newDoctor is `headroom doctor`.
func newDoctor() *cobra.Command {
	return verb{
		use: "doctor [flags]", short: "Look closely; status 8 says that something needs a person.",
		long: "Look closely: at all that status does, whether hosts, tenants and counters\nsay the same, and whether AWS has what the ledger says, and nothing else that\nbears our marks. It reads the whole table, and changes nothing. What it could\nnot look at is said, and counts as something that needs a person.",
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
		switch {
		case l.Blind != "":
			found = p.in(red, "could not look")
		case l.Found > 0:
			found = p.in(red, "needs somebody")
		}
		p.item(l.At + ": " + found)
	}
	if len(d.Needs) == 0 {
		p.heading("Nothing needs a person.")
	}
	showNeeds(p, "What needs a person", d.Needs)
	showNeeds(p, "Worth knowing", d.Notes)
}

func showNeeds(p *page, heading string, needs []operator.Need) {
	if len(needs) == 0 {
		return
	}
	p.heading(heading)
	for _, n := range needs {
		what := n.What
		if n.Severity != "" {
			what += " (" + strings.TrimPrefix(n.Verdict+", ", ", ") + n.Severity + ")"
		}
		p.item(what)
		p.WriteString("      " + n.Do + "\n")
		if n.Runbook != "" {
			p.WriteString("      " + n.Runbook + "\n")
		}
	}
}
