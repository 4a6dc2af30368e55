package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
)

// refusal says why a command line can't be meant, in one line, and where to read what can.
type refusal struct {
	error
	command string
}

func (r refusal) Error() string { return fmt.Sprintf("%v (see %s --help)", r.error, r.command) }

func (r refusal) Unwrap() error { return r.error }

// refuse makes a refusal of err, if there is one; a failure says by itself what can be meant.
func refuse(cmd *cobra.Command, err error) error {
	if err == nil || errors.As(err, new(*operator.Failure)) {
		return err
	}
	return refusal{error: err, command: cmd.CommandPath()}
}

// refuseFlag refuses a flag that is not known, or whose value is not of its type. An argument before
// it that is wrong is told instead: an unknown command's flags are unknown too.
func refuseFlag(cmd *cobra.Command, err error) error {
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		err = fmt.Errorf("unknown flag --%s", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		err = fmt.Errorf("unknown flag -%s", unknown.GetSpecifiedName())
	case errors.As(err, &missing):
		err = fmt.Errorf("--%s wants a value", missing.GetFlag().Name)
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		err = fmt.Errorf("--%s is %q, and must be %s", flag.Name, invalid.GetValue(), kind(flag.Value.Type()))
	}
	return refuse(cmd, err)
}

// kind is what a flag of this type takes, in words.
func kind(flagType string) string {
	switch flagType {
	case "bool":
		return "true or false"
	case "int", "int64":
		return "a whole number"
	case "uint64":
		return "a whole number, not negative"
	case "float64":
		return "a number"
	case "duration":
		return "a duration, such as 500ms or 1m30s"
	}
	return "a " + flagType
}

// knownCommand refuses arguments of the root: it would have gone to the command, were it one.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("unknown command %q", args[0])
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		message += ", did you mean " + strings.Join(meant, " or ") + "?"
	}
	return refuse(cmd, errors.New(message))
}

// noArguments refuses arguments of a command that takes flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return refuse(cmd, fmt.Errorf("unexpected argument %q", args[0]))
}

// judgedFlags are flags that every verb means the same by, and what each is.
var judgedFlags = map[string]string{"pool": "pool", "host": "host", "tier": "tier", "grace": "grace", "most": "time to be shut out"}

// judgeFlags refuses a flag that was given, and can't be what it is to be.
func judgeFlags(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) { // in the order of their names
		if what := judgedFlags[f.Name]; err == nil && what != "" && f.Value.String() != "" {
			err = judge(f.Name, what, f.Value.String())
		}
	})
	return err
}

// judge refuses the value of a flag that can't be what it is to be.
func judge(flag, what, value string) error {
	if err := operator.Judge(what, value); err != nil {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	return nil
}
