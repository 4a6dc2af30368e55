package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
	"headroom/internal/pool"
)

// newStops are `headroom stop` and `headroom resume`.
func newStops() []*cobra.Command {
	return []*cobra.Command{
		newStopSwitch("stop", "Stop ordering, repairing or destroying; signups go on.",
			"Stop what Headroom does by itself, from its next call on. Signups go on from\nwhat is there. Without a level all are stopped:\n\n"+
				"  order    no host is ordered, and no temporary instance for a restore\n"+
				"  repair   no machine or stack is changed, and no tenant goes back in time\n"+
				"  destroy  nothing is deleted that can't be had back: slots of tenants that\n           left, stacks that failed or are empty, what was kept for a while\n\n"+
				"What is under way waits at its next step, and fails by that in nothing.\nheadroom resume has it go on.",
			"  headroom stop --reason \"AWS has trouble in eu-west-1\"\n  headroom stop destroy --reason \"an audit\"", (*operator.Operator).Stop),
		newStopSwitch("resume", "Have what was stopped go on.",
			"Have what was stopped go on, by itself. Without a level all of it.",
			"  headroom resume order --reason \"the quota is raised\"", (*operator.Operator).Resume),
	}
}

func newStopSwitch(
	name, short, long, example string, do func(*operator.Operator, context.Context, []pool.StopLevel, string, bool) (operator.Switched, error),
) *cobra.Command {
	var reason string
	var dry bool
	cmd := verb{
		use: name + " [LEVEL…] [flags]", short: short, long: long, example: example, args: stopLevels,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&reason, "reason", "", "Why. It stands in the audit. Required.")
			f.BoolVar(&dry, "dry-run", false, "Show what would be so then, and change nothing.")
		},
		check: func([]string) error {
			if strings.TrimSpace(reason) == "" {
				return errors.New("--reason is missing: say why, for who reads the audit")
			}
			return nil
		},
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			var levels []pool.StopLevel
			for _, arg := range args {
				levels = append(levels, pool.StopLevel(arg))
			}
			s, err := do(o, ctx, levels, reason, dry)
			return answer{data: s, show: func(p *page) { showSwitched(p, s, dry) }}, err
		},
	}.command()
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var left []string
		for _, level := range pool.StopLevels {
			if !slices.Contains(args, string(level)) {
				left = append(left, string(level))
			}
		}
		return left, cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// stopLevels wants levels, and nothing else.
func stopLevels(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if !slices.Contains(pool.StopLevels, pool.StopLevel(arg)) {
			return refuse(cmd, fmt.Errorf("%q is no level: they are order, repair and destroy", arg))
		}
	}
	return nil
}

func showSwitched(p *page, s operator.Switched, dry bool) {
	switch {
	case dry:
		p.heading("Not done: to " + s.Asked)
	case len(s.Changed) == 0:
		so := "It was so already: to " + s.Asked
		if len(s.Stops.Levels) > 0 && strings.HasPrefix(s.Asked, "stop") {
			so += "; the reason is the new one"
		}
		p.heading(so)
	default:
		p.heading("Done: to " + s.Asked + "; it is in force at the next call")
	}
	if dry {
		p.text("Without --dry-run it is done. What is stopped then:")
	}
	showStops(p, s.Stops)
	p.next(s.Next...)
}

// showStops says what is stopped.
func showStops(p *page, s operator.Stops) {
	if len(s.Levels) == 0 {
		p.text("Nothing is stopped.")
	}
	for _, l := range s.Levels {
		p.fact("stopped", fmt.Sprintf("%s, since %s by %s: %s", p.in(red, string(l.Level)), at(l.Since), l.By, l.Why))
	}
}
