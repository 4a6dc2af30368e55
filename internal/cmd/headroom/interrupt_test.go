package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// hang names the environment variable with which the tests' program is one that never ends by itself.
const hang = "HEADROOM_TEST_HANG"

func TestMain(m *testing.M) {
	if os.Getenv(hang) != "" {
		ctx := untilInterrupted()
		fmt.Println("running")
		<-ctx.Done()
		fmt.Println("stopping")
		select {}
	}
	code := m.Run()
	closeCloud()
	os.Exit(code)
}

func TestTheFirstInterruptionAsksAndTheSecondEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // if it does not end, it is ended
	defer cancel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), hang+"=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for _, want := range []string{"running", "stopping"} {
			if !lines.Scan() || lines.Text() != want {
				t.Fatalf("it says %q, want %q", lines.Text(), want)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait() // it has no other end
		if status := cmd.ProcessState.ExitCode(); status != 128+int(signal) {
			t.Errorf("it ended with %v", cmd.ProcessState)
		}
	}
}

// What fails because of Ctrl-C, in whatever words, is no failure.
func TestARunThatIsInterruptedWhileItStartsEndsQuietly(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := (demoCommand{Speed: 1}).runIn(ctx, t.TempDir(), t.Output()); err != context.Canceled {
		t.Errorf("the error is %v", err)
	}
	if err := (demoCommand{Speed: 1}).runIn(t.Context(), t.TempDir(), t.Output()); err == nil || err == context.Canceled {
		t.Errorf("the error is %v", err)
	}
}
