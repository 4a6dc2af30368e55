package killtest

import "iter"

// Process is a process that stands still before each of its calls until it is told to make it. It runs in no goroutine of
// its own: while it moves, nothing else does.
type Process struct {
	next    func() (string, bool)
	kill    func()
	call    string
	running bool
	err     error
}

// Start starts a process, which then stands before its first call, or has ended. run makes its calls by call, from
// one goroutine.
func Start(run func(call Call) error) *Process {
	p := &Process{}
	p.next, p.kill = iter.Pull(func(stand func(operation string) bool) {
		room(0)
		alive := true
		p.err = run(func(operation string, do func() error) error {
			if alive = alive && stand(operation); !alive {
				return ErrKilled
			}
			return do()
		})
	})
	p.Move()
	return p
}

// room has the stack of a coroutine, which is small at first, be as large as handlers need. Otherwise it grows several times while
// they go deeper, and all that stands on it is moved each time, which took a tenth of the time of simulations.
//
//go:noinline
func room(i int) byte {
	var taken [48 << 10]byte
	return taken[i]
}

// Next names the call that the process stands before; false when it has ended.
func (p *Process) Next() (operation string, running bool) { return p.call, p.running }

// Move lets the process make the call that it stands before, and go on to its next or to its end.
func (p *Process) Move() { p.call, p.running = p.next() }

// Kill ends the process where it stands.
func (p *Process) Kill() {
	p.kill()
	p.running = false
}

// Err is what a process that has ended by itself came to.
func (p *Process) Err() error { return p.err }
