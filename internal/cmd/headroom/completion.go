package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// newCompletion is `headroom completion`. It stands in for cobra's own, which takes an unknown shell
// for a wish for help.
func newCompletion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use:   "completion " + strings.Join(shells, "|"),
		Short: "Print what makes a shell complete this command and its flags.",
		Long: `Print what makes a shell complete this command and its flags. To have it in the
shell you are in:

  source <(headroom completion bash)
  source <(headroom completion zsh)      # after: autoload -U compinit; compinit
  headroom completion fish | source

To have it in every shell, put that line into ~/.bashrc, ~/.zshrc or
~/.config/fish/config.fish. The command must be found as headroom; make demo
builds it in the folder dist.`,
		DisableFlagsInUseLine: true,
		ValidArgs:             shells,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && slices.Contains(shells, args[0]) {
				return nil
			}
			return refuse(cmd, fmt.Errorf("which shell? It must be one of %s", strings.Join(shells, ", ")))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			switch args[0] {
			case "zsh":
				return cmd.Root().GenZshCompletion(out)
			case "fish":
				return cmd.Root().GenFishCompletion(out, true)
			}
			return cmd.Root().GenBashCompletionV2(out, true)
		},
	}
}
