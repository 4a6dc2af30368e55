// Headroom's command. Today it runs the local cloud: `headroom demo`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses, besides 0.
const (
	failed      = 1
	refused     = 2   // the command line can't be meant; nothing was started
	interrupted = 130 // ended by Ctrl-C before it was done (128 + SIGINT)
)

// usage is how help says what a command takes, 80 columns wide.
const usage = `Usage: {{if .HasSubCommands}}{{.CommandPath}} <command>{{else}}{{.UseLine}}{{end}}
{{- if .HasAvailableSubCommands}}

Commands:
{{- range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}
{{- end}}

Flags:
{{.Flags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
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
	if errors.As(err, new(refusal)) {
		return refused
	}
	return failed
}

// newRoot is `headroom`, with all its commands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:     "headroom",
		Short:   "Headroom on this machine.",
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
	root.SetFlagErrorFunc(refuseFlag)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.AddCommand(newDemo(), newCompletion())
	return root
}
