package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/events"
	"headroom/internal/operator"
	"headroom/internal/pool"
)

// newHostActions are the verbs that change a host.
func newHostActions() []*cobra.Command {
	of := func(action, short, long string, destroys func([]string) string) *cobra.Command {
		return change{
			verb:     verb{use: action + " HOST [flags]", short: short, long: long, args: arguments("host"), complete: hostNames},
			reasoned: true, destroys: destroys,
			request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
				return o.HostAction(ctx, args[0], action, reason)
			},
		}.command()
	}
	release := of(events.HostRelease, "Try a quarantined host again, at the step that was given up.", "", nil)
	release.Aliases = []string{"retry"}
	return []*cobra.Command{
		of(events.HostCordon, "Have a host take no more tenants.",
			"Have a host take no more tenants. Those it has stay, its free slots stop\ncounting, and what is missing is ordered. uncordon takes it back.", nil),
		of(events.HostUncordon, "Take a cordon by hand back.",
			"Take a cordon by hand back. A host that an alarm or a doubt keeps out of service\nstays so until that is over.", nil),
		release,
		of(events.HostDelete, "Delete the stack of a quarantined host, which has no tenants.", "", func(args []string) string {
			return "host " + args[0] + " is deleted, with its stack"
		}),
		newHostProtect(), newHostDrain(), newHostRetire(),
		newHostRepair(), newHostReplace(), newHostResize(), newHostUpdate(),
	}
}

// offVerb is a verb that can be taken back with --off.
func offVerb(v verb, off string, request func(ctx context.Context, o *operator.Operator, host string, off bool, reason string) (operator.Request, error)) *cobra.Command {
	var back bool
	v.args, v.complete = arguments("host"), hostNames
	v.flags = func(f *pflag.FlagSet) { f.BoolVar(&back, "off", false, off) }
	return change{
		verb: v, reasoned: true,
		request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
			return request(ctx, o, args[0], back, reason)
		},
	}.command()
}

func newHostProtect() *cobra.Command {
	return offVerb(verb{
		use: "protect HOST [flags]", short: "Keep a host from being retired.",
		long:    "Keep a host from being retired, also when it is empty, not needed or drained. A\nretirement that has destroyed nothing yet ends by it.",
		example: "  headroom host protect share-standard-3 --reason \"the auditors look at it\"",
	}, "Take that back: it may be retired again.", func(ctx context.Context, o *operator.Operator, host string, off bool, reason string) (operator.Request, error) {
		return o.ProtectHost(ctx, host, off, reason)
	})
}

func newHostDrain() *cobra.Command {
	return offVerb(verb{
		use: "drain HOST [flags]", short: "Have a host take no more tenants, and go once it is empty.",
		long: "Have a host take no more tenants, and go once it is empty. Those it has stay\nuntil they leave; its free slots stop counting, and what is missing is ordered.",
	}, "Take that back: it takes tenants again.", func(ctx context.Context, o *operator.Operator, host string, off bool, reason string) (operator.Request, error) {
		return o.DrainHost(ctx, host, off, reason)
	})
}

func newHostRetire() *cobra.Command {
	return change{
		verb: verb{
			use: "retire HOST [flags]", short: "Take an empty host down, with its stack, disks and buckets.",
			long: "Take an empty host down, with its stack, disks and buckets, whether its pool\nneeds it or not. --dry-run says what comes of it. A host that has tenants is\nrefused: drain it.",
			args: arguments("host"), complete: hostNames,
		},
		reasoned: true,
		destroys: func(args []string) string {
			return "host " + args[0] + " is retired: its stack, disks and buckets are deleted for good"
		},
		request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
			return o.RetireHost(ctx, args[0], reason)
		},
	}.command()
}

// repairVerb is a verb about a host's machine or stack.
func repairVerb(v verb, disturbs string, request func(args []string) events.RepairRequest) *cobra.Command {
	return repairVerbOf(v, func() string { return disturbs }, request)
}

