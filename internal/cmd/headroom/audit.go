package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// newAudit is `headroom audit`.
func newAudit() *cobra.Command {
	var f operator.AuditFilter
	var verify bool
	return verb{
		use: "audit [flags]", short: "Show who had what changed, and what was destroyed.",
		long:    "Show who had what changed, as SQS knows the sender of the message, and what\nHeadroom destroyed. Lines are added, and never changed or taken away. Each is\ncopied, within a quarter of an hour, to where nobody can delete it: with\n--verify they are held against their copies, and status 8 says that one was\nchanged, taken away, or is not copied though it should be.",
		example: "  headroom audit --days 7 --of acme\n  headroom audit --days 400 --verify", args: noArguments,
		flags: func(flags *pflag.FlagSet) {
			flags.IntVar(&f.Days, "days", 1, "Today, and so many days before.")
			flags.StringVar(&f.Of, "of", "", "Only of hosts, tenants and departures whose names have this in them.")
			flags.StringVar(&f.Who, "who", "", "Only by those who have this in their names.")
			flags.BoolVar(&verify, "verify", false, "Hold the lines of these days against their copies, in place of showing them.")
		},
		check: func([]string) error {
			if f.Days < 0 || f.Days > operator.AuditMost {
				return fmt.Errorf("--days is %d, and must be from 0 to %d", f.Days, operator.AuditMost)
			}
			if verify && f.Of+f.Who != "" {
				return errors.New("--verify is about whole days: leave out --of and --who")
			}
			return nil
		},
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			if verify {
				return verifyAudit(ctx, o, f.Days)
			}
			copied, err := o.AuditCopied(ctx)
			if err != nil {
				return answer{}, err
			}
			lines, err := o.Audit(ctx, f)
			return answer{data: map[string]any{"audit": list(lines), "copiedUpTo": copied}, show: func(p *page) {
				var rows [][]string
				for _, l := range lines {
					who := dash(l.Who)
					if l.Named != "" && l.Named != l.Who {
						who += " as " + l.Named
					}
					rows = append(rows, []string{at(l.At), l.What, l.Of, dash(l.With), who, l.Why})
				}
				p.table("Nothing is on record.", []string{"AT", "WHAT", "OF", "WITH", "WHO", "WHY"}, rows)
				if copied == nil {
					p.text("Nothing of it is copied yet.")
				} else {
					p.text("It is copied up to %s.", p.when(*copied))
				}
			}}, err
		},
	}.command()
}

// verifyAudit holds the audit against its copies.
func verifyAudit(ctx context.Context, o *operator.Operator, days int) (answer, error) {
	proof, err := o.VerifyAudit(ctx, days)
	if err != nil {
		return answer{}, err
	}
	a := answer{data: proof, show: func(p *page) { showProof(p, proof) }}
	if !proof.Well() {
		a.err = unwell{errors.New("the audit and its copies differ")}
	}
	return a, nil
}

func showProof(p *page, proof operator.AuditProof) {
	p.fact("As copied", fmt.Sprint(proof.Copied))
	p.fact("Not copied yet", fmt.Sprint(proof.Fresh))
	if len(proof.Late) > 0 {
		p.heading("Not copied, though they are older than what was copied: if it stays so, copying fails")
		for _, l := range proof.Late {
			p.item(at(l.At) + " " + l.What + " " + l.Of)
		}
	}
	if len(proof.Lost) > 0 {
		p.heading("Changed or taken away since they were copied: the copies have them as they were")
		for _, key := range proof.Lost {
			p.item(key)
		}
	}
}
