package main

import (
	"context"
	"errors"
	"regexp"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/events"
	"headroom/internal/operator"
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
		newHostRepair(), newHostReplace(), newHostResize(), newHostUpdate(),
	}
}

var imageID = regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`)

// repairVerb is a verb about a host's machine or stack.
func repairVerb(v verb, disturbs string, request func(args []string) events.RepairRequest) *cobra.Command {
	v.args, v.complete = arguments("host"), hostNames
	return change{
		verb: v, reasoned: true,
		destroys: func(args []string) string { return "host " + args[0] + ": " + disturbs },
		request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
			q := request(args)
			q.Reason = reason
			return o.Repair(ctx, args[0], q)
		},
	}.command()
}

func newHostRepair() *cobra.Command {
	var way string
	var drop bool
	return repairVerb(verb{
		use: "repair HOST [flags]", short: "Give the word that a repair asks for, or drop the repair.",
		example: "  headroom host repair share-standard-3 --way machine --reason \"disks are well\"",
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&way, "way", "", "The way that is asked for, as the notice and host explain name it.")
			f.BoolVar(&drop, "drop", false, "End the repair instead, because somebody is at it.")
		},
		check: func([]string) error {
			if (way == "") != drop {
				return errors.New("--way names what is asked for, or --drop ends the repair: one of them")
			}
			return nil
		},
	}, "its repair goes on as you say", func([]string) events.RepairRequest {
		if drop {
			return events.RepairRequest{Action: events.RepairDrop}
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
			if !imageID.MatchString(image) {
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
			return nil
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
