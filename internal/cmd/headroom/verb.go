package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// answer is what a verb came to: for programs, and for people.
type answer struct {
	data any         // its JSON is stable
	show func(*page) // the same as text
	err  error       // how the command ends all the same, once it is shown
}

// verb is a command that asks a deployment.
type verb struct {
	use, short, long, example string

	args     cobra.PositionalArgs
	flags    func(*pflag.FlagSet)
	watched  bool                                                              // it can be shown again and again
	check    func(args []string) error                                         // refuses what can't be meant, before anything is asked; nil: nothing
	complete func(ctx context.Context, o *operator.Operator) ([]string, error) // candidates of the first argument; nil: none
	ask      func(ctx context.Context, o *operator.Operator, args []string) (answer, error)
}

// common marks the flags that every verb has.
const common = "headroom-common"

// connection is what the common flags say.
type connection struct {
	operator.Connection
	json  bool
	watch time.Duration
}

func (c *connection) add(flags *pflag.FlagSet, watched bool) {
	flags.SortFlags = false
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.StringVar(&c.Stage, "stage", os.Getenv("HEADROOM_STAGE"), "Which deployment. Default: HEADROOM_STAGE, or the only one there is.")
	own.StringVar(&c.Region, "region", "", "AWS region. Default: as AWS's SDKs find it.")
	own.StringVar(&c.Profile, "profile", "", "Profile of AWS's shared configuration. Default: likewise.")
	own.StringVar(&c.Endpoint, "endpoint", "", "Address of a local cloud, as make demo prints it. Default: AWS_ENDPOINT_URL.")
	own.BoolVar(&c.json, "json", false, "Print JSON, whose names stay.")
	if watched {
		own.DurationVar(&c.watch, "watch", 0, "Show it again and again, until Ctrl-C; --watch=2s: every 2 seconds.")
		own.Lookup("watch").NoOptDefVal = "5s"
	}
	own.VisitAll(func(f *pflag.Flag) {
		f.Annotations = map[string][]string{common: nil}
		if f.Name == "stage" {
			f.DefValue = "" // what the environment has is not to stand in the help
		}
		flags.AddFlag(f)
	})
}

// command makes the cobra command of a verb.
func (v verb) command() *cobra.Command {
	var c connection
	cmd := &cobra.Command{Use: v.use, Short: v.short, Long: v.long, Example: v.example, Args: v.args, DisableFlagsInUseLine: true}
	if v.long == "" {
		cmd.Long = v.short
	}
	cmd.Flags().SortFlags = false
	if v.flags != nil {
		v.flags(cmd.Flags())
	}
	c.add(cmd.Flags(), v.watched)
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if c.watch < 0 || cmd.Flags().Changed("watch") && c.watch < time.Second {
			return refuse(cmd, fmt.Errorf("--watch is %s, and must be a second or more", c.watch))
		}
		err := judgeFlags(cmd.Flags())
		if err == nil && v.check != nil {
			err = v.check(args)
		}
		return refuse(cmd, err)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		o, err := c.Connect(ctx)
		if err == nil {
			err = v.run(ctx, cmd.OutOrStdout(), c, o, args)
		}
		return failure(ctx, err)
	}
	if v.complete != nil {
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 3*time.Second)
			defer cancel()
			o, err := c.Connect(ctx)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			found, _ := v.complete(ctx, o) // a shell that can't be told completes nothing
			found = slices.DeleteFunc(found, func(name string) bool { return !strings.HasPrefix(name, begun) })
			return found, cobra.ShellCompDirectiveNoFileComp
		}
	}
	return cmd
}

// failure is an error with what to do about it; what an interruption cut short is none.
func failure(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || errors.As(err, new(refusal)) || errors.As(err, new(unwell)) || errors.As(err, new(unconfirmed)) {
		return errors.Join(ctx.Err(), err)
	}
	return operator.Explain(err)
}

// run asks and shows, once or until it is interrupted.
func (v verb) run(ctx context.Context, out io.Writer, c connection, o *operator.Operator, args []string) error {
	for round := 0; ; round++ {
		a, err := v.ask(ctx, o, args)
		if err == nil {
			if err = c.print(out, a, round, o.Now()); err == nil {
				err = a.err
			}
		}
		if c.watch == 0 || err != nil && !errors.As(err, new(unwell)) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(c.watch):
		}
	}
}

// print writes an answer. Watched on a terminal it takes the place of the one before; elsewhere it follows that.
func (c connection) print(out io.Writer, a answer, round int, now time.Time) error {
	if c.json {
		encoder := json.NewEncoder(out)
		if c.watch == 0 {
			encoder.SetIndent("", "  ")
		}
		encoder.SetEscapeHTML(false)
		return encoder.Encode(a.data)
	}
	p := newPage(out, now)
	a.show(p)
	before := ""
	switch {
	case c.watch > 0 && onTerminal(out):
		before = "\x1b[H\x1b[2J"
	case round > 0:
		before = "\n"
	}
	_, err := io.WriteString(out, before+p.String())
	return err
}

// unwell ends a command whose answer is that something is not as it should be.
type unwell struct{ error }

// unconfirmed ends a command that wanted a confirmation, and got none.
type unconfirmed struct{ error }

// arguments wants so many, with names, of which each is what it is called.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return refuse(cmd, fmt.Errorf("which %s?", names[len(args)]))
		case len(args) > len(names):
			return refuse(cmd, fmt.Errorf("unexpected argument %q", args[len(names)]))
		}
		if i := slices.Index(args, ""); i >= 0 { // of a variable that a script has not set
			return refuse(cmd, fmt.Errorf("which %s? It is empty", names[i]))
		}
		for i, name := range names {
			if err := operator.Judge(name, args[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// group is a command that only has others below it.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: knownCommand, SuggestionsMinimumDistance: 2, RunE: func(cmd *cobra.Command, _ []string) error {
		fmt.Fprintln(cmd.ErrOrStderr(), cmd.UsageString())
		return refuse(cmd, errors.New("which command?"))
	}}
	cmd.AddCommand(below...)
	return cmd
}
