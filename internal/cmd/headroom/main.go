// Headroom's command: what an operator asks of a deployment, and asks it to do, and the local cloud, `headroom demo`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// Exit statuses, besides 0.
const (
	failed      = 1
	refused     = 2   // the command line can't be meant; nothing was started
	missing     = 3   // what was asked about is not there
	denied      = 4   // the caller lacks a permission
	guarded     = 5   // it may not be done as things are; nothing was changed
	unreachable = 6   // nothing answered, or there are no credentials
	undecided   = 7   // a confirmation was wanted, and not given; nothing was changed
	notWell     = 8   // what was looked at is not as it should be
	interrupted = 130 // ended by Ctrl-C before it was done (128 + SIGINT)
)

// exits are the exit statuses and what they mean.
var exits = [][2]string{
	{"0", "done"},
	{"1", "failed"},
	{"2", "the command line can't be meant; nothing was asked"},
	{"3", "what was asked about is not there"},
	{"4", "no permission"},
	{"5", "refused as things are; nothing was changed"},
	{"6", "nothing answered, or there are no credentials"},
	{"7", "not confirmed; nothing was changed"},
	{"8", "not well (status --check, doctor), or not come about (--wait)"},
	{"130", "interrupted"},
}

// statuses are what help says of them.
func statuses() string {
	text := "Exit status:\n"
	for _, e := range exits {
		text += fmt.Sprintf("  %-3s  %s\n", e[0], e[1])
	}
	return strings.TrimSuffix(text, "\n")
}

// usage is how help says what a command takes, 80 columns wide.
const usage = `Usage: {{if .HasSubCommands}}{{.CommandPath}} <command>{{else}}{{.UseLine}}{{end}}
{{- if .HasAvailableSubCommands}}

Commands:
{{- range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}
{{- end}}

{{- if .HasExample}}

Examples:
{{.Example}}
{{- end}}

Flags:
{{(ownFlags .).FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{- if hasCommonFlags .}}

Which deployment, and how it is shown:
{{(commonFlags .).FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableSubCommands}}

{{.CommandPath}} <command> --help says what a command takes.
{{- end}}
`

func main() {
	os.Exit(run(untilInterrupted(), newRoot()))
}

// untilInterrupted returns a context that ends with the first Ctrl-C, or SIGTERM. The next one ends this process
// at once, and the kernel whatever it started.
func untilInterrupted() context.Context {
	ctx, interrupt := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2) // none is missed, however soon it follows
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		interrupt()
		again := <-signals
		os.Exit(128 + int(again.(syscall.Signal)))
	}()
	return ctx
}

// run executes the command line, says on its standard error why it failed, and returns the exit status.
func run(ctx context.Context, root *cobra.Command) int {
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return interrupted
	}
	fmt.Fprintln(root.ErrOrStderr(), "headroom:", err)
	var known *operator.Failure
	switch {
	case errors.As(err, new(refusal)):
		return refused
	case errors.As(err, new(unwell)):
		return notWell
	case errors.As(err, new(unconfirmed)):
		return undecided
	case errors.As(err, &known):
		if known.Do != "" {
			fmt.Fprintln(root.ErrOrStderr(), known.Do)
		}
		return kinds[known.Kind]
	}
	return failed
}

// kinds are the exit statuses of failures.
var kinds = map[operator.Kind]int{
	operator.Other: failed, operator.Missing: missing, operator.Denied: denied, operator.Refused: guarded, operator.Unreachable: unreachable,
	operator.Nothing: notWell, operator.Usage: refused,
}

// flagsOf is a part of a command's flags.
func flagsOf(cmd *cobra.Command, shared bool) *pflag.FlagSet {
	part := pflag.NewFlagSet("", pflag.ContinueOnError)
	part.SortFlags = false
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, marked := f.Annotations[common]; marked == shared {
			part.AddFlag(f)
		}
	})
	return part
}

func init() {
	cobra.AddTemplateFunc("ownFlags", func(cmd *cobra.Command) *pflag.FlagSet { return flagsOf(cmd, false) })
	cobra.AddTemplateFunc("commonFlags", func(cmd *cobra.Command) *pflag.FlagSet { return flagsOf(cmd, true) })
	cobra.AddTemplateFunc("hasCommonFlags", func(cmd *cobra.Command) bool { return flagsOf(cmd, true).HasFlags() })
}

// newRoot is `headroom`, with all its commands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:     "headroom",
		Short:   "Ask a deployment of Headroom, tell it what to do, or run one on this machine.",
		Long:    "Ask a deployment of Headroom, tell it what to do, or run one on this machine.\n\n" + statuses(),
		Version: version(),
		Args:    knownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(cmd.ErrOrStderr(), cmd.UsageString())
			return refuse(cmd, errors.New("which command?"))
		},
		SilenceErrors:              true, // run says them
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
	}
	root.PersistentFlags().BoolP("help", "h", false, "Show this help.")
	root.Flags().Bool("version", false, "Show the version.")
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetUsageTemplate(usage)
	root.SetHelpCommand(newHelp())
	root.SetFlagErrorFunc(refuseFlag)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.AddCommand(newStatus(), newPool(), newHost(), newTenant(), newDeadLetters(), newLogs(), newAudit(), newDoctor(), newRecover(),
		newSignup(), newAddress(), newDecommission(), newUndo(), newRestore(), newDeparture(), newSlot(),
		newSimulate(), newDemo(), newCompletion())
	root.AddCommand(newPlan(), newQuotas())
	root.AddCommand(newStops()...)
	return root
}

// newHelp is `headroom help COMMAND`, which is `headroom COMMAND --help`.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND…]", Short: "Show the help of a command.", Hidden: true, DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return refuse(cmd.Root(), fmt.Errorf("there is no command %q", strings.Join(args, " ")))
			}
			return about.Help()
		},
	}
}
