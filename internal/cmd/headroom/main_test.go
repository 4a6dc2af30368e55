package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// execute returns what a command line prints, and its exit status.
func execute(root *cobra.Command, args ...string) (status int, stdout, stderr string) {
	return executeIn(context.Background(), root, args...)
}

func executeIn(ctx context.Context, root *cobra.Command, args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&err)
	root.SetArgs(args)
	status = run(ctx, root)
	return status, out.String(), err.String()
}

func TestACommandLineThatCannotBeMeantIsRefused(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ args, why string }{
		{"frobnicate", `unknown command "frobnicate" (see headroom --help)`},
		{"frobnicate --signups 3", `unknown command "frobnicate" (see headroom --help)`},
		{"dmeo", `unknown command "dmeo", did you mean demo? (see headroom --help)`},
		{"--signups=3", `unknown flag --signups (see headroom --help)`},
		{"demo now", `unexpected argument "now" (see headroom demo --help)`},
		{"demo --signup 3", `unknown flag --signup (see headroom demo --help)`},
		{"demo -x", `unknown flag -x (see headroom demo --help)`},
		{"demo --dir", `--dir wants a value (see headroom demo --help)`},
		{"demo --exit=maybe", `--exit is "maybe", and must be true or false (see headroom demo --help)`},
		{"demo --signups dozen", `--signups is "dozen", and must be a whole number (see headroom demo --help)`},
		{"demo --signups 0", `--signups is 0, and must be from 1 to 51200 (see headroom demo --help)`},
		{"demo --signups 51201", `--signups is 51201, and must be from 1 to 51200 (see headroom demo --help)`},
		{"demo --speed fast", `--speed is "fast", and must be a number (see headroom demo --help)`},
		{"demo --speed 0", `--speed is 0, and must be a number above 0 (see headroom demo --help)`},
		{"demo --speed NaN", `--speed is NaN, and must be a number above 0 (see headroom demo --help)`},
		{"demo --speed Inf", `--speed is +Inf, and must be a number above 0 (see headroom demo --help)`},
		{"demo --database 3", `--database is "3", and must be a duration, such as 500ms or 1m30s (see headroom demo --help)`},
		{"demo --database -1s", `--database is -1s, and can't be negative (see headroom demo --help)`},
		{"demo --boot -1s", `--boot is -1s, and can't be negative (see headroom demo --help)`},
		{"demo --seed -1", `--seed is "-1", and must be a whole number, not negative (see headroom demo --help)`},
		{"demo", `--assembly: stat cdk.out: no such file or directory; make synth writes it (see headroom demo --help)`},
		{"demo --assembly=", `--assembly: stat : no such file or directory; make synth writes it (see headroom demo --help)`},
		{"demo --assembly main.go", `--assembly: main.go is no folder; make synth writes it (see headroom demo --help)`},
		{"demo --assembly .", `--assembly: HERE holds no CDK assembly; make synth writes one (see headroom demo --help)`},
		{"demo --assembly testdata/assembly --programs gone", `--programs: stat gone: no such file or directory; make native builds them (see headroom demo --help)`},
		{"demo --assembly testdata/assembly --programs .", `--programs: HERE holds no functions; make native builds them (see headroom demo --help)`},
		{"demo --listen 0.0.0.0:0", `--listen: "0.0.0.0:0" is not an address on loopback with a port, such as 127.0.0.1:4566 (see headroom demo --help)`},
		{"demo --listen 4566", `--listen: "4566" is not an address on loopback with a port, such as 127.0.0.1:4566 (see headroom demo --help)`},
		{"completion", `which shell? It must be one of bash, zsh, fish (see headroom completion --help)`},
		{"completion tcsh", `which shell? It must be one of bash, zsh, fish (see headroom completion --help)`},
	} {
		t.Run(test.args, func(t *testing.T) {
			status, stdout, stderr := execute(newRoot(), strings.Fields(test.args)...)
			if want := "headroom: " + strings.ReplaceAll(test.why, "HERE", here) + "\n"; status != refused || stdout != "" || stderr != want {
				t.Errorf("status %d, printed %q, said\n%swant\n%s", status, stdout, stderr, want)
			}
		})
	}
}

func TestWithoutACommandItListsThem(t *testing.T) {
	status, _, stderr := execute(newRoot())
	if status != refused || !strings.Contains(stderr, "\n  demo ") || !strings.HasSuffix(stderr, "\nheadroom: which command? (see headroom --help)\n") {
		t.Errorf("status %d, said %s", status, stderr)
	}
}

func TestTheExitStatusSaysHowItEnded(t *testing.T) {
	broken := errors.New("the disk is full")
	for _, test := range []struct {
		name        string
		err         error
		interrupted bool
		want        int
		says        string
	}{
		{"well", nil, false, 0, ""},
		{"by an error", broken, false, failed, "headroom: the disk is full\n"},
		{"by Ctrl-C", fmt.Errorf("wait: %w", context.Canceled), true, interrupted, ""},
		{"by an error after Ctrl-C", broken, true, failed, "headroom: the disk is full\n"},
		{"by something cancelled without Ctrl-C", context.Canceled, false, failed, "headroom: context canceled\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			root := newRoot()
			root.AddCommand(&cobra.Command{Use: "end", RunE: func(*cobra.Command, []string) error {
				if test.interrupted {
					interrupt()
				}
				return test.err
			}})
			if status, stdout, stderr := executeIn(ctx, root, "end"); status != test.want || stdout != "" || stderr != test.says {
				t.Errorf("status %d, printed %q, said %q", status, stdout, stderr)
			}
		})
	}
}

func TestHelpFitsATerminal(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"demo", "--help"}, {"completion", "-h"}} {
		status, stdout, stderr := execute(newRoot(), args...)
		if status != 0 || stderr != "" {
			t.Errorf("%v: status %d, said %q", args, status, stderr)
		}
		for line := range strings.Lines(stdout) {
			if len(line) > 81 {
				t.Errorf("%v: too wide: %s", args, line)
			}
		}
	}
}

func TestTheVersionIsWhatTheBuildRecorded(t *testing.T) {
	status, stdout, stderr := execute(newRoot(), "--version")
	if status != 0 || stderr != "" || !strings.HasPrefix(stdout, "headroom ") || !strings.Contains(stdout, ", "+runtime.Version()+" ") {
		t.Errorf("status %d, printed %q, said %q", status, stdout, stderr)
	}
}
