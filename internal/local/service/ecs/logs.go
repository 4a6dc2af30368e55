package ecs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// maxLine is where a line is cut that is too long for an event of CloudWatch Logs.
const maxLine = 256 << 10

// lines turns a task's output into lines of its log stream.
type lines struct {
	sink                  *ECS
	family, group, stream string
	rest                  []byte
}

func (l *lines) Write(output []byte) (int, error) {
	l.rest = append(l.rest, output...)
	for {
		end := bytes.IndexByte(l.rest, '\n')
		if end < 0 && len(l.rest) < maxLine {
			return len(output), nil
		}
		skip := 1
		if end < 0 || end > maxLine {
			end, skip = maxLine, 0
		}
		l.sink.write(l, string(l.rest[:end]))
		l.rest = l.rest[end+skip:]
	}
}

// flush writes a last line that nothing ends. The task has ended.
func (l *lines) flush() {
	if len(l.rest) > 0 {
		l.sink.write(l, string(l.rest))
		l.rest = nil
	}
}

func (e *ECS) write(l *lines, text string) {
	e.logFiles.write(l.family, text)
	e.cfg.Logs.Put(l.group, l.stream, e.cfg.Clock.Now(), text)
}

// files are the logs of families as files, beside those of functions.
type files struct {
	dir string

	mu   sync.Mutex
	open map[string]*os.File // nil once closed
	shut bool
}

// write adds a line. A log that can't be written fails nothing.
func (f *files) write(family, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shut {
		return
	}
	if f.open == nil {
		f.open = map[string]*os.File{}
	}
	file, ok := f.open[family]
	if !ok {
		file, _ = os.OpenFile(filepath.Join(f.dir, family+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		f.open[family] = file
	}
	if file != nil {
		_, _ = fmt.Fprintln(file, text)
	}
}

func (f *files) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shut = true
	var errs []error
	for _, file := range f.open {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}
