package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// newTenantMove is `headroom tenant move`.
func newTenantMove() *cobra.Command {
	var to, most, grace string
	return change{
		verb: verb{
			use: "move TENANT [flags]", short: "Move a tenant's database to another host.",
			long: "Move a tenant's database to another host of its tier. While it is copied, the\n" +
				"tenant is shut out: some 90 seconds, and as many more as its database has times\n" +
				"8 MiB. With --most it does not move, and is not shut out, if that were longer.\n" +
				"Its secret has other credentials then, and AccessChanged says so. What it moves\n" +
				"away from is kept, shut, until the grace is over. Until it has the new one,\n" +
				"headroom restore --undo calls the move off. Its share stays where it is.",
			example: "  headroom tenant move acme --most 10m --reason overworked --wait=20m", args: arguments("tenant"), complete: tenantNames,
			flags: func(f *pflag.FlagSet) {
				f.StringVar(&to, "to", "", "The database host. Default: the one with the fewest tenants that has room.")
				f.StringVar(&most, "most", "", "How long it may be shut out, such as 10m. Default: as long as it takes.")
				f.StringVar(&grace, "grace", "", "How long what it moves away from is kept, such as 72h. Default: as the policy says.")
			},
			check: func([]string) error {
				if to == "" {
					return nil
				}
				return judge("to", "database host", to)
			},
		},
		reasoned: true,
		destroys: func(args []string) string {
			takes := "as long as that takes: some 90 seconds, and one more for each 8 MiB that it has"
			if most != "" {
				takes = "at most some " + most + ", or else it does not move"
			}
			return "tenant " + args[0] + " is shut out of its database while that is copied, for " + takes
		},
		request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
			return o.Move(ctx, args[0], to, most, reason, grace)
		},
	}.command()
}
