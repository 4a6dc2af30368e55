package main

import (
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: what is written to its file, as the one who looks at it has it.
type terminal struct {
	*os.File // the side of programs
	master   *os.File
	read     chan string
}

// newTerminal makes a terminal of some columns.
func newTerminal(t *testing.T, columns int) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Lines end as they are written.
	settings, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	settings.Oflag &^= unix.OPOST
	settings.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, settings); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	term := &terminal{File: slave, master: master, read: make(chan string, 1)}
	go func() {
		text, _ := io.ReadAll(master) // ends with an error once nobody has the other side
		term.read <- string(text)
	}()
	t.Cleanup(func() { _ = master.Close() })
	return term
}

// types has somebody type a line.
func (t *terminal) types(line string) { _, _ = io.WriteString(t.master, line+"\n") }

// shown is all that was written, once nobody writes any more.
func (t *terminal) shown() string {
	_ = t.Close()
	return <-t.read
}
