// Package parts runs the programs of others that the local cloud is made of, and sees to it that
// none of them, nor what they wrote, outlives this process.
package parts

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Process is a running program at the head of a process group of its own.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start starts cmd. The kernel kills the program when this process dies, however it dies.
func Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = time.Second // a grandchild that holds the output open must not hang Wait
	}
	if err := onSpawner(cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	running.Store(p, filepath.Base(cmd.Path))
	go p.wait()
	return p, nil
}

// running are the processes that have not ended, with the names of their programs.
var running sync.Map

// Running returns the names of the programs that run, sorted: one for each process.
func Running() []string {
	var names []string
	running.Range(func(_, name any) bool {
		names = append(names, name.(string))
		return true
	})
	slices.Sort(names)
	return names
}

// PID is the process's number, which is also its group's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the program has ended and all its output has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says, once Done is closed, how the program ended: nil for exit status 0.
func (p *Process) Err() error { return p.err }

// Kill ends the program and its children at once. It does not wait.
func (p *Process) Kill() {
	select {
	case <-p.done: // the number may be another's by now
	default:
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	}
}

// Stop asks the program to end, kills it if it has not after grace, and waits for its end.
func (p *Process) Stop(grace time.Duration) {
	select {
	case <-p.done:
		return
	default:
		_ = syscall.Kill(-p.PID(), syscall.SIGTERM)
	}
	select {
	case <-p.done:
	case <-time.After(grace):
		p.Kill()
		<-p.done
	}
}

func (p *Process) wait() {
	p.err = p.cmd.Wait()
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL) // children that the program left behind
	running.Delete(p)
	close(p.done)
}

// A parent-death signal is sent when the thread that started the child ends, not when its process
// does. So all children are started by one thread, which lives as long as the process.
var spawner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

func onSpawner(start func() error) error {
	result := make(chan error)
	spawner() <- func() { result <- start() }
	return <-result
}
