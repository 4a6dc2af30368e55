package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// newSignup is `headroom signup`.
func newSignup() *cobra.Command {
	var tier string
	return change{
		verb: verb{
			use: "signup TENANT ADDRESS [flags]", short: "Sign a tenant up: it gets a database and a share.",
			long:    "Sign a tenant up: it gets a database, and a share that lets in the IPv4 address\nof its application server. Signing up the same again changes nothing.",
			example: "  headroom signup acme 10.40.1.7 --wait", args: arguments("tenant", "address"),
			flags: func(f *pflag.FlagSet) { f.StringVar(&tier, "tier", "standard", "Which pools serve it.") },
		},
		request: func(ctx context.Context, o *operator.Operator, args []string, _ string) (operator.Request, error) {
			return o.SignUp(ctx, args[0], tier, args[1])
		},
	}.command()
}

// newAddress is `headroom address`.
func newAddress() *cobra.Command {
	one := func(use, short, example string, of func(address []string) (add, remove []string)) *cobra.Command {
		return change{
			verb:     verb{use: use + " TENANT ADDRESS [flags]", short: short, example: example, args: arguments("tenant", "address"), complete: tenantNames},
			reasoned: true,
			request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
				add, remove := of(args[1:])
				return o.ChangeAddresses(ctx, args[0], add, remove, reason)
			},
		}.command()
	}
	return group("address", "Addresses that a tenant's share lets in.",
		one("add", "Let another address in to a tenant's share.", "  headroom address add acme 10.40.1.8 --reason \"a second machine\" --wait",
			func(a []string) (add, remove []string) { return a, nil }),
		one("remove", "Put an address out of a tenant's share.", "  headroom address remove acme 10.40.1.7 --reason \"it is gone\" --wait",
			func(a []string) (add, remove []string) { return nil, a }))
}

// newDecommission is `headroom decommission`.
func newDecommission() *cobra.Command {
	var grace string
	return change{
		verb: verb{
			use: "decommission TENANT [flags]", short: "Have a tenant leave: shut out, archived, then scrubbed.",
			long: "Have a tenant leave. Within seconds nobody reaches its storage any more; its\n" +
				"data is archived and verified, and once its grace is over scrubbed for good.\nUntil then headroom undo has it stay.",
			example: "  headroom decommission acme --reason \"its contract ended\"", args: arguments("tenant"), complete: tenantNames,
			flags: func(f *pflag.FlagSet) {
				f.StringVar(&grace, "grace", "", "How long it can be undone, such as 72h. Default: as the policy says.")
			},
		},
		reasoned: true,
		destroys: func(args []string) string {
			return "tenant " + args[0] + " loses its storage at once, and its data for good once its grace is over"
		},
		request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
			return o.Decommission(ctx, args[0], reason, grace)
		},
	}.command()
}

// newUndo is `headroom undo`.
func newUndo() *cobra.Command {
	return change{
		verb: verb{
			use: "undo TENANT [flags]", short: "Have a tenant stay that leaves, with all it had.",
			example: "  headroom undo acme --reason \"a mistake\" --wait", args: arguments("tenant"), complete: tenantNames,
		},
		reasoned: true,
		request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
			return o.Undo(ctx, args[0], reason)
		},
	}.command()
}

// newDeparture is `headroom departure`.
func newDeparture() *cobra.Command {
	of := func(use, short string, destroys func([]string) string, action string, names ...string) *cobra.Command {
		return change{
			verb: verb{use: use + " [flags]", short: short, args: arguments(names...)}, reasoned: true, destroys: destroys,
			request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
				slot := ""
				if len(args) > 1 {
					slot = args[1]
				}
				return o.DepartureAction(ctx, args[0], action, slot, reason)
			},
		}.command()
	}
	return group("departure", "Departures that do not come on by themselves.",
		of("resume DEPARTURE", "Have a departure go on that was given up.", nil, "resume", "departure"),
		of("again DEPARTURE SLOT", "Have a quarantined slot (database or share) looked at anew.", nil, "again", "departure", "slot (database or share)"),
		of("retire DEPARTURE SLOT", "Take a quarantined slot (database or share) out of use.", func(args []string) string {
			return "the " + args[1] + " of departure " + args[0] + " goes out of use for good"
		}, "retire", "departure", "slot (database or share)"))
}

// newRestore is `headroom restore`.
func newRestore() *cobra.Command {
	var database, share, undo bool
	var to, grace string
	return change{
		verb: verb{
			use: "restore TENANT [flags]", short: "Have a tenant go back in time, or undo that.",
			long: "Have a tenant's database, its files, or both go back to a time. What came since\n" +
				"is kept aside until the grace is over, and --undo brings it back.",
			example: "  headroom restore acme --database --to 2026-11-02T09:00:00Z --reason mistake",
			args:    arguments("tenant"), complete: tenantNames,
			flags: func(f *pflag.FlagSet) {
				f.BoolVar(&database, "database", false, "The database goes back.")
				f.BoolVar(&share, "share", false, "The files come into a folder of their own.")
				f.StringVar(&to, "to", "", "The time, as in 2026-11-02T09:00:00Z.")
				f.StringVar(&grace, "grace", "", "How long it can be undone, such as 72h. Default: as the policy says.")
				f.BoolVar(&undo, "undo", false, "Undo the last one, or call it off.")
			},
			check: func([]string) error {
				if undo && (database || share || to != "" || grace != "") {
					return errors.New("--undo goes with none of --database, --share, --to and --grace")
				}
				if _, err := time.Parse(time.RFC3339, to); err != nil && !undo {
					return fmt.Errorf("--to is %q, and must be a time such as 2026-11-02T09:00:00Z", to)
				}
				if !undo && !database && !share {
					return errors.New("what goes back? --database, --share, or both")
				}
				return nil
			},
		},
		reasoned: true,
		destroys: func(args []string) string {
			if undo {
				return "tenant " + args[0] + " has again what it had before it went back in time"
			}
			return "tenant " + args[0] + " goes back to " + to + ", and what came since is kept aside until the grace is over"
		},
		request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
			if undo {
				return o.UndoRestore(ctx, args[0], reason)
			}
			when, err := time.Parse(time.RFC3339, to)
			if err != nil {
				return operator.Request{}, err
			}
			return o.Restore(ctx, args[0], database, share, when, reason, grace)
		},
	}.command()
}
