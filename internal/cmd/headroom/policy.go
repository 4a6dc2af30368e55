package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// readDocument reads a file, or what comes by the standard input for "-".
func readDocument(cmd *cobra.Command, name string) ([]byte, error) {
	if name == "-" {
		text, err := io.ReadAll(cmd.InOrStdin())
		if err != nil {
			return nil, fmt.Errorf("read the standard input: %w", err)
		}
		return text, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	return text, nil
}

func newPolicyDiff() *cobra.Command {
	var cmd *cobra.Command
	cmd = verb{
		use: "diff FILE [flags]", short: "Show what a policy document would change.", example: "  headroom pool policy diff policy.json", args: arguments("file"),
		long: "Show what a policy document would change, after it was checked as those who will\nread it check it. FILE is - for the standard input.",
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			text, err := readDocument(cmd, args[0])
			if err != nil {
				return answer{}, err
			}
			c, err := o.DiffPolicy(ctx, text)
			c.Next = []string{"headroom pool policy set " + args[0] + " --reason …"}
			return answer{data: c, show: func(p *page) { showPolicyChange(p, c) }}, err
		},
	}.command()
	cmd.ValidArgsFunction = files
	return cmd
}

// files lets a shell complete the names of files.
func files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"json"}, cobra.ShellCompDirectiveFilterFileExt
}

func newPolicySet() *cobra.Command {
	var cmd *cobra.Command
	var reason string
	var version int64
	var dry bool
	var ok consent
	cmd = verb{
		use: "set FILE [flags]", short: "Put a policy document in force, once that is confirmed.", example: "  headroom pool policy set policy.json --reason \"more signups in May\"", args: arguments("file"),
		long: "Put a policy document in force, once what it changes is confirmed. It is checked\nbefore as those who will read it check it, and is in force within a minute. FILE\nis - for the standard input.\n" +
			"With --if-version nothing is set when the newest version is another than the one\nthat was got. That is looked at before: AWS has no condition for it, so of two\nwho set one in the same second the later still has its way.",
		flags: func(f *pflag.FlagSet) {
			addReason(f, &reason, "audit")
			f.Int64Var(&version, "if-version", 0, "Only if this version is the newest; pool policy get names it.")
			f.BoolVar(&dry, "dry-run", false, "Check it and show what it would change, and change nothing.")
			ok.add(f)
		},
		check: func([]string) error { return missingReason(reason, "audit") },
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			text, err := readDocument(cmd, args[0])
			if err != nil {
				return answer{}, err
			}
			c, err := o.DiffPolicy(ctx, text)
			if err != nil {
				return answer{}, err
			}
			if cmd.Flags().Changed("if-version") {
				if err := c.On(version); err != nil {
					return answer{}, err
				}
			}
			shown := answer{data: c, show: func(p *page) { showPolicyChange(p, c) }}
			if len(c.Changes) == 0 && c.Against == c.From { // one that can't be meant gives way to what means the same as the one in force
				return shown, nil
			}
			if dry {
				shown.show = func(p *page) {
					showPolicyChange(p, c)
					p.text("Without --dry-run it is set.")
				}
				return shown, nil
			}
			if !ok.yes {
				p := newPage(cmd.ErrOrStderr(), o.Now())
				showPolicyChange(p, c)
				fmt.Fprintln(cmd.ErrOrStderr(), p.String())
			}
			if err := ok.confirm(fmt.Sprintf("the policy of stage %s is changed so", o.Stage), o.Stage); err != nil {
				return answer{}, err
			}
			c, err = o.SetPolicy(ctx, c, reason)
			return answer{data: c, show: func(p *page) { showPolicyChange(p, c) }}, err
		},
	}.command()
	ok.cmd = cmd
	cmd.ValidArgsFunction = files
	return cmd
}

func showPolicyChange(p *page, c operator.PolicyChange) {
	if len(c.Changes) == 0 && c.Version == 0 {
		p.text("It means the same as version %d, which is in force.", c.Against)
		showWarnings(p, c.Warnings)
		return
	}
	if c.Version > 0 {
		p.heading(fmt.Sprintf("Version %d is set; it is in force within a minute", c.Version))
	} else {
		p.heading(fmt.Sprintf("Against version %d", c.Against))
	}
	var rows [][]string
	for _, d := range c.Changes {
		rows = append(rows, []string{d.Of, dash(d.From), dash(d.To)})
	}
	p.table("", []string{"OF", "FROM", "TO"}, rows)
	showWarnings(p, c.Warnings)
	p.next(c.Next...)
}

func showWarnings(p *page, warnings []string) {
	for _, w := range warnings {
		p.text("%s", p.in(yellow, strings.ToUpper(w[:1])+w[1:]))
	}
}
