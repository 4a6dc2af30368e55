package main

import (
	"context"

	"github.com/spf13/cobra"

	"headroom/events"
	"headroom/internal/operator"
)

// newSlot is `headroom slot`.
func newSlot() *cobra.Command {
	of := func(v verb, action string, destroys func([]string) string) *cobra.Command {
		v.args, v.complete = arguments("slot"), doubtedSlots
		return change{
			verb: v, reasoned: true, destroys: destroys,
			request: func(ctx context.Context, o *operator.Operator, args []string, reason string) (operator.Request, error) {
				return o.SlotAction(ctx, args[0], action, reason)
			},
		}.command()
	}
	return group("slot", "Slots of which headroom recover could not say whose they are.",
		of(verb{
			use: "again SLOT [flags]", short: "Look at such a slot anew, and give it back if it is nobody's.",
			long: "Look at a slot anew that headroom recover quarantined, because it could not say\nwhose it is. If it is nobody's by now, it rests, is closed, and is free: no tag,\n" +
				"secret, tenant or claim names it, nobody reaches it, and nothing is in it. Else\nit stays, and it is said why. It destroys nothing.",
			example: "  headroom slot again share-standard-3/2 --reason \"it was emptied\" --wait",
		}, events.SlotAgain, nil),
		of(verb{
			use: "retire SLOT [flags]", short: "Take such a slot out of use.",
			long: "Take a slot out of use that headroom recover quarantined, because it could not\nsay whose it is. Nobody ever gets it, and what is in it stays. If it turns out\nto be a tenant's, headroom recover gives it back to that.",
		}, events.SlotRetire, func(args []string) string {
			return "slot " + args[0] + " goes out of use for good"
		}))
}

// doubtedSlots are what there is to complete.
func doubtedSlots(ctx context.Context, o *operator.Operator) ([]string, error) {
	slots, err := o.DoubtedSlots(ctx)
	var names []string
	for _, s := range slots {
		names = append(names, s.Slot+"\t"+s.Why)
	}
	return names, err
}
