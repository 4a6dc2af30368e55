package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// newAudit is `headroom audit`.
func newAudit() *cobra.Command {
	var f operator.AuditFilter
	return verb{
		use: "audit [flags]", short: "Show who had what changed, and what was destroyed.",
		long:    "Show who had what changed, as SQS knows the sender of the message, and what\nHeadroom destroyed. Lines are added, and never changed or taken away.",
		example: "  headroom audit --days 7 --of acme", args: noArguments,
		flags: func(flags *pflag.FlagSet) {
			flags.IntVar(&f.Days, "days", 1, "Today, and so many days before.")
			flags.StringVar(&f.Of, "of", "", "Only of hosts, tenants and departures whose names have this in them.")
			flags.StringVar(&f.Who, "who", "", "Only by those who have this in their names.")
		},
		check: func([]string) error {
			if f.Days < 0 || f.Days > operator.AuditMost {
				return fmt.Errorf("--days is %d, and must be from 0 to %d", f.Days, operator.AuditMost)
			}
			return nil
		},
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			lines, err := o.Audit(ctx, f)
			return answer{data: map[string]any{"audit": list(lines)}, show: func(p *page) {
				var rows [][]string
				for _, l := range lines {
					who := dash(l.Who)
					if l.Named != "" && l.Named != l.Who {
						who += " as " + l.Named
					}
					rows = append(rows, []string{at(l.At), l.What, l.Of, who, l.Why})
				}
				p.table("Nothing is on record.", []string{"AT (UTC)", "WHAT", "OF", "WHO", "WHY"}, rows)
			}}, err
		},
	}.command()
}
