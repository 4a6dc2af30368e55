package demo

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Printer words a run for people. Its methods may be called concurrently.
type Printer struct {
	mu     sync.Mutex
	screen screen
	start  time.Time
}

// NewPrinter starts the clock that its lines show. What it prints fits out, if that is a terminal.
func NewPrinter(out io.Writer) *Printer {
	return &Printer{screen: screenOf(out, os.Getenv), start: time.Now()}
}

// Line prints a line with the seconds since the start.
func (p *Printer) Line(text string) {
	at := fmt.Sprintf("%6.1f s  ", time.Since(p.start).Seconds())
	p.print(p.screen.in(faint, at) + p.screen.fold(text, len(at)) + "\n")
}

// Heading begins something new.
func (p *Printer) Heading(text string) {
	p.print("\n" + p.screen.in(bold, "== "+p.screen.fold(text, len("== "))) + "\n")
}

// Text prints a paragraph.
func (p *Printer) Text(text string) { p.print(p.screen.fold(text, 0) + "\n") }

// print writes whole lines: those of others come before or after.
func (p *Printer) print(lines string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.screen, lines) // nobody reads any more: the run goes on
}
