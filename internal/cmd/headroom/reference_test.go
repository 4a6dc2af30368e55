package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// reference is the file that has every command with its flags, made from the commands themselves.
const reference = "../../../docs/commands.md"

func TestTheReferenceIsCurrent(t *testing.T) {
	t.Setenv("HEADROOM_STAGE", "")
	got := referenceOf(newRoot())
	if *update {
		if err := os.WriteFile(reference, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/commands.md is not what the commands say; go test ./internal/cmd/headroom -run Reference -update makes it anew (-there +made):\n%s", diff)
	}
}

// referenceOf is the reference of a command and all below it.
func referenceOf(root *cobra.Command) string {
	var text strings.Builder
	text.WriteString("# The command `headroom`\n\nMade from the commands by `go test ./internal/cmd/headroom -run Reference -update`; a test wants it current.\n\n")
	text.WriteString("`headroom` asks a deployment, in AWS or in a local cloud, and tells it what to do. Credentials and region are found as AWS's\n" +
		"SDKs find them, all names in the outputs of the stack `Headroom-<stage>`. Whoever asks needs the policy in its output\n" +
		"`ReadOnlyPolicyArn`; who changes something, the one in `OperatorPolicyArn`\nbeside it. They may not list other stacks, so they say which stage: `--stage`, or `HEADROOM_STAGE`.\n\n" +
		"Tables are for people, and no program should read them: `--json` is for programs, and its names stay. Colours are for\n" +
		"terminals only, and not with `NO_COLOR`. Times are UTC.\n\n| Exit status | Means |\n|---|---|\n")
	for _, s := range exits {
		text.WriteString("| " + s[0] + " | " + s[1] + " |\n")
	}
	for _, cmd := range below(root) {
		if cmd.HasSubCommands() {
			continue
		}
		text.WriteString("\n## " + cmd.CommandPath() + "\n\n")
		_, help, _ := execute(newRoot(), append(strings.Fields(cmd.CommandPath())[1:], "--help")...)
		text.WriteString("```text\n" + strings.TrimSpace(help) + "\n```\n")
	}
	return text.String()
}

// below are all commands below one that are no help, in their order.
func below(cmd *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			all = append(append(all, c), below(c)...)
		}
	}
	return all
}

func TestHelpOfEveryCommandFitsATerminal(t *testing.T) {
	for _, cmd := range below(newRoot()) {
		_, help, _ := execute(newRoot(), append(strings.Fields(cmd.CommandPath())[1:], "--help")...)
		for line := range strings.Lines(help) {
			if len(line) > 81 {
				t.Errorf("%s: too wide: %s", cmd.CommandPath(), line)
			}
		}
	}
}
