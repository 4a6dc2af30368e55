package endtoend

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheDemoLeavesNothingBehind ends `headroom demo` in the two ways in which people end programs.
func TestTheDemoLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	requireBuilt(t)
	dir, err := os.MkdirTemp("", "hr") // short: sockets are in it, whose paths have 107 bytes
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "headroom")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "headroom/internal/cmd/headroom")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v: %s", err, output)
	}
	for _, end := range []struct {
		what   string
		signal os.Signal // nil: it ends by itself
		when   string    // the demo prints it
		args   []string
	}{
		{"killed while it works", os.Kill, "customers sign up", []string{"--signups=2"}},
		{"interrupted when it is done", os.Interrupt, "keeps running until Ctrl-C", []string{"--signups=2"}},
		{"when it ends by itself", nil, "no write fails while a machine is replaced", []string{"--exit"}},
	} {
		t.Run(end.what, func(t *testing.T) { endsClean(t, program, end.args, end.signal, end.when) })
	}
}

func endsClean(t *testing.T, program string, args []string, signal os.Signal, when string) {
	t.Parallel()
	temp, err := os.MkdirTemp("", "hr")
	must(t, err)
	must(t, os.Chmod(temp, 0o755)) // PostgreSQL runs as somebody else
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	demo := exec.CommandContext(t.Context(), program, append([]string{"demo"}, args...)...)
	demo.Dir, demo.Env, demo.Stderr = "../..", append(os.Environ(), "TMPDIR="+temp), t.Output()
	output, err := demo.StdoutPipe()
	must(t, err)
	must(t, demo.Start())

	said := bufio.NewScanner(output)
	for said.Scan() && !strings.Contains(said.Text(), when) {
		t.Log(said.Text())
	}
	started := descendants(demo.Process.Pid)
	if len(started) < 4 {
		t.Errorf("it runs %v, want two parts, a database server and a function at least", started)
	}
	if signal != nil {
		must(t, demo.Process.Signal(signal))
	}
	_, _ = io.Copy(io.Discard, output)
	if err := demo.Wait(); signal == nil && err != nil { // otherwise its status is the signal's
		t.Errorf("not everything held: %v", err)
	}

	var left []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		left = nil
		for p, command := range started {
			if p.runs() {
				left = append(left, command)
			}
		}
		files, err := os.ReadDir(temp)
		must(t, err)
		for _, file := range files {
			left = append(left, file.Name())
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("it left behind:\n%s", strings.Join(left, "\n"))
}

// process is a process and no other that has its number later.
type process struct{ pid, started string }

// stat reads the fields of /proc/<pid>/stat that come after the command's name (proc(5): the state
// is the first of them, the parent the second, the start the twentieth).
func stat(pid string) (fields []string, ok bool) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil, false
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])), true
}

func (p process) runs() bool {
	fields, ok := stat(p.pid)
	return ok && fields[0] != "Z" && fields[19] == p.started
}

// descendants are a process's children and theirs, with their command lines.
func descendants(pid int) map[process]string {
	parents := map[string]string{}
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, entry := range entries {
		if fields, ok := stat(filepath.Base(entry)); ok {
			parents[filepath.Base(entry)] = fields[1]
		}
	}
	found := map[process]string{}
	for child := range parents {
		above := child
		for above != "" && above != fmt.Sprint(pid) {
			above = parents[above]
		}
		fields, ok := stat(child)
		if above == "" || child == fmt.Sprint(pid) || !ok {
			continue
		}
		command, _ := os.ReadFile("/proc/" + child + "/cmdline")
		found[process{child, fields[19]}] = strings.ReplaceAll(string(command), "\x00", " ")
	}
	return found
}
