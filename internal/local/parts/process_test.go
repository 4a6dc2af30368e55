package parts_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"headroom/internal/local/parts"
)

// TestMain lets the test binary play a parent that starts a program and is then killed.
func TestMain(m *testing.M) {
	if os.Getenv("PLAY_PARENT") != "" {
		playParent()
	}
	os.Exit(m.Run())
}

func playParent() {
	dir, err := parts.NewTempDir("headroom-test-")
	if err != nil {
		panic(err)
	}
	child, err := parts.Start(exec.Command("sleep", "600"))
	if err != nil {
		panic(err)
	}
	fmt.Println(dir.Path, child.PID())
	select {}
}

func TestNothingOutlivesAKilledParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "PLAY_PARENT=1")
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	dir, number, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}

	_ = parent.Process.Kill()
	_ = parent.Wait()

	eventually(t, "the directory is gone", func() bool { _, err := os.Stat(dir); return os.IsNotExist(err) })
	eventually(t, "the child is gone", func() bool { return !running(pid) })
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	stubborn := exec.Command("/bin/sh", "-c", `trap "" TERM; sleep 600 & echo $!; while :; do sleep 1; done`)
	out, err := stubborn.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parts.Start(stubborn)
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n') // by then the shell has set its trap
	if err != nil {
		t.Fatal(err)
	}
	p.Stop(100 * time.Millisecond)
	grandchild, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the grandchild is gone", func() bool { return !running(grandchild) })
}

func TestRemoveDeletesTheDirectory(t *testing.T) {
	dir, err := parts.NewTempDir("headroom-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.Path+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dir.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir.Path); !os.IsNotExist(err) {
		t.Fatalf("it is still there: %v", err)
	}
}

func TestKeepLeavesTheDirectory(t *testing.T) {
	dir, err := parts.NewTempDir("headroom-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir.Path) })
	if err := dir.Keep(); err != nil { // by then the guard has ended
		t.Fatal(err)
	}
	if _, err := os.Stat(dir.Path); err != nil {
		t.Fatal(err)
	}
}

func TestRunningNamesTheProgramsThatHaveNotEnded(t *testing.T) {
	before := len(parts.Running())
	var processes []*parts.Process
	for range 2 {
		p, err := parts.Start(exec.Command("sleep", "600"))
		if err != nil {
			t.Fatal(err)
		}
		processes = append(processes, p)
	}
	if got := parts.Running(); len(got) != before+2 || !slices.Contains(got, "sleep") {
		t.Errorf("%v run", got)
	}
	for _, p := range processes {
		p.Kill()
		<-p.Done()
	}
	if got := parts.Running(); len(got) != before {
		t.Errorf("%v still run", got)
	}
}

// running reports whether pid is alive; a zombie that nobody reaps is not.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 200 {
		if holds() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("five seconds passed before: %s", what)
}
