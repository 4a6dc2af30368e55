package killtest

import "slices"

// Schedule runs processes interleaved call by call: one moves at a time, and which one is the
// caller's choice. So the same choices give the same run. Its zero value is ready.
type Schedule struct{ processes []*process }

// process is a process that stands still before each of its calls until it is told to make it.
type process struct {
	arrived chan string // the operation of the call that it stands before; closed at its end
	resume  chan bool   // make the call; false: die
	next    string
	err     error
}

// Start starts a process, which then stands before its first call. run makes its calls by call, from
// one goroutine.
func (s *Schedule) Start(run func(call Call) error) {
	p := &process{arrived: make(chan string), resume: make(chan bool)}
	dead := false
	call := func(operation string, do func() error) error {
		if dead {
			return ErrKilled
		}
		p.arrived <- operation
		if dead = !<-p.resume; dead {
			return ErrKilled
		}
		return do()
	}
	go func() {
		defer close(p.arrived)
		p.err = run(call)
	}()
	if p.arrive() {
		s.processes = append(s.processes, p)
	}
}

// arrive waits until the process stands before its next call; false when it has ended.
func (p *process) arrive() bool {
	operation, running := <-p.arrived
	p.next = operation
	return running
}

// Running is how many processes have not ended.
func (s *Schedule) Running() int { return len(s.processes) }

// Next names the call that the i-th process stands before.
func (s *Schedule) Next(i int) string { return s.processes[i].next }

// Step lets the i-th process make its next call. ended means that it was the last, and err what the
// process came to then.
func (s *Schedule) Step(i int) (ended bool, err error) { return s.move(i, true) }

// Kill ends the i-th process where it stands.
func (s *Schedule) Kill(i int) { _, _ = s.move(i, false) }

func (s *Schedule) move(i int, alive bool) (ended bool, err error) {
	p := s.processes[i]
	p.resume <- alive
	if p.arrive() {
		return false, nil
	}
	s.processes = slices.Delete(s.processes, i, i+1)
	return true, p.err
}