// repairVerbOf is one whose flags say what it disturbs.
func repairVerbOf(v verb, disturbs func() string, request func(args []string) events.RepairRequest) *cobra.Command {
	v.args, v.complete = arguments("host"), hostNames
	return change{
		verb: v, reasoned: true,
		destroys: func(args []string) string { return "host " + args[0] + ": " + disturbs() },
		request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
			q := request(args)
			q.Reason = reason
			return o.Repair(ctx, args[0], q)
		},
	}.command()
}

func newHostRepair() *cobra.Command {
	var way string
	var drop, discard bool
	return repairVerbOf(verb{
		use: "repair HOST [flags]", short: "Give the word that a repair asks for, or drop the repair.",
		long: "Give the word that a repair asks for, or drop the repair. Where way machine is\nasked for, --way gateway gives the gateway up instead, for a new one over the\nsame buckets: what it acknowledged and had not uploaded is lost to its tenants.\nIts disks are kept until --discard says that they may go.",
		example: "  headroom host repair share-standard-3 --way machine --reason \"disks are well\"\n" +
			"  headroom host repair share-standard-3 --way gateway --reason \"beyond help\"",
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&way, "way", "", "The way that is asked for, as the notice and host explain name it; or gateway instead of machine.")
			f.BoolVar(&drop, "drop", false, "End the repair instead, because somebody is at it.")
			f.BoolVar(&discard, "discard", false, "Let the disks go of a gateway that was given up, once they were kept for two weeks.")
		},
		check: func([]string) error {
			given := 0
			for _, is := range []bool{way != "", drop, discard} {
				if is {
					given++
				}
			}
			if given != 1 {
				return errors.New("--way names what is asked for, --drop ends the repair, --discard lets old disks go: one of them")
			}
			return nil
		},
	}, func() string {
		switch {
		case discard:
			return "what its old gateway had not uploaded is gone with its disks"
		case way == string(pool.WayGateway):
			return "its gateway is given up; what it acknowledged and had not uploaded is lost to its tenants"
		}
		return "its repair goes on as you say"
	}, func([]string) events.RepairRequest {
		switch {
		case drop:
			return events.RepairRequest{Action: events.RepairDrop}
		case discard:
			return events.RepairRequest{Action: events.RepairDiscard}
		}
		return events.RepairRequest{Action: events.RepairProceed, Way: way}
	})
}

func newHostReplace() *cobra.Command {
	var image string
	return repairVerb(verb{
		use: "replace HOST [flags]", short: "Move a gateway that is well to a machine of another image.",
		flags: func(f *pflag.FlagSet) { f.StringVar(&image, "image", "", "ID of the image. Required.") },
		check: func([]string) error {
			if !pool.IsImageID(image) {
				return errors.New("--image must be the ID of an image, such as ami-0a1b2c3d4e5f60718")
			}
			return nil
		},
	}, "its tenants can't write for minutes, up to two hours", func([]string) events.RepairRequest {
		return events.RepairRequest{Action: events.RepairReplace, Image: image}
	})
}

func newHostResize() *cobra.Command {
	var size string
	return repairVerb(verb{
		use: "resize HOST [flags]", short: "Give a gateway's machine another size, by a stop and a start.",
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&size, "size", "", "Type of machine, xlarge or larger, such as m6i.2xlarge. Required.")
		},
		check: func([]string) error {
			if size == "" {
				return errors.New("--size is missing, such as m6i.2xlarge")
			}
			return judge("size", "size of a gateway's machine", size)
		},
	}, "its tenants can't write for minutes", func([]string) events.RepairRequest {
		return events.RepairRequest{Action: events.RepairResize, Size: size}
	})
}

func newHostUpdate() *cobra.Command {
	return repairVerb(verb{
		use: "update HOST [flags]", short: "Bring a host's stack to the template of new hosts.",
		long: "Bring a host's stack to the template that new hosts are made from. What would\nreplace or remove anything that holds data is refused.",
	}, "its stack is updated", func([]string) events.RepairRequest {
		return events.RepairRequest{Action: events.RepairUpdate}
	})
}
