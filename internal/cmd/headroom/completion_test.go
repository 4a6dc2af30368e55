package main

import (
	"strings"
	"testing"
)

func TestCompletionPrintsTheShellsScript(t *testing.T) {
	for shell, start := range map[string]string{
		"bash": "# bash completion V2 for headroom",
		"zsh":  "#compdef headroom",
		"fish": "# fish completion for headroom",
	} {
		if status, stdout, stderr := execute(newRoot(), "completion", shell); status != 0 || stderr != "" || !strings.HasPrefix(stdout, start) {
			t.Errorf("%s: status %d, said %q, printed %.60q", shell, status, stderr, stdout)
		}
	}
}

func TestCompletionKnowsCommandsFlagsAndFolders(t *testing.T) {
	for line, want := range map[string]string{
		"dem":            "demo\tRun the whole system on this machine, and prove its isolation.\n:4\n",
		"completion f":   "fish\n:4\n",
		"demo --sig":     "--signups\tHow many customers sign up.\n:4\n",
		"demo --speed 1": ":4\n", // no file names
		"demo --assem":   "--assembly\tThe folder of the synthesized CDK assembly.\n:4\n",
		"demo --dir x":   ":16\n", // folders only
	} {
		if _, stdout, _ := execute(newRoot(), append([]string{"__complete"}, strings.Fields(line)...)...); stdout != want {
			t.Errorf("%s: %q", line, stdout)
		}
	}
}
