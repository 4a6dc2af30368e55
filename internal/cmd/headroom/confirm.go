package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"headroom/events"
)

// consent is how a person says that something is meant.
type consent struct {
	yes, noInput bool
	cmd          *cobra.Command
}

func (c *consent) add(flags *pflag.FlagSet) {
	flags.BoolVar(&c.yes, "yes", false, "It is meant: ask for no confirmation.")
	flags.BoolVar(&c.noInput, "no-input", false, "Never ask: what wants a confirmation is not done.")
}

// addReason is the flag for why something is done; missingReason refuses one that was left out, or can't be a reason.
func addReason(flags *pflag.FlagSet, reason *string, where string) {
	flags.StringVar(reason, "reason", "", "Why. It stands in the "+where+". Required.")
}

func missingReason(reason, where string) error {
	if strings.TrimSpace(reason) == "" {
		return errors.New("--reason is missing: say why, for who reads the " + where)
	}
	if bad := events.ReasonRefusal(reason); bad != "" {
		return errors.New("--reason " + bad)
	}
	return nil
}

// confirm has somebody at a terminal type a word before something is done. Without a terminal, and with --no-input, it is
// not done, unless --yes says that it is meant.
func (c *consent) confirm(what, word string) error {
	if c.yes {
		return nil
	}
	in := c.cmd.InOrStdin()
	file, ok := in.(*os.File)
	if c.noInput || !ok || !term.IsTerminal(int(file.Fd())) {
		return unconfirmed{fmt.Errorf("%s: not confirmed, and nothing was changed; --yes says that it is meant", what)}
	}
	fmt.Fprintf(c.cmd.ErrOrStderr(), "%s.\nType %s to go on: ", strings.ToUpper(what[:1])+what[1:], word)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read the confirmation: %w", err)
	}
	if strings.TrimSpace(line) != word {
		return unconfirmed{fmt.Errorf("%q was typed, and not %q: nothing was changed", strings.TrimSpace(line), word)}
	}
	return nil
}
