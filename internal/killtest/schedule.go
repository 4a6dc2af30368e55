package killtest

import "slices"

// Schedule runs processes interleaved call by call: one moves at a time, and which one is the
// caller's choice. So the same choices give the same run. Its zero value is ready.
type Schedule struct{ processes []*Process }

// Start starts a process, which then stands before its first call. run makes its calls by call, from
// one goroutine.
func (s *Schedule) Start(run func(call Call) error) {
	p := Start(run)
	if _, running := p.Next(); running {
		s.processes = append(s.processes, p)
	}
}

// Running is how many processes have not ended.
func (s *Schedule) Running() int { return len(s.processes) }

// Next names the call that the i-th process stands before.
func (s *Schedule) Next(i int) string {
	operation, _ := s.processes[i].Next()
	return operation
}

// Step lets the i-th process make its next call. ended means that it was the last, and err what the
// process came to then.
func (s *Schedule) Step(i int) (ended bool, err error) {
	p := s.processes[i]
	p.Move()
	if _, running := p.Next(); running {
		return false, nil
	}
	s.processes = slices.Delete(s.processes, i, i+1)
	return true, p.Err()
}

// Kill ends the i-th process where it stands.
func (s *Schedule) Kill(i int) {
	s.processes[i].Kill()
	s.processes = slices.Delete(s.processes, i, i+1)
}
