package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"headroom/internal/local/clock"
)

// Line is one line of a function's log.
type Line struct {
	Function string // its name
	Group    string // of CloudWatch Logs
	Stream   string // in the group: one a process
	Time     time.Time
	Text     string
}

// sink keeps the logs of all functions, one file each, and hands lines to subscribers.
type sink struct {
	dir   string
	clock *clock.Clock

	mu          sync.Mutex
	files       map[string]*os.File
	subscribers map[int]func(Line)
	next        int
	closed      bool
}

func newSink(dir string, clock *clock.Clock) *sink {
	return &sink{dir: dir, clock: clock, files: map[string]*os.File{}, subscribers: map[int]func(Line){}}
}

func (s *sink) subscribe(receive func(Line)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.next
	s.next++
	s.subscribers[id] = receive
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, id)
	}
}

// write adds a line. A log that cannot be written fails nothing.
func (s *sink) write(line Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	file, ok := s.files[line.Function]
	if !ok {
		file, _ = os.OpenFile(filepath.Join(s.dir, line.Function+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		s.files[line.Function] = file
	}
	if file != nil {
		_, _ = fmt.Fprintln(file, line.Text)
	}
	for _, receive := range s.subscribers {
		receive(line)
	}
}

// platform adds one of the lines that Lambda itself writes to the stream of a process.
func (s *sink) platform(f *function, stream, kind string, record map[string]any) {
	now := s.clock.Now()
	text, err := json.Marshal(map[string]any{"time": now.UTC().Format("2006-01-02T15:04:05.000Z"), "type": "platform." + kind, "record": record})
	if err != nil {
		return
	}
	s.write(Line{Function: f.name, Group: f.logGroup(), Stream: stream, Time: now, Text: string(text)})
}

func (s *sink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, file := range s.files {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	s.closed = true
	return errors.Join(errs...)
}

// maxLine is where Lambda cuts a line that is too long.
const maxLine = 256 << 10

// lines turns a process's output into lines of its function's log.
type lines struct {
	function *function
	stream   string
	sink     *sink
	level    string // lines below it are dropped, as Lambda does for JSON logs; empty: none
	rest     []byte
}

func (l *lines) Write(output []byte) (int, error) {
	l.rest = append(l.rest, output...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 && len(l.rest) < maxLine {
			return len(output), nil
		}
		if end < 0 || end > maxLine {
			l.emit(l.rest[:maxLine])
			l.rest = l.rest[maxLine:]
			continue
		}
		l.emit(l.rest[:end])
		l.rest = l.rest[end+1:]
	}
}

func (l *lines) emit(text []byte) {
	if l.level != "" && levelOf(text) < levels[l.level] {
		return
	}
	l.sink.write(Line{Function: l.function.name, Group: l.function.logGroup(), Stream: l.stream, Time: l.sink.clock.Now(), Text: string(text)})
}

var levels = map[string]int{"TRACE": 1, "DEBUG": 2, "INFO": 3, "WARN": 4, "ERROR": 5, "FATAL": 6}

// levelOf reads a JSON line's level. Lines that name none count as INFO.
func levelOf(text []byte) int {
	var line struct{ Level string }
	_ = json.Unmarshal(text, &line) // text that is not JSON names no level
	if level, ok := levels[line.Level]; ok {
		return level
	}
	return levels["INFO"]
}
